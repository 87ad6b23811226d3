//! Activations: the functions between layers.

use grafito::Tensor;
use serde::{Deserialize, Serialize};

/// A function applied to what a layer computes; also a layer of its own.
///
/// ```
/// use grafito::nn::{Activation, Relu};
/// use grafito::prelude::*;
///
/// assert_eq!(Relu.apply(&Tensor::from([-1.0f32, 2.0])).to_vec::<f32>(), [0.0, 2.0]);
/// assert_eq!(Activation::Linear.name(), "linear");
/// ```
///
/// # Source
/// `keras.activations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The identity.
    #[default]
    Linear,
    /// `max(x, 0)`
    Relu,
    /// `1 / (1 + e⁻ˣ)`
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `eˣ / Σ eˣ` along the last axis: probabilities of classes.
    Softmax,
    /// `ln(1 + eˣ)`
    Softplus,
    /// `x / 2 · (1 + erf(x / √2))`
    Gelu,
    /// `x · sigmoid(x)`, also called swish.
    Silu,
    /// `x` above 0, `eˣ - 1` below.
    Elu,
}

impl Activation {
    /// The function.
    ///
    /// # Shape
    /// The same.
    ///
    /// # Panics
    /// When `x` is no float, or a scalar for [`Activation::Softmax`].
    #[must_use]
    #[track_caller]
    pub fn apply(self, x: &Tensor) -> Tensor {
        match self {
            Activation::Linear => x.clone(),
            Activation::Relu => x.relu(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Tanh => x.tanh(),
            Activation::Softmax => x.softmax(-1),
            Activation::Softplus => x.softplus(),
            Activation::Gelu => x * 0.5 * ((x * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0),
            Activation::Silu => x * x.sigmoid(),
            // The exponential of what is not used must not overflow: its gradient would be 0 · ∞.
            Activation::Elu => x.gt(0.0).select(x, x.minimum(0.0).expm1()),
        }
    }

    /// The name, as in files.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Softmax => "softmax",
            Activation::Softplus => "softplus",
            Activation::Gelu => "gelu",
            Activation::Silu => "silu",
            Activation::Elu => "elu",
        }
    }
}
