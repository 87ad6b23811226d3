//! A plain function as a layer.

use std::fmt;

use grafito::{Fact, Mode, Tensor, catch, with_mode};

use super::super::error::LayerError;
use super::super::layer::{Build, Layer, Pass};

/// Any function of a batch, without weights, such as a `#[graph_fn]`.
///
/// A network that contains one is not loaded from a file by itself: what is to be saved is better a [`Layer`] of its own.
///
/// # Source
/// `keras.layers.Lambda`.
///
/// ```
/// use grafito::nn::{Function, Sequential};
/// use grafito::prelude::*;
///
/// #[graph_fn]
/// fn pairs(x: &Tensor) -> Tensor {
///     x.reshape([x.shape()[0], x.shape()[1] / 2, 2])
/// }
///
/// let mut network = Sequential::new().add(Function::new("pairs", pairs));
/// let y = network.predict(&Tensor::from([[1.0f32, 2.0, 3.0, 4.0]])).unwrap();
/// assert_eq!(y.shape(), &Shape::from([1, 2, 2]));
/// ```
pub struct Function<F> {
    name: &'static str,
    f: F,
}

impl<F: Fn(&Tensor) -> Tensor + Send + Sync + 'static> Function<F> {
    /// A function under a name.
    pub fn new(name: &'static str, f: F) -> Function<F> {
        Function { name, f }
    }
}

impl<F> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Function({})", self.name)
    }
}

impl<F: Fn(&Tensor) -> Tensor + Send + Sync + 'static> Layer for Function<F> {
    fn kind(&self) -> &'static str {
        self.name
    }

    /// Tries the function on one example of zeros, to learn what it gives.
    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        let example = [1].into_iter().chain(input.shape.iter().copied()).collect::<grafito::Shape>();
        let tried = with_mode(Mode::Eager, || catch(|| (self.f)(&Tensor::zeros(&example, input.dtype))));
        let output = tried.map_err(|error| LayerError::setting(error.to_string()))?;
        let none = || LayerError::setting(format!("gives {}, without an axis of examples", output.fact()));
        output.fact().row().ok_or_else(none)
    }

    fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
        (self.f)(x)
    }
}
