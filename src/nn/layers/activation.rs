//! An activation as a layer of its own.

use grafito::{Fact, Tensor};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::error::LayerError;
use super::super::layer::{Build, Layer, Pass};

/// `.add(Relu)` is Keras' `layers.Activation("relu")`.
impl Layer for Activation {
    fn kind(&self) -> &'static str {
        "Activation"
    }

    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_float(input)?;
        if *self == Activation::Softmax {
            LayerError::last_axis(input, "an axis of classes")?;
        }
        Ok(input.clone())
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        pass.activate(*self, x)
    }

    fn last_activation(&self) -> Option<Activation> {
        Some(*self)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
