//! The layer that leaves out some of what it is given, to make a network rely on none of it.

use grafito::{Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::layer::{Build, Layer, Pass};

/// While training, sets a share of the elements to 0 and divides the others by the share kept, so that their mean stays.
/// Elsewhere it does nothing.
///
/// Which elements, is drawn from the model's seed and the number of steps made: a training that is resumed leaves out
/// what an unbroken one would have.
///
/// # Shape
/// The same.
///
/// # Source
/// Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout", 2014; `keras.layers.Dropout`.
///
/// ```
/// use grafito::nn::{Dropout, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().add(Dropout::new(0.5));
/// assert_eq!(network.predict(&Tensor::from([[1.0f32, 2.0]])).unwrap().to_vec::<f32>(), [1.0, 2.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    rate: f32,
}

impl Dropout {
    /// Leaves out this share, from 0 up to 1.
    pub fn new(rate: f32) -> Dropout {
        Dropout { rate }
    }
}

impl Layer for Dropout {
    fn kind(&self) -> &'static str {
        "Dropout"
    }

    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_float(input)?;
        if !(0.0..1.0).contains(&self.rate) {
            return Err(LayerError::setting(format!(
                "the rate is {}, expected 0 or more, below 1",
                self.rate
            )));
        }
        Ok(input.clone())
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        if !pass.is_training() || self.rate == 0.0 {
            return x.clone();
        }
        let drawn = Tensor::random_uniform(x.shape(), x.dtype(), pass.random_key());
        let kept = drawn.ge(self.rate).cast(x.dtype()) * (1.0 / (1.0 - self.rate));
        x * kept
    }

    fn config(&self) -> Json {
        config(self)
    }
}
