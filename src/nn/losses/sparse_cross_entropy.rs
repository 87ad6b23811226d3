//! Cross-entropy with a class for each example.

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::hint;
use super::super::loss::{Loss, Predictions};
use super::bounded::bounded;
use super::objection::objection;

/// `-ln p[label]`: the cross-entropy of probabilities, or of logits, with a class for each example, in nats.
///
/// Where the network ends with a softmax, the loss is computed from what the softmax was applied to: as exact as from
/// logits, however unlikely the class. Other probabilities are kept away from 0 by `1e-7`, as Keras does.
///
/// # Shape
/// Predictions `[n, .., classes]`, labels `[n, ..]` of any integer dtype.
///
/// # Panics
/// When they are others, as a failed operation.
///
/// # Source
/// `keras.losses.SparseCategoricalCrossentropy`.
///
/// ```
/// use grafito::nn::{Loss, Predictions, SparseCrossEntropy};
/// use grafito::prelude::*;
///
/// let (p, label) = (Tensor::from([[0.25f32, 0.75]]), Tensor::from([1u8]));
/// let loss = SparseCrossEntropy::new().mean(&Predictions::new(p), &label);
/// assert!((loss.item::<f32>() + 0.75f32.ln()).abs() < 1e-6);
/// let logits = Tensor::from([[0.0f32, 0.0]]);
/// let loss = SparseCrossEntropy::from_logits().mean(&Predictions::new(logits), &label);
/// assert_eq!(loss.item::<f32>(), 2f32.ln());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct SparseCrossEntropy {
    from_logits: bool,
}

impl SparseCrossEntropy {
    /// From probabilities.
    pub fn new() -> SparseCrossEntropy {
        SparseCrossEntropy { from_logits: false }
    }

    /// From logits.
    pub fn from_logits() -> SparseCrossEntropy {
        SparseCrossEntropy { from_logits: true }
    }
}

impl Loss for SparseCrossEntropy {
    fn kind(&self) -> &'static str {
        "SparseCrossEntropy"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        let values = predictions.values();
        let examples = &values.shape()[..values.rank().saturating_sub(1)];
        if values.rank() == 0 || targets.shape()[..] != *examples || !targets.dtype().is_int() {
            let hint = hint::labels(values.fact(), targets.fact());
            predictions.misfit(targets, self.kind(), "; it takes an integer for each row of classes", hint);
        }
        if self.from_logits {
            return values.sparse_cross_entropy_each(targets);
        }
        if let Some(logits) = predictions.before(Activation::Softmax) {
            return logits.sparse_cross_entropy_each(targets);
        }
        // A label that is out of range is one of the user's.
        let index = targets.origin().scope(|| targets.cast(grafito::DType::I64).unsqueeze(-1));
        -bounded(&values.take_along_axis(-1, &index).squeeze(-1isize)).log()
    }

    fn objection(&self, last: Activation) -> Option<String> {
        objection(self.kind(), self.from_logits, Activation::Softmax, None, last)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
