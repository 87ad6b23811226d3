//! Regularizers: what large parameters cost.

use grafito::Tensor;
use serde::{Deserialize, Serialize};

/// A penalty on the size of a parameter, which is added to the loss: `l1 · Σ|w| + l2 · Σw²`.
///
/// ```
/// use grafito::nn::Regularizer;
/// use grafito::prelude::*;
///
/// let w = Tensor::from([1.0f32, -2.0]);
/// assert_eq!(Regularizer::l2(0.5).penalty(&w).item::<f32>(), 2.5);
/// assert_eq!(Regularizer::l1(0.5).penalty(&w).item::<f32>(), 1.5);
/// ```
///
/// # Source
/// `keras.regularizers.L1L2`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Regularizer {
    /// Factor of the sum of absolute values.
    pub l1: f64,
    /// Factor of the sum of squares.
    pub l2: f64,
}

impl Regularizer {
    /// `factor · Σ|w|`
    pub fn l1(factor: f64) -> Regularizer {
        Regularizer { l1: factor, l2: 0.0 }
    }

    /// `factor · Σw²`
    pub fn l2(factor: f64) -> Regularizer {
        Regularizer { l1: 0.0, l2: factor }
    }

    /// The penalty, a scalar.
    #[must_use]
    #[track_caller]
    pub fn penalty(&self, parameter: &Tensor) -> Tensor {
        let absolute = || parameter.abs().sum(..) * self.l1;
        let squared = || (parameter * parameter).sum(..) * self.l2;
        match (self.l1 != 0.0, self.l2 != 0.0) {
            (true, true) => absolute() + squared(),
            (true, false) => absolute(),
            (false, _) => squared(),
        }
    }
}
