//! The cost of an answer that is not right by a margin.

use grafito::Tensor;
use serde::{Deserialize, Serialize};

use super::super::loss::{Loss, Predictions};

/// `max(1 - y · prediction, 0)`, averaged, where `y` is 1 for a target above 0 and -1 for any other: so targets may be
/// -1 and 1, or 0 and 1.
///
/// # Shape
/// Predictions and targets of one shape.
///
/// # Panics
/// When the shapes differ.
///
/// # Source
/// `keras.losses.Hinge`.
///
/// ```
/// use grafito::nn::{Hinge, Loss, Predictions};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([[0.5f32], [2.0], [0.5]]), Tensor::from([[1u8], [1], [0]]));
/// assert_eq!(Hinge.each(&Predictions::new(p), &y).to_vec::<f32>(), [0.5, 0.0, 1.5]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Hinge;

impl Loss for Hinge {
    fn kind(&self) -> &'static str {
        "Hinge"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        predictions.expect_shape_of(targets, self.kind());
        let values = predictions.values();
        let against = targets.cast(grafito::DType::F32).gt(0.0).select(-values, values);
        (against + 1.0).relu()
    }
}
