//! Cross-entropy with a distribution over the classes for each example.

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::hint;
use super::super::loss::{Loss, Predictions};
use super::bounded::bounded;
use super::objection::objection;

/// `-Σ y ln p`: the cross-entropy of probabilities, or of logits, with a distribution for each example, in nats. The
/// distribution is that of one class (one-hot), or any other.
///
/// Where the network ends with a softmax, the loss is computed from what the softmax was applied to: as exact as from
/// logits, however unlikely the class. Other probabilities are divided by their sum and kept away from 0 by `1e-7`, as
/// Keras does.
///
/// # Shape
/// Predictions and targets `[n, .., classes]`.
///
/// # Panics
/// When the shapes differ.
///
/// # Source
/// `keras.losses.CategoricalCrossentropy`.
///
/// ```
/// use grafito::nn::{CrossEntropy, Loss, Predictions};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([[0.25f32, 0.75]]), Tensor::from([[0.0f32, 1.0]]));
/// let loss = CrossEntropy::new().mean(&Predictions::new(p), &y);
/// assert!((loss.item::<f32>() + 0.75f32.ln()).abs() < 1e-6);
/// let logits = Tensor::from([[0.0f32, 0.0]]);
/// let loss = CrossEntropy::from_logits().mean(&Predictions::new(logits), &y);
/// assert_eq!(loss.item::<f32>(), 2f32.ln());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CrossEntropy {
    from_logits: bool,
    label_smoothing: f64,
}

impl CrossEntropy {
    /// From probabilities.
    pub fn new() -> CrossEntropy {
        CrossEntropy { from_logits: false, label_smoothing: 0.0 }
    }

    /// From logits.
    pub fn from_logits() -> CrossEntropy {
        CrossEntropy { from_logits: true, label_smoothing: 0.0 }
    }

    /// Takes this share of each distribution and gives it to all classes alike, so that no probability need come to 1.
    ///
    /// ```
    /// use grafito::nn::{CrossEntropy, Loss, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let (certain, first) = (Predictions::new(Tensor::from([[20.0f32, 0.0]])), Tensor::from([[1.0f32, 0.0]]));
    /// let loss = |loss: CrossEntropy| loss.mean(&certain, &first).item::<f32>();
    /// assert!(loss(CrossEntropy::from_logits()) < 1e-6);
    /// assert!(loss(CrossEntropy::from_logits().label_smoothing(0.2)) > 1.0);
    /// ```
    ///
    /// # Source
    /// Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception architecture", 2016.
    #[must_use]
    pub fn label_smoothing(self, share: f64) -> CrossEntropy {
        CrossEntropy { label_smoothing: share, ..self }
    }
}

impl Loss for CrossEntropy {
    fn kind(&self) -> &'static str {
        "CrossEntropy"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        if let Some(hint) = hint::distributions(predictions.values().fact(), targets.fact()) {
            predictions.misfit(targets, self.kind(), " differ in shape", Some(hint));
        }
        let mut y = predictions.targets(targets, self.kind());
        if self.label_smoothing != 0.0 {
            let classes = y.shape().last().copied().unwrap_or(1);
            y = y * (1.0 - self.label_smoothing) + self.label_smoothing / classes as f64;
        }
        if self.from_logits {
            return predictions.values().cross_entropy_each(&y);
        }
        if let Some(logits) = predictions.before(Activation::Softmax) {
            return logits.cross_entropy_each(&y);
        }
        let p = predictions.values() / predictions.values().sum_keep(-1);
        -(y * bounded(&p).log()).sum(-1)
    }

    fn objection(&self, last: Activation) -> Option<String> {
        objection(self.kind(), self.from_logits, Activation::Softmax, Some(Activation::Sigmoid), last)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
