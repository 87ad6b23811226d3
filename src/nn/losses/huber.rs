//! Squared differences, until they are large.

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::loss::{Loss, Predictions};

/// With `e = |prediction - target|`: `e² / 2` up to `delta`, and `delta · (e - delta / 2)` above, averaged. No gradient
/// exceeds `delta`, so single examples that are far off do not rule.
///
/// # Shape
/// Predictions and targets of one shape.
///
/// # Panics
/// When the shapes differ.
///
/// # Source
/// Huber, "Robust estimation of a location parameter", 1964; `keras.losses.Huber`.
///
/// ```
/// use grafito::nn::{Huber, Loss, Predictions};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([[0.5f32], [3.0]]), Tensor::from([[0.0f32], [0.0]]));
/// assert_eq!(Huber::new(1.0).each(&Predictions::new(p), &y).to_vec::<f32>(), [0.125, 2.5]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Huber {
    delta: f64,
}

impl Huber {
    /// Squared up to a difference of `delta`; 1 is usual.
    pub fn new(delta: f64) -> Huber {
        Huber { delta }
    }
}

impl Default for Huber {
    fn default() -> Huber {
        Huber::new(1.0)
    }
}

impl Loss for Huber {
    fn kind(&self) -> &'static str {
        "Huber"
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        let targets = predictions.targets(targets, self.kind());
        let error = (predictions.values() - targets).abs();
        let bounded = error.minimum(self.delta);
        &bounded * (error - &bounded * 0.5)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
