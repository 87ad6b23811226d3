//! Cross-entropy of answers that are yes or no.

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::loss::{Loss, Predictions};
use super::bounded::bounded;
use super::objection::objection;

/// `-(y ln p + (1 - y) ln(1 - p))`: the cross-entropy of probabilities, or of logits, each with a target of its own,
/// averaged, in nats. Targets are 0, 1, or what lies between.
///
/// Where the network ends with a sigmoid, the loss is computed from what the sigmoid was applied to: as exact as from
/// logits, however sure the network is. Other probabilities are kept away from 0 and 1 by `1e-7`, as Keras does.
///
/// # Shape
/// Predictions and targets of one shape, `[n, 1]` for one answer.
///
/// # Panics
/// When the shapes differ.
///
/// # Source
/// `keras.losses.BinaryCrossentropy`.
///
/// ```
/// use grafito::nn::{BinaryCrossEntropy, Loss, Predictions};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([[0.25f32], [0.75]]), Tensor::from([[0u8], [1]]));
/// let loss = BinaryCrossEntropy::new().mean(&Predictions::new(p), &y);
/// assert!((loss.item::<f32>() + 0.75f32.ln()).abs() < 1e-6);
/// let logits = Tensor::from([[0.0f32], [0.0]]);
/// let loss = BinaryCrossEntropy::from_logits().mean(&Predictions::new(logits), &y);
/// assert!((loss.item::<f32>() - 2f32.ln()).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BinaryCrossEntropy {
    from_logits: bool,
    label_smoothing: f64,
}

impl BinaryCrossEntropy {
    /// From probabilities.
    pub fn new() -> BinaryCrossEntropy {
        BinaryCrossEntropy { from_logits: false, label_smoothing: 0.0 }
    }

    /// From logits.
    pub fn from_logits() -> BinaryCrossEntropy {
        BinaryCrossEntropy { from_logits: true, label_smoothing: 0.0 }
    }

    /// Draws targets to a half by this share.
    ///
    /// ```
    /// use grafito::nn::{BinaryCrossEntropy, Loss, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let (certain, one) = (Predictions::new(Tensor::from([[20.0f32]])), Tensor::from([[1.0f32]]));
    /// let loss = |loss: BinaryCrossEntropy| loss.mean(&certain, &one).item::<f32>();
    /// assert!(loss(BinaryCrossEntropy::from_logits()) < 1e-6);
    /// assert!(loss(BinaryCrossEntropy::from_logits().label_smoothing(0.2)) > 1.0);
    /// ```
    #[must_use]
    pub fn label_smoothing(self, share: f64) -> BinaryCrossEntropy {
        BinaryCrossEntropy { label_smoothing: share, ..self }
    }
}

impl Loss for BinaryCrossEntropy {
    fn kind(&self) -> &'static str {
        "BinaryCrossEntropy"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        let mut y = predictions.targets(targets, self.kind());
        if self.label_smoothing != 0.0 {
            y = y * (1.0 - self.label_smoothing) + self.label_smoothing / 2.0;
        }
        let logits = match self.from_logits {
            true => Some(predictions.values()),
            false => predictions.before(Activation::Sigmoid),
        };
        // -ln sigmoid(x) is softplus(-x). Written so, what is small is no difference of what is large.
        let (yes, no) = match logits {
            Some(logits) => ((-logits).softplus(), logits.softplus()),
            None => {
                let p = bounded(predictions.values());
                let rest: Tensor = 1.0 - &p;
                (-p.log(), -rest.log())
            }
        };
        &y * yes + (1.0 - &y) * no
    }

    fn objection(&self, last: Activation) -> Option<String> {
        objection(self.kind(), self.from_logits, Activation::Sigmoid, Some(Activation::Softmax), last)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
