//! The layer that gives each feature mean 0 and variance 1 over a batch.

use grafito::{Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::initializer::Initializer;
use super::super::layer::{Build, Layer, Pass};

/// `gamma · (x - mean) / √(variance + epsilon) + beta` for each feature, along the last axis.
///
/// While training, mean and variance are those of the batch, over all axes but the last, and running averages of them are
/// kept: `average · momentum + batch · (1 - momentum)`. Elsewhere the averages are used.
///
/// # Shape
/// The same; weights `gamma`, `beta`, `moving_mean` and `moving_variance`, the last two not trained, `[features]`.
///
/// # Source
/// Ioffe and Szegedy, "Batch normalization", 2015; `keras.layers.BatchNormalization`.
///
/// ```
/// use grafito::nn::{BatchNorm, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().input([3]).add(BatchNorm::new());
/// network.build().unwrap();
/// assert_eq!(network.weights().names()[2], "batch_norm/moving_mean");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    momentum: f32,
    epsilon: f32,
}

impl BatchNorm {
    /// With momentum 0.99 and epsilon 0.001.
    pub fn new() -> BatchNorm {
        BatchNorm { momentum: 0.99, epsilon: 1e-3 }
    }

    /// How much of the averages stays in a step, from 0 to 1.
    ///
    /// ```
    /// use grafito::nn::{BatchNorm, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let network = Sequential::new().add(BatchNorm::new().momentum(0.75));
    /// let mut model = network.compile(Sgd::new(0.0), MeanSquaredError, ());
    /// let x = Tensor::from([[4.0f32], [4.0]]);
    /// model.step(&x, &x)?;
    /// assert_eq!(model.weights().get("batch_norm/moving_mean").unwrap().to_vec::<f32>(), [1.0]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn momentum(self, momentum: f32) -> BatchNorm {
        BatchNorm { momentum, ..self }
    }

    /// What is added to variances.
    ///
    /// ```
    /// use grafito::nn::{BatchNorm, Sequential};
    /// use grafito::prelude::*;
    ///
    /// // Before it has seen anything, the variance is 1.
    /// let y = Sequential::new().add(BatchNorm::new().epsilon(3.0)).predict(&Tensor::from([[8.0f32]]))?;
    /// assert_eq!(y.item::<f32>(), 4.0);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn epsilon(self, epsilon: f32) -> BatchNorm {
        BatchNorm { epsilon, ..self }
    }
}

impl Default for BatchNorm {
    fn default() -> BatchNorm {
        BatchNorm::new()
    }
}

impl Layer for BatchNorm {
    fn kind(&self) -> &'static str {
        "BatchNorm"
    }

    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_f32(input)?;
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(LayerError::setting(format!("the momentum is {}, expected 0 to 1", self.momentum)));
        }
        let features = LayerError::last_axis(input, "at least one axis, of features")?;
        build.trainable("gamma", [features], Initializer::Ones);
        build.trainable("beta", [features], Initializer::Zeros);
        build.statistic("moving_mean", [features], Initializer::Zeros);
        build.statistic("moving_variance", [features], Initializer::Ones);
        Ok(input.clone())
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        let (mean, variance) = if pass.is_training() {
            let axes: Vec<isize> = (0..x.rank() as isize - 1).collect();
            let batch = [x.mean(axes.as_slice()), x.var(axes.as_slice())];
            for (name, batch) in ["moving_mean", "moving_variance"].iter().zip(&batch) {
                let moved = pass.weight(name) * self.momentum + batch * (1.0 - self.momentum);
                pass.update(name, moved);
            }
            batch.into()
        } else {
            (pass.weight("moving_mean"), pass.weight("moving_variance"))
        };
        let scale = (variance + self.epsilon).rsqrt() * pass.weight("gamma");
        (x - mean) * scale + pass.weight("beta")
    }

    fn config(&self) -> Json {
        config(self)
    }
}
