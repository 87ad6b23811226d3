//! What metrics of yes and no look at.

use grafito::{DType, Tensor};

use super::super::loss::Predictions;

/// Predictions, and whether they should have been yes, of one shape: all of them, or those of one class.
///
/// # Panics
/// When the shapes do not fit, as a failed operation.
#[track_caller]
pub(super) fn one_class(
    class: Option<usize>,
    predictions: &Predictions,
    targets: &Tensor,
    kind: &str,
) -> (Tensor, Tensor) {
    let values = predictions.values();
    let Some(class) = class else {
        predictions.expect_shape_of(targets, kind);
        return (values.clone(), targets.cast(DType::Bool));
    };
    let of_class = |tensor: &Tensor| tensor.index_axis(-1, class as isize);
    let own = of_class(values);
    if targets.shape() == own.shape() && targets.dtype().is_int() {
        return (own, targets.cast(DType::I64).eq(class as i64));
    }
    predictions.expect_shape_of(targets, kind);
    (own, of_class(targets).cast(DType::Bool))
}

/// How many are true, an i64 scalar.
#[track_caller]
pub(super) fn count(which: &Tensor) -> Tensor {
    which.cast(DType::I64).sum(..)
}

/// A share; 0 of nothing.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
