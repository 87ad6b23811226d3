//! The layer in which every output depends on every input.

use grafito::{Fact, Shape, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::error::LayerError;
use super::super::initializer::Initializer;
use super::super::layer::{Build, Layer, Pass};
use super::super::regularizer::Regularizer;

/// `activation(x · kernel + bias)`.
///
/// # Shape
/// `[n, .., inputs] -> [n, .., units]`; weights `kernel` `[inputs, units]` and `bias` `[units]`.
///
/// # Source
/// `keras.layers.Dense`.
///
/// ```
/// use grafito::nn::{Dense, Relu, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().input([3]).add(Dense::new(2).activation(Relu));
/// let y = network.predict(&Tensor::from([[1.0f32, 2.0, 3.0]])).unwrap();
/// assert_eq!(y.shape(), &Shape::from([1, 2]));
/// ```
///
/// ```
/// use grafito::nn::{Dense, Gelu, Initializer, Regularizer};
///
/// let dense = Dense::new(64)
///     .activation(Gelu)
///     .kernel_initializer(Initializer::HeNormal)
///     .bias_initializer(Initializer::Constant(0.1))
///     .kernel_regularizer(Regularizer::l2(1e-4))
///     .bias_regularizer(Regularizer::l1(1e-4));
/// let linear = Dense::new(64).without_bias();
/// assert_ne!(dense, linear);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    units: usize,
    activation: Activation,
    use_bias: bool,
    kernel_initializer: Initializer,
    bias_initializer: Initializer,
    kernel_regularizer: Option<Regularizer>,
    bias_regularizer: Option<Regularizer>,
}

impl Dense {
    /// A layer of so many outputs, linear, with a bias; the kernel starts as [`Initializer::GlorotUniform`].
    pub fn new(units: usize) -> Dense {
        Dense {
            units,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
            kernel_regularizer: None,
            bias_regularizer: None,
        }
    }

    /// What is applied to the outputs.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Dense {
        Dense { activation, ..self }
    }

    /// Leaves the bias out.
    #[must_use]
    pub fn without_bias(self) -> Dense {
        Dense { use_bias: false, ..self }
    }

    /// What the kernel starts as.
    #[must_use]
    pub fn kernel_initializer(self, kernel_initializer: Initializer) -> Dense {
        Dense { kernel_initializer, ..self }
    }

    /// What the bias starts as.
    #[must_use]
    pub fn bias_initializer(self, bias_initializer: Initializer) -> Dense {
        Dense { bias_initializer, ..self }
    }

    /// What a large kernel costs.
    #[must_use]
    pub fn kernel_regularizer(self, regularizer: Regularizer) -> Dense {
        Dense { kernel_regularizer: Some(regularizer), ..self }
    }

    /// What a large bias costs.
    #[must_use]
    pub fn bias_regularizer(self, regularizer: Regularizer) -> Dense {
        Dense { bias_regularizer: Some(regularizer), ..self }
    }
}

impl Layer for Dense {
    fn kind(&self) -> &'static str {
        "Dense"
    }

    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_positive("the number of units", self.units)?;
        LayerError::unless_f32(input)?;
        let inputs = LayerError::last_axis(input, "at least one axis, of features")?;
        build
            .trainable("kernel", [inputs, self.units], self.kernel_initializer)
            .regularized(self.kernel_regularizer);
        if self.use_bias {
            build.trainable("bias", [self.units], self.bias_initializer).regularized(self.bias_regularizer);
        }
        let outer = &input.shape[..input.shape.rank() - 1];
        let shape: Shape = outer.iter().copied().chain([self.units]).collect();
        Ok(Fact::new(input.dtype, shape))
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let product = x.matmul(&pass.weight("kernel"));
        let sum = if self.use_bias { product + pass.weight("bias") } else { product };
        pass.activate(self.activation, &sum)
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
