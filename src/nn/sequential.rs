//! Layers one after the other.

use std::sync::Arc;

use grafito::{DType, Error, Fact, Mode, Origin, Shape, Tensor, with_mode};

use super::activation::Activation;
use super::error::ModelError;
use super::layer::Layer;
use super::loss::Loss;
use super::metric::{Metrics, check_name};
use super::model::Model;
use super::network::{Named, Network, Weights, predict_step};
use super::optimizer::Optimizer;
use super::program::Training;
use super::summary::Summary;
use super::variables::Variables;

/// A network of layers, each of which is given what the one before it gives.
///
/// Shapes are inferred when the shape of the input is known: when it is given with [`Sequential::input`], or from the
/// first data.
///
/// ```
/// use grafito::nn::{Dense, Flatten, Relu, Sequential, Softmax};
/// use grafito::prelude::*;
///
/// let mut network = Sequential::new()
///     .input([28, 28])
///     .add(Flatten)
///     .add(Dense::new(128).activation(Relu))
///     .add(Dense::new(10).activation(Softmax));
/// assert_eq!(network.build().unwrap().weights().names()[0], "dense/kernel");
/// ```
///
/// # Source
/// `keras.Sequential`.
#[derive(Debug, Clone, Default)]
pub struct Sequential {
    layers: Vec<Named>,
    input: Option<Fact>,
    seed: i64,
    pub(super) network: Option<Network>,
    pub(super) weights: Weights,
}

/// How many examples are computed at once for predictions.
const CHUNK: usize = 512;

impl Sequential {
    /// Without layers; seed 0.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// Adds a layer at the end. Its name is its kind's: `dense`, `dense_1`, …
    #[must_use]
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "Keras' name; nobody writes `network + layer`")]
    pub fn add(self, layer: impl Layer) -> Sequential {
        self.add_shared(Arc::new(layer))
    }

    #[track_caller]
    pub(super) fn add_shared(mut self, layer: Arc<dyn Layer>) -> Sequential {
        let stem = snake_case(layer.kind());
        let is_free = |name: &String| self.layers.iter().all(|other| other.name != *name);
        let numbered = (1..).map(|number| format!("{stem}_{number}"));
        let name = std::iter::once(stem.clone()).chain(numbered).find(is_free).expect("numbers do not end");
        self.layers.push(Named { name, layer, origin: Origin::caller() });
        self.network = None;
        self
    }

    /// Names the layer added last.
    ///
    /// ```
    /// use grafito::nn::{Dense, Sequential};
    ///
    /// let mut network = Sequential::new().input([3]).add(Dense::new(2)).named("head");
    /// assert_eq!(network.build()?.weights().names(), ["head/kernel", "head/bias"]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn named(mut self, name: impl Into<String>) -> Sequential {
        self.layers.last_mut().expect("a layer to name").name = name.into();
        self.network = None;
        self
    }

    /// Says what the shape of one example is; its elements are f32.
    #[must_use]
    pub fn input(self, shape: impl Into<Shape>) -> Sequential {
        self.input_of(DType::F32, shape)
    }

    /// Says what dtype and shape of one example are.
    ///
    /// ```
    /// use grafito::nn::{Embedding, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut words = Sequential::new().input_of(DType::I64, [5]).add(Embedding::new(1000, 8));
    /// assert_eq!(words.summary()?.parameters(), 8000);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    #[must_use]
    pub fn input_of(self, dtype: DType, shape: impl Into<Shape>) -> Sequential {
        Sequential { input: Some(Fact::new(dtype, shape)), network: None, ..self }
    }

    /// Chooses what initial weights, the order of examples and dropout are drawn from.
    ///
    /// ```
    /// use grafito::nn::{Dense, Sequential};
    ///
    /// let kernel = |seed| {
    ///     let mut network = Sequential::new().seed(seed).input([3]).add(Dense::new(2));
    ///     network.build().unwrap().weights().get("dense/kernel").unwrap().to_vec::<f32>()
    /// };
    /// assert_eq!(kernel(1), kernel(1));
    /// assert_ne!(kernel(1), kernel(2));
    /// ```
    #[must_use]
    pub fn seed(self, seed: i64) -> Sequential {
        Sequential { seed, ..self }
    }

    /// Infers all shapes and draws the weights that are not there yet.
    ///
    /// # Errors
    /// When the shape of the input is not known, or a layer cannot take what it is given; the error names the layer.
    pub fn build(&mut self) -> Result<&mut Sequential, ModelError> {
        if self.network.is_none() {
            let input = self.input.clone().ok_or(ModelError::NotBuilt)?;
            self.network_for(&input)?;
        }
        Ok(self)
    }

    /// The output for some examples.
    ///
    /// # Shape
    /// `[n, ..] -> [n, ..]`
    ///
    /// ```
    /// use grafito::nn::{Relu, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let y = Sequential::new().add(Relu).predict(&Tensor::from([[-1.0f32, 2.0]]))?;
    /// assert_eq!(y.to_vec::<f32>(), [0.0, 2.0]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for them, or was built for others.
    pub fn predict(&mut self, x: &Tensor) -> Result<Tensor, ModelError> {
        let network = self.network_for_batch(x)?;
        let rows = x.shape()[0];
        let mut outputs = Vec::new();
        for start in (0..rows.max(1)).step_by(CHUNK) {
            let span = start as isize..rows.min(start + CHUNK) as isize;
            let chunk = with_mode(Mode::Eager, || x.slice_axis(0, span));
            outputs.push(predict_step::try_call(&network, &self.weights, &chunk)?);
        }
        Ok(match outputs.as_slice() {
            [output] => output.clone(),
            _ => with_mode(Mode::Eager, || Tensor::concat(&outputs, 0)),
        })
    }

    /// The layers with what they give and how many parameters they have.
    ///
    /// ```
    /// use grafito::nn::{Dense, Flatten, Relu, Sequential, Softmax};
    ///
    /// let mut network = Sequential::new()
    ///     .input([28, 28])
    ///     .add(Flatten)
    ///     .add(Dense::new(128).activation(Relu))
    ///     .add(Dense::new(10).activation(Softmax));
    /// let summary = network.summary()?;
    /// println!("{summary}");
    /// assert_eq!(summary.parameters(), 101_770);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sequential::build`].
    pub fn summary(&mut self) -> Result<Summary, ModelError> {
        self.build()?;
        Ok(Summary::new(self.network.as_ref().ok_or(ModelError::NotBuilt)?, None))
    }

    /// All weights, by name: `dense/kernel`, … Empty before the network is built, by [`Sequential::build`] or the first data.
    pub fn weights(&self) -> Variables {
        let Some(network) = &self.network else { return Variables::new() };
        let named = network.weights().iter().map(|weight| {
            let of = if weight.is_trainable { &self.weights.trainable } else { &self.weights.statistics };
            (weight.name.clone(), of.get(&weight.name).expect("all weights are there").clone())
        });
        named.collect()
    }

    /// Replaces a weight. A network that is not built yet is built for that, where the shape of the input was given.
    ///
    /// ```
    /// use grafito::nn::{Dense, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let mut network = Sequential::new().input([2]).add(Dense::new(1));
    /// network.set_weight("dense/kernel", &Tensor::from([[1.0f32], [2.0]]))?;
    /// assert_eq!(network.predict(&Tensor::from([[10.0f32, 1.0]]))?.item::<f32>(), 12.0);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built, there is no weight of this name, or one of another dtype or shape.
    pub fn set_weight(&mut self, name: &str, value: &Tensor) -> Result<(), ModelError> {
        self.build()?;
        let known =
            self.network.iter().flat_map(|network| network.weights()).map(|weight| weight.name.clone());
        let Weights { trainable, statistics } = &mut self.weights;
        match trainable.get_mut(name).or_else(|| statistics.get_mut(name)) {
            None => Err(ModelError::NoWeight { name: name.to_owned(), known: known.collect() }),
            Some(weight) if weight.fact() != value.fact() => Err(ModelError::Weight {
                name: name.to_owned(),
                expected: Box::new(weight.fact().clone()),
                found: Box::new(value.fact().clone()),
            }),
            Some(weight) => {
                *weight = value.clone();
                Ok(())
            }
        }
    }

    /// The function and its weights, for a training step of one's own; see [`Network`].
    ///
    /// ```
    /// use grafito::nn::{Dense, Pass, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let (network, weights) = Sequential::new().input([3]).add(Dense::new(2)).into_parts()?;
    /// let mut pass = Pass::inference(&weights.trainable, &weights.statistics);
    /// let y = network.forward(&Tensor::zeros([5, 3], DType::F32), &mut pass);
    /// assert_eq!(y.values().shape(), &Shape::from([5, 2]));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sequential::build`].
    pub fn into_parts(mut self) -> Result<(Network, Weights), ModelError> {
        self.build()?;
        let network = self.network.ok_or(ModelError::NotBuilt)?;
        Ok((network, self.weights))
    }

    /// Says what the network is trained by. Metrics of one name are numbered, as Keras does: `accuracy`, `accuracy_1`;
    /// [`Metric::named`](super::Metric::named) gives a name of one's own.
    ///
    /// A loss that does not go with the last activation, as one from logits after a softmax, is said on standard error.
    ///
    /// # Panics
    /// When a metric's name is empty, begins with `val_`, or contains a `/`.
    ///
    /// ```
    /// use grafito::nn::{Accuracy, Dense, Sequential, Sgd, SparseCrossEntropy};
    ///
    /// let network = || Sequential::new().add(Dense::new(10));
    /// let one = network().compile(Sgd::new(0.1), SparseCrossEntropy::from_logits(), Accuracy);
    /// let none = network().compile(Sgd::new(0.1), SparseCrossEntropy::from_logits(), ());
    /// # let _ = (one, none);
    /// ```
    #[track_caller]
    pub fn compile(self, optimizer: impl Optimizer, loss: impl Loss, metrics: impl Metrics) -> Model {
        let (optimizer, loss, metrics) = (Box::new(optimizer), Box::new(loss), metrics.into_metrics());
        for name in metrics.iter().map(|metric| metric.name()) {
            if let Err(message) = check_name(&name) {
                grafito::raise(Error::usage(message));
            }
        }
        self.warn_of(&*loss);
        Model::new(self, Training::new(optimizer, loss, metrics, Origin::caller()))
    }

    /// Says what a loss has against the last layer.
    fn warn_of(&self, loss: &dyn Loss) {
        let Some(Named { name, layer, origin }) = self.layers.last() else { return };
        let Some(last) = layer.last_activation() else { return };
        if let Some(objection) = loss.objection(last) {
            let kind = layer.kind();
            let last = match last {
                Activation::Linear => "has no activation".to_owned(),
                last => format!("ends with {}", last.name()),
            };
            eprintln!("warning: layer `{name}` ({kind}, added at {origin}) {last}, and {objection}");
        }
    }

    pub(super) fn layers(&self) -> &[Named] {
        &self.layers
    }

    /// What one example is, where it is known.
    pub(super) fn input_fact(&self) -> Option<Fact> {
        self.network.as_ref().map(|network| network.input().clone()).or(self.input.clone())
    }

    pub(super) fn set_input(&mut self, input: Option<Fact>) {
        self.input = input;
        self.network = None;
    }

    pub(super) fn seed_value(&self) -> i64 {
        self.seed
    }

    /// The network for a batch; built for it if it was not built.
    pub(super) fn network_for_batch(&mut self, x: &Tensor) -> Result<Network, ModelError> {
        if let Some(network) = &self.network {
            network.check_input(x)?;
            return Ok(network.clone());
        }
        let found =
            x.fact().row().ok_or_else(|| ModelError::Data("a batch has an axis of examples".to_owned()))?;
        let input = self.input.clone().unwrap_or(found);
        let network = self.network_for(&input)?;
        network.check_input(x)?;
        Ok(network)
    }

    fn network_for(&mut self, input: &Fact) -> Result<Network, ModelError> {
        if let Some(network) = &self.network {
            return Ok(network.clone());
        }
        let network = Network::build(input, &self.layers)?;
        self.weights = with_mode(Mode::Eager, || network.complete(self.seed, &self.weights));
        Ok(self.network.insert(network).clone())
    }
}

/// `BatchNorm` as `batch_norm`, `Conv2D` as `conv2d`.
fn snake_case(kind: &str) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for c in kind.chars() {
        if c.is_uppercase() && after_lower {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        after_lower = c.is_lowercase();
    }
    snake
}
