//! The layer that gives each of a number of things a vector of its own.

use grafito::{DType, Fact, Shape, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::error::LayerError;
use super::super::initializer::Initializer;
use super::super::layer::{Build, Layer, Pass};
use super::super::regularizer::Regularizer;

/// Row `i` of a table for each `i` that it is given: words by their numbers, say.
///
/// # Shape
/// `[n, ..]` of any integer dtype `-> [n, .., len]` of f32; weights `embeddings` `[things, len]`.
///
/// # Source
/// `keras.layers.Embedding`.
///
/// ```
/// use grafito::nn::{Embedding, Sequential};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new().add(Embedding::new(1000, 16));
/// let y = network.predict(&Tensor::from([[4i64, 8, 15], [16, 23, 42]])).unwrap();
/// assert_eq!(y.shape(), &Shape::from([2, 3, 16]));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    things: usize,
    len: usize,
    initializer: Initializer,
    regularizer: Option<Regularizer>,
}

impl Embedding {
    /// A table for so many things, of vectors so long; it starts evenly in ±0.05.
    pub fn new(things: usize, len: usize) -> Embedding {
        let initializer = Initializer::Uniform { low: -0.05, high: 0.05 };
        Embedding { things, len, initializer, regularizer: None }
    }

    /// What the table starts as.
    ///
    /// ```
    /// use grafito::nn::{Embedding, Initializer, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().add(Embedding::new(10, 2).initializer(Initializer::Ones));
    /// assert_eq!(network.predict(&Tensor::from([[7i64]]))?.to_vec::<f32>(), [1.0, 1.0]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn initializer(self, initializer: Initializer) -> Embedding {
        Embedding { initializer, ..self }
    }

    /// What a large table costs.
    ///
    /// ```
    /// use grafito::nn::{Embedding, Regularizer, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let words = Sequential::new().input_of(DType::I64, [5]).add(Embedding::new(10, 2).regularizer(Regularizer::l1(0.1)));
    /// assert_eq!(words.into_parts()?.0.weights()[0].regularizer, Some(Regularizer::l1(0.1)));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn regularizer(self, regularizer: Regularizer) -> Embedding {
        Embedding { regularizer: Some(regularizer), ..self }
    }
}

impl Layer for Embedding {
    fn kind(&self) -> &'static str {
        "Embedding"
    }

    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
        LayerError::unless_positive("the number of things", self.things)?;
        LayerError::unless_positive("the length of their vectors", self.len)?;
        if !input.dtype.is_int() {
            return Err(LayerError::DType { expected: "integers", found: input.clone() });
        }
        build
            .trainable("embeddings", [self.things, self.len], self.initializer)
            .regularized(self.regularizer);
        let shape: Shape = input.shape.iter().copied().chain([self.len]).collect();
        Ok(Fact::new(DType::F32, shape))
    }

    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
        pass.weight("embeddings").gather(0, x)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
