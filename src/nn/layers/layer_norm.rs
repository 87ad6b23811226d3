//! The layer that gives the features of each example mean 0 and variance 1.

use grafito::{Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::initializer::Initializer;
use super::super::layer::{Build, Layer, Pass};

/// `gamma · (x - mean) / √(variance + epsilon) + beta`, with the mean and variance along the last axis.
///
/// # Shape
/// The same; weights `gamma` and `beta`, `[features]`.
///
/// # Source
/// Ba, Kiros, Hinton, "Layer normalization", 2016; `keras.layers.LayerNormalization`.
///
/// ```
/// use grafito::nn::{LayerNorm, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().add(LayerNorm::new().epsilon(0.0));
/// let y = network.predict(&Tensor::from([[1.0f32, 3.0], [10.0, 30.0]])).unwrap();
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    epsilon: f32,
}

impl LayerNorm {
    /// With epsilon 0.001.
    pub fn new() -> LayerNorm {
        LayerNorm { epsilon: 1e-3 }
    }

    /// What is added to variances.
    #[must_use]
    pub fn epsilon(self, epsilon: f32) -> LayerNorm {
        LayerNorm { epsilon }
    }
}

impl Default for LayerNorm {
    fn default() -> LayerNorm {
        LayerNorm::new()
    }
}

impl Layer for LayerNorm {
    fn kind(&self) -> &'static str {
        "LayerNorm"
    }

    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_f32(input)?;
        let features = LayerError::last_axis(input, "at least one axis, of features")?;
        build.trainable("gamma", [features], Initializer::Ones);
        build.trainable("beta", [features], Initializer::Zeros);
        Ok(input.clone())
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let centred = x - x.mean_keep(-1);
        let scaled = centred * (x.var_keep(-1) + self.epsilon).rsqrt();
        scaled * pass.weight("gamma") + pass.weight("beta")
    }

    fn config(&self) -> Json {
        config(self)
    }
}
