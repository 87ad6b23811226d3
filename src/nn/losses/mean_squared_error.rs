//! The mean of squared differences.

use grafito::Tensor;
use serde::{Deserialize, Serialize};

use super::super::loss::{Loss, Predictions};

/// `(prediction - target)²`, averaged.
///
/// # Shape
/// Predictions and targets of one shape.
///
/// # Source
/// `keras.losses.MeanSquaredError`.
///
/// ```
/// use grafito::nn::{Loss, MeanSquaredError, Predictions};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([[1.0f32], [2.0]]), Tensor::from([[1.0f32], [4.0]]));
/// assert_eq!(MeanSquaredError.mean(&Predictions::new(p), &y).item::<f32>(), 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct MeanSquaredError;

impl Loss for MeanSquaredError {
    fn kind(&self) -> &'static str {
        "MeanSquaredError"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        predictions.expect_shape_of(targets, self.kind());
        let difference = predictions.values() - targets;
        &difference * &difference
    }
}
