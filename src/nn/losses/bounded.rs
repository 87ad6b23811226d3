//! Probabilities whose logarithms are finite.

use grafito::Tensor;

/// How close to 0 and 1 a probability may come.
const LEAST: f64 = 1e-7;

/// The probabilities, kept away from 0 and 1.
#[track_caller]
pub(super) fn bounded(p: &Tensor) -> Tensor {
    p.clamp(LEAST, 1.0 - LEAST)
}
