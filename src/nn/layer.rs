//! Layers: what one declares when the model is built, and what it computes.

use std::fmt;

use grafito::{DType, Error, Fact, Origin, Shape, Tensor, name_scope};
use serde_json::Value as Json;

use super::activation::Activation;
use super::error::LayerError;
use super::initializer::Initializer;
use super::loss::Predictions;
use super::regularizer::Regularizer;
use super::variables::Variables;

/// A piece of a network: says what it is given, what it gives and which weights it has, and computes.
///
/// A layer holds its settings only. Its weights belong to the model, which hands them out by name, so the same layer
/// runs traced, eagerly, and on the weights of any checkpoint. Facts are those of one example, without the first axis.
///
/// ```
/// use grafito::nn::{Build, Initializer, Layer, LayerError, Pass, Sequential};
/// use grafito::prelude::*;
/// use grafito::Fact;
///
/// /// Multiplies each feature by a number that is learned.
/// #[derive(Debug)]
/// struct Scale;
///
/// impl Layer for Scale {
///     fn kind(&self) -> &'static str {
///         "Scale"
///     }
///     fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError> {
///         build.trainable("factor", &input.shape, Initializer::Ones);
///         Ok(input.clone())
///     }
///     fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor {
///         x * pass.weight("factor")
///     }
/// }
///
/// let mut network = Sequential::new().input([3]).add(Scale);
/// let y = network.predict(&Tensor::from([[1.0f32, 2.0, 3.0]])).unwrap();
/// assert_eq!(y.to_vec::<f32>(), [1.0, 2.0, 3.0]);
/// assert_eq!(network.weights().names(), ["scale/factor"]);
/// ```
///
/// # Source
/// `keras.Layer`.
pub trait Layer: fmt::Debug + Send + Sync + 'static {
    /// The name of the kind of layer, as in files and in summaries: `Dense`.
    fn kind(&self) -> &'static str;

    /// Declares the weights for examples like `input`, and says what the output for one example is.
    ///
    /// # Errors
    /// When the layer cannot take this input, or its settings make no sense.
    fn build(&self, input: &Fact, build: &mut Build) -> Result<Fact, LayerError>;

    /// The output for a batch of examples, along the first axis.
    fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Tensor;

    /// The activation that the layer ends with, where there is one to know. `compile` looks at that of the last layer, and
    /// warns where it does not go with the loss: see [`Loss::objection`](super::Loss::objection).
    ///
    /// ```
    /// use grafito::nn::{Activation, Dense, Flatten, Layer, Linear, Relu};
    ///
    /// assert_eq!(Dense::new(3).activation(Relu).last_activation(), Some(Relu));
    /// assert_eq!(Dense::new(3).last_activation(), Some(Linear));
    /// assert_eq!(Flatten.last_activation(), None);
    /// ```
    fn last_activation(&self) -> Option<Activation> {
        None
    }

    /// The settings, as they are kept in files. What a [`Registry`](super::Registry) is to load again gives them here.
    fn config(&self) -> Json {
        Json::Null
    }
}

/// Collects the weights that layers declare.
///
/// ```
/// use grafito::Fact;
/// use grafito::nn::{Build, Dense, Initializer, Regularizer};
/// use grafito::prelude::*;
///
/// let mut build = Build::default();
/// build.trainable("scale", [3], Initializer::Ones).regularized(Some(Regularizer::l2(0.1)));
/// build.statistic("mean", [3], Initializer::Zeros);
/// build.layer("inner", &Dense::new(2), &Fact::new(DType::F32, [3])).unwrap();
/// let names: Vec<&str> = build.weights().iter().map(|weight| weight.name.as_str()).collect();
/// assert_eq!(names, ["scale", "mean", "inner/kernel", "inner/bias"]);
/// ```
#[derive(Debug, Default)]
pub struct Build {
    path: String,
    weights: Vec<Weight>,
}

/// A weight as declared: what it will be, before there is one.
///
/// ```
/// use grafito::nn::{Build, Initializer};
///
/// let mut build = Build::default();
/// let weight = build.trainable("kernel", [2, 3], Initializer::HeNormal);
/// assert_eq!(weight.fact.to_string(), "f32[2, 3]");
/// assert!(weight.is_trainable && weight.regularizer.is_none());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// The layer's name and the weight's own: `dense/kernel`.
    pub name: String,
    /// DType and shape.
    pub fact: Fact,
    /// What it starts as.
    pub initializer: Initializer,
    /// Whether the optimizer moves it; else the layer updates it, as batch normalization does its averages.
    pub is_trainable: bool,
    /// What its size costs.
    pub regularizer: Option<Regularizer>,
}

impl Weight {
    /// Gives the weight a penalty that is added to the loss.
    pub fn regularized(&mut self, regularizer: Option<Regularizer>) -> &mut Weight {
        self.regularizer = regularizer;
        self
    }
}

impl Build {
    /// Declares a weight that is trained, f32.
    pub fn trainable(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        initializer: Initializer,
    ) -> &mut Weight {
        self.declare(name, shape.into(), initializer, true)
    }

    /// Declares a weight that the layer itself updates with [`Pass::update`], f32.
    pub fn statistic(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        initializer: Initializer,
    ) -> &mut Weight {
        self.declare(name, shape.into(), initializer, false)
    }

    /// Builds a layer within this one; its weights are named `name/…`.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn layer(&mut self, name: &str, layer: &dyn Layer, input: &Fact) -> Result<Fact, LayerError> {
        let outer = self.path.len();
        self.path.push_str(name);
        self.path.push('/');
        let output = layer.build(input, self);
        self.path.truncate(outer);
        output
    }

    /// What was declared, in order.
    pub fn weights(&self) -> &[Weight] {
        &self.weights
    }

    fn declare(
        &mut self,
        name: &str,
        shape: Shape,
        initializer: Initializer,
        is_trainable: bool,
    ) -> &mut Weight {
        let name = format!("{}{name}", self.path);
        let fact = Fact::new(DType::F32, shape);
        self.weights.push(Weight { name, fact, initializer, is_trainable, regularizer: None });
        self.weights.last_mut().expect("one was just added")
    }
}

/// One pass of a batch through the layers: hands out weights, takes updates, and knows whether this is training.
///
/// ```
/// use grafito::nn::{Pass, Relu, Variables};
/// use grafito::prelude::*;
///
/// let trainable = Variables::from_iter([("scale", Tensor::from([2.0f32]))]);
/// let statistics = Variables::from_iter([("seen", Tensor::scalar(0.0f32))]);
/// let noise = Tensor::scalar(7i64);
/// let mut pass = Pass::training(&trainable, &statistics, &noise);
/// assert!(pass.is_training());
/// let y = pass.activate(Relu, &(pass.weight("scale") * -1.0));
/// assert_eq!(y.to_vec::<f32>(), [0.0]);
/// pass.update("seen", pass.weight("seen") + 1.0);
/// assert_eq!(pass.statistics().get("seen").unwrap().item::<f32>(), 1.0);
/// assert_ne!(pass.random_key().item::<i64>(), pass.random_key().item::<i64>());
/// assert!(!Pass::inference(&trainable, &statistics).is_training());
/// ```
#[derive(Debug)]
pub struct Pass<'a> {
    trainable: &'a Variables,
    statistics: Variables,
    path: String,
    /// The first key for this step, when training.
    noise: Option<&'a Tensor>,
    keys: i64,
    activated: Option<Activated>,
}

/// The latest activation, before and after.
#[derive(Debug)]
struct Activated {
    activation: Activation,
    before: Tensor,
    after: Tensor,
}

impl<'a> Pass<'a> {
    /// A pass that trains: `noise` is an integer scalar, the first of the keys that layers draw from.
    pub fn training(trainable: &'a Variables, statistics: &Variables, noise: &'a Tensor) -> Pass<'a> {
        Pass { noise: Some(noise), ..Pass::inference(trainable, statistics) }
    }

    /// A pass that only computes.
    pub fn inference(trainable: &'a Variables, statistics: &Variables) -> Pass<'a> {
        let statistics = statistics.clone();
        Pass { trainable, statistics, path: String::new(), noise: None, keys: 0, activated: None }
    }

    /// Whether this pass trains. A host value: training and inference are traced apart.
    pub fn is_training(&self) -> bool {
        self.noise.is_some()
    }

    /// The weight that the layer declared under this name.
    ///
    /// # Panics
    /// When it declared none.
    #[track_caller]
    pub fn weight(&self, name: &str) -> Tensor {
        let path = format!("{}{name}", self.path);
        match self.trainable.get(&path).or_else(|| self.statistics.get(&path)) {
            Some(tensor) => tensor.clone(),
            None => fail(format!("no layer declared a weight `{path}`")),
        }
    }

    /// Gives a weight that is not trained its next value.
    ///
    /// # Panics
    /// When the layer declared no [`statistic`](Build::statistic) of this name, or one of another fact.
    #[track_caller]
    pub fn update(&mut self, name: &str, value: Tensor) {
        let path = format!("{}{name}", self.path);
        match self.statistics.get_mut(&path) {
            Some(tensor) if tensor.fact() == value.fact() => *tensor = value,
            Some(tensor) => fail(format!("`{path}` is {}, its update {}", tensor.fact(), value.fact())),
            None => fail(format!("no layer declared a statistic `{path}`")),
        }
    }

    /// The weights that are not trained, as layers have updated them so far.
    pub fn statistics(&self) -> &Variables {
        &self.statistics
    }

    /// A key for [`Tensor::random_uniform`] and its like, another one at every call and in every step.
    ///
    /// # Panics
    /// When this pass does not train.
    #[track_caller]
    pub fn random_key(&mut self) -> Tensor {
        let Some(noise) = self.noise else { fail("random keys are for training".to_owned()) };
        let key = noise + self.keys;
        self.keys += 1;
        key
    }

    /// How many keys were drawn: what to move `noise` on by, so that the next step draws others.
    ///
    /// ```
    /// use grafito::nn::{Pass, Variables};
    /// use grafito::prelude::*;
    ///
    /// let (none, noise) = (Variables::new(), Tensor::scalar(7i64));
    /// let mut pass = Pass::training(&none, &none, &noise);
    /// let (first, second) = (pass.random_key(), pass.random_key());
    /// assert_eq!((first.item::<i64>(), second.item::<i64>(), pass.keys()), (7, 8, 2));
    /// ```
    pub fn keys(&self) -> i64 {
        self.keys
    }

    /// Applies an activation. Where it is the last thing a network does, losses see what it was applied to, too, so that
    /// a softmax followed by a cross-entropy is computed in one stable piece.
    #[track_caller]
    pub fn activate(&mut self, activation: Activation, x: &Tensor) -> Tensor {
        let after = activation.apply(x);
        self.activated = Some(Activated { activation, before: x.clone(), after: after.clone() });
        after
    }

    /// The output of a layer within this one, built under the same name, which is the name scope of what it does.
    pub fn layer(&mut self, name: &str, layer: &dyn Layer, x: &Tensor) -> Tensor {
        let outer = self.path.len();
        self.path.push_str(name);
        self.path.push('/');
        let output = name_scope(name, || layer.forward(x, self));
        self.path.truncate(outer);
        output
    }

    /// The network's output with what it was made of.
    pub(super) fn predictions(&self, values: Tensor) -> Predictions {
        match &self.activated {
            Some(Activated { activation, before, after }) if after.is_same(&values) => {
                Predictions::activated(values, *activation, before.clone())
            }
            _ => Predictions::new(values),
        }
    }
}

/// Raises a misuse at the user's line.
#[track_caller]
fn fail(message: String) -> ! {
    let origin = Origin::caller();
    grafito::raise(Error::Usage { message, origin })
}
