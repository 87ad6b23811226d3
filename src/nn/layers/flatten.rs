//! The layer that makes a row of features of whatever an example is.

use grafito::{Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::layer::{Build, Layer, Pass};

/// Makes one axis of all axes of an example.
///
/// # Shape
/// `[n, a, b, ..] -> [n, a · b · ..]`
///
/// # Source
/// `keras.layers.Flatten`.
///
/// ```
/// use grafito::nn::{Flatten, Sequential};
/// use grafito::prelude::*;
///
/// let y = Sequential::new().add(Flatten).predict(&Tensor::zeros([5, 28, 28], DType::F32)).unwrap();
/// assert_eq!(y.shape(), &Shape::from([5, 784]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flatten;

impl Layer for Flatten {
    fn kind(&self) -> &'static str {
        "Flatten"
    }

    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        Ok(Fact::new(input.dtype, [input.shape.num_elements()]))
    }

    fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
        let features: usize = x.shape()[1..].iter().product();
        x.reshape([x.shape()[0], features])
    }

    fn config(&self) -> Json {
        config(self)
    }
}
