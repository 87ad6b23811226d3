//! The layer that brings pixels and the like into a range that suits the rest.

use grafito::{DType, Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::layer::{Build, Layer, Pass};

/// `x · scale + offset`, of numbers of any dtype, as f32.
///
/// # Shape
/// The same.
///
/// # Source
/// `keras.layers.Rescaling`.
///
/// ```
/// use grafito::nn::{Rescaling, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().add(Rescaling::new(1.0 / 255.0));
/// assert_eq!(network.predict(&Tensor::from([[0u8, 255]])).unwrap().to_vec::<f32>(), [0.0, 1.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    scale: f32,
    offset: f32,
}

impl Rescaling {
    /// Multiplies by `scale`.
    pub fn new(scale: f32) -> Rescaling {
        Rescaling { scale, offset: 0.0 }
    }

    /// Also adds `offset`.
    ///
    /// ```
    /// use grafito::nn::{Rescaling, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().add(Rescaling::new(1.0 / 127.5).offset(-1.0));
    /// assert_eq!(network.predict(&Tensor::from([[0u8, 255]]))?.to_vec::<f32>(), [-1.0, 1.0]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn offset(self, offset: f32) -> Rescaling {
        Rescaling { offset, ..self }
    }
}

impl Layer for Rescaling {
    fn kind(&self) -> &'static str {
        "Rescaling"
    }

    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        if input.dtype == DType::Bool {
            return Err(LayerError::DType { expected: "numbers", found: input.clone() });
        }
        Ok(Fact::new(DType::F32, &input.shape))
    }

    fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
        let scaled = x.cast(DType::F32) * self.scale;
        if self.offset == 0.0 { scaled } else { scaled + self.offset }
    }

    fn config(&self) -> Json {
        config(self)
    }
}
