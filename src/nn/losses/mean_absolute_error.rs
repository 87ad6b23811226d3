//! The mean of absolute differences.

use grafito::Tensor;
use serde::{Deserialize, Serialize};

use super::super::loss::{Loss, Predictions};

/// `|prediction - target|`, averaged. What it is least for is the median.
///
/// # Shape
/// Predictions and targets of one shape.
///
/// # Panics
/// When the shapes differ.
///
/// # Source
/// `keras.losses.MeanAbsoluteError`.
///
/// ```
/// use grafito::nn::{Loss, MeanAbsoluteError, Predictions};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([[1.0f32], [2.0]]), Tensor::from([[1.0f32], [4.0]]));
/// assert_eq!(MeanAbsoluteError.mean(&Predictions::new(p), &y).item::<f32>(), 1.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct MeanAbsoluteError;

impl Loss for MeanAbsoluteError {
    fn kind(&self) -> &'static str {
        "MeanAbsoluteError"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        let targets = predictions.targets(targets, self.kind());
        (predictions.values() - targets).abs()
    }
}
