//! Kinds of layers, optimizers, schedules, losses and metrics by name, so that models can be made of their descriptions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Error, Value as Json};

use super::super::activation::Activation;
use super::super::layer::Layer;
use super::super::layers::{
    AvgPool2D, BatchNorm, Conv2D, Dense, Dropout, Embedding, Flatten, GlobalAveragePool, LayerNorm,
    MaxPool2D, Rescaling,
};
use super::super::loss::Loss;
use super::super::losses::{
    BinaryCrossEntropy, CrossEntropy, Hinge, Huber, MeanAbsoluteError, MeanSquaredError, SparseCrossEntropy,
};
use super::super::metric::Metric;
use super::super::metrics::{Accuracy, Auc, Precision, Recall, TopKAccuracy};
use super::super::optimizer::Optimizer;
use super::super::optimizers::{Adagrad, Adam, AdamW, By, Clip, RmsProp, Sgd};
use super::super::schedule::LearningRateSchedule;
use super::super::schedules::{CosineDecay, ExponentialDecay, StepDecay, WarmUp};
use super::description::PartDescription;
use super::error::CheckpointProblem;

/// The kinds of layers, optimizers, schedules, losses and metrics that a file may name: those of this library, and what is
/// added.
///
/// ```
/// use grafito::nn::{Build, Layer, LayerError, Pass, Registry, Sequential};
/// use grafito::prelude::*;
/// use grafito::Fact;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Add { what: f32 }
///
/// impl Layer for Add {
///     fn kind(&self) -> &'static str {
///         "Add"
///     }
///     fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
///         Ok(input.clone())
///     }
///     fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
///         x + self.what
///     }
///     fn config(&self) -> serde_json::Value {
///         serde_json::to_value(self).unwrap()
///     }
/// }
///
/// let mut registry = Registry::new();
/// registry.add::<Add>("Add");
/// let network = Sequential::new().input([2]).add(Add { what: 3.0 });
/// let mut copy = Sequential::from_json(&network.to_json(), &registry)?;
/// assert_eq!(copy.predict(&Tensor::from([[1.0f32, 2.0]]))?.to_vec::<f32>(), [4.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// # Source
/// `custom_objects` of `keras.models.load_model`.
#[derive(Clone)]
pub struct Registry {
    layers: Kinds<Arc<dyn Layer>>,
    losses: Kinds<Box<dyn Loss>>,
    metrics: Kinds<Box<dyn Metric>>,
    schedules: Kinds<Box<dyn LearningRateSchedule>>,
    optimizers: BTreeMap<String, MakeOptimizer>,
}

/// By name, how to make one of its settings.
type Kinds<T> = BTreeMap<String, fn(&Json) -> Result<T, Error>>;

type MakeOptimizer =
    Arc<dyn Fn(&Json, Box<dyn LearningRateSchedule>) -> Result<Box<dyn Optimizer>, Error> + Send + Sync>;

impl Registry {
    /// With all of this library (but [`Function`](super::super::Function), which has no name of its own).
    pub fn new() -> Registry {
        let mut registry = Registry {
            layers: BTreeMap::new(),
            losses: BTreeMap::new(),
            metrics: BTreeMap::new(),
            schedules: BTreeMap::new(),
            optimizers: BTreeMap::new(),
        };
        registry.add::<Activation>("Activation");
        registry.add::<AvgPool2D>("AvgPool2D");
        registry.add::<BatchNorm>("BatchNorm");
        registry.add::<Conv2D>("Conv2D");
        registry.add::<Dense>("Dense");
        registry.add::<Dropout>("Dropout");
        registry.add::<Embedding>("Embedding");
        registry.add::<Flatten>("Flatten");
        registry.add::<GlobalAveragePool>("GlobalAveragePool");
        registry.add::<LayerNorm>("LayerNorm");
        registry.add::<MaxPool2D>("MaxPool2D");
        registry.add::<Rescaling>("Rescaling");

        registry.add_loss::<BinaryCrossEntropy>("BinaryCrossEntropy");
        registry.add_loss::<CrossEntropy>("CrossEntropy");
        registry.add_loss::<Hinge>("Hinge");
        registry.add_loss::<Huber>("Huber");
        registry.add_loss::<MeanAbsoluteError>("MeanAbsoluteError");
        registry.add_loss::<MeanSquaredError>("MeanSquaredError");
        registry.add_loss::<SparseCrossEntropy>("SparseCrossEntropy");

        registry.add_metric::<Accuracy>("Accuracy");
        registry.add_metric::<Auc>("Auc");
        registry.add_metric::<Precision>("Precision");
        registry.add_metric::<Recall>("Recall");
        registry.add_metric::<TopKAccuracy>("TopKAccuracy");

        registry.add_learning_rate::<f32>("Constant");
        registry.add_learning_rate::<CosineDecay>("CosineDecay");
        registry.add_learning_rate::<ExponentialDecay>("ExponentialDecay");
        registry.add_learning_rate::<StepDecay>("StepDecay");

        registry.add_optimizer("Adagrad", |config, rate| Ok(Adagrad::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("Adam", |config, rate| Ok(Adam::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("AdamW", |config, rate| Ok(AdamW::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("RmsProp", |config, rate| Ok(RmsProp::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("Sgd", |config, rate| Ok(Sgd::deserialize(config)?.at(rate.into())));
        registry
    }

    /// Adds a kind of layer, or replaces the one of this name, which is what [`Layer::kind`] gives.
    pub fn add<L: Layer + DeserializeOwned>(&mut self, kind: &str) {
        self.layers.insert(kind.to_owned(), |config| Ok(Arc::new(L::deserialize(config)?)));
    }

    /// Adds a kind of loss, or replaces the one of this name, which is what [`Loss::kind`] gives.
    pub fn add_loss<L: Loss + DeserializeOwned>(&mut self, kind: &str) {
        self.losses.insert(kind.to_owned(), |config| Ok(Box::new(L::deserialize(config)?)));
    }

    /// Adds a kind of metric, or replaces the one of this name, which is what [`Metric::kind`] gives.
    ///
    /// ```
    /// use grafito::nn::{Accuracy, Registry};
    ///
    /// let mut registry = Registry::new();
    /// registry.add_metric::<Accuracy>("HitRate"); // As an older version of a program called it.
    /// assert!(format!("{registry:?}").contains("HitRate"));
    /// ```
    pub fn add_metric<M: Metric + DeserializeOwned>(&mut self, kind: &str) {
        self.metrics.insert(kind.to_owned(), |config| Ok(Box::new(M::deserialize(config)?)));
    }

    /// Adds a kind of schedule, or replaces the one of this name, which is what [`LearningRateSchedule::kind`] gives.
    ///
    /// ```
    /// use grafito::nn::{CosineDecay, Registry};
    ///
    /// let mut registry = Registry::new();
    /// registry.add_learning_rate::<CosineDecay>("HalfWave"); // As an older version of a program called it.
    /// assert!(format!("{registry:?}").contains("HalfWave"));
    /// ```
    pub fn add_learning_rate<S: LearningRateSchedule + DeserializeOwned>(&mut self, kind: &str) {
        self.schedules.insert(kind.to_owned(), |config| Ok(Box::new(S::deserialize(config)?)));
    }

    /// Adds a kind of optimizer, or replaces the one of this name, which is what [`Optimizer::kind`] gives. It is made of its
    /// settings and of its learning rate, which is described by itself.
    ///
    /// ```
    /// use grafito::nn::{
    ///     Dense, LearningRateSchedule, Loss, Model, Optimizer, Predictions, Registry, Sequential, Update,
    /// };
    /// use grafito::prelude::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// /// Follows the sign of the gradient.
    /// #[derive(Debug)]
    /// struct SignSgd(Box<dyn LearningRateSchedule>);
    ///
    /// impl Optimizer for SignSgd {
    ///     fn kind(&self) -> &'static str {
    ///         "SignSgd"
    ///     }
    ///     fn learning_rate(&self) -> &dyn LearningRateSchedule {
    ///         &*self.0
    ///     }
    ///     fn update(&self, update: Update<'_>) -> Tensor {
    ///         update.parameter - update.gradient.sign() * update.learning_rate
    ///     }
    /// }
    ///
    /// #[derive(Debug, Serialize, Deserialize)]
    /// struct Power { exponent: i32 }
    ///
    /// impl Loss for Power {
    ///     fn kind(&self) -> &'static str {
    ///         "Power"
    ///     }
    ///     fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
    ///         (predictions.values() - targets).abs().pow(self.exponent)
    ///     }
    ///     fn config(&self) -> serde_json::Value {
    ///         serde_json::to_value(self).unwrap()
    ///     }
    /// }
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let sign = SignSgd(Box::new(0.125));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(sign, Power { exponent: 4 }, ());
    /// model.step(&x, &y)?;
    /// model.save(&path)?;
    ///
    /// let error = Model::load(&path).unwrap_err();
    /// assert!(error.to_string().contains("the optimizer is a SignSgd, which is not registered"));
    /// let mut registry = Registry::new();
    /// registry.add_optimizer("SignSgd", |_, rate| Ok(SignSgd(rate)));
    /// registry.add_loss::<Power>("Power");
    /// let mut loaded = Model::load_with(&path, &registry)?;
    /// assert_eq!(loaded.step(&x, &y)?, model.step(&x, &y)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_optimizer<O: Optimizer>(
        &mut self,
        kind: &str,
        make: fn(&Json, Box<dyn LearningRateSchedule>) -> Result<O, Error>,
    ) {
        let make: MakeOptimizer = Arc::new(move |config, rate| Ok(Box::new(make(config, rate)?)));
        self.optimizers.insert(kind.to_owned(), make);
    }

    /// A layer from its settings; `None` where the kind is not registered.
    pub(super) fn make(&self, kind: &str, config: &Json) -> Option<Result<Arc<dyn Layer>, Error>> {
        self.layers.get(kind).map(|make| make(config))
    }

    pub(super) fn loss(&self, loss: &PartDescription) -> Result<Box<dyn Loss>, CheckpointProblem> {
        part("loss", loss, &self.losses)
    }

    pub(super) fn metric(&self, metric: &PartDescription) -> Result<Box<dyn Metric>, CheckpointProblem> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
            metric: PartDescription,
        }
        if metric.kind != "NamedMetric" {
            return part("metric", metric, &self.metrics);
        }
        let Named { name, metric } = settings("metric", metric)?;
        Ok(Box::new(self.metric(&metric)?.named(name)))
    }

    pub(super) fn learning_rate(
        &self,
        rate: &PartDescription,
    ) -> Result<Box<dyn LearningRateSchedule>, CheckpointProblem> {
        #[derive(Deserialize)]
        struct Rising {
            steps: std::num::NonZeroU32,
            then: PartDescription,
        }
        if rate.kind != "WarmUp" {
            return part("learning rate", rate, &self.schedules);
        }
        let Rising { steps, then } = settings("learning rate", rate)?;
        Ok(Box::new(WarmUp::new(steps.get(), self.learning_rate(&then)?)))
    }

    pub(super) fn optimizer(
        &self,
        optimizer: &PartDescription,
        rate: Box<dyn LearningRateSchedule>,
    ) -> Result<Box<dyn Optimizer>, CheckpointProblem> {
        #[derive(Deserialize)]
        struct Clipped {
            by: By,
            limit: f64,
            optimizer: PartDescription,
        }
        const PART: &str = "optimizer";
        let PartDescription { kind, config } = optimizer;
        if kind == "Clip" {
            let Clipped { by, limit, optimizer: inner } = settings(PART, optimizer)?;
            let clip = Clip::checked(by, limit, self.optimizer(&inner, rate)?);
            return match clip {
                Ok(clip) => Ok(Box::new(clip)),
                Err(reason) => {
                    Err(CheckpointProblem::PartSettings { part: PART, kind: kind.clone(), reason })
                }
            };
        }
        match self.optimizers.get(kind) {
            Some(make) => make(config, rate).map_err(wrong(PART, kind)),
            None => Err(CheckpointProblem::UnknownPart { part: PART, kind: kind.clone() }),
        }
    }
}

fn part<T>(
    part: &'static str,
    PartDescription { kind, config }: &PartDescription,
    known: &Kinds<T>,
) -> Result<T, CheckpointProblem> {
    match known.get(kind) {
        Some(make) => make(config).map_err(wrong(part, kind)),
        None => Err(CheckpointProblem::UnknownPart { part, kind: kind.clone() }),
    }
}

/// The settings of what is made of another one.
fn settings<T: DeserializeOwned>(
    part: &'static str,
    PartDescription { kind, config }: &PartDescription,
) -> Result<T, CheckpointProblem> {
    T::deserialize(config).map_err(wrong(part, kind))
}

fn wrong(part: &'static str, kind: &str) -> impl FnOnce(Error) -> CheckpointProblem {
    let kind = kind.to_owned();
    move |error| CheckpointProblem::PartSettings { part, kind, reason: error.to_string() }
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

/// The kinds by name.
impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("layers", &self.layers.keys())
            .field("losses", &self.losses.keys())
            .field("metrics", &self.metrics.keys())
            .field("schedules", &self.schedules.keys())
            .field("optimizers", &self.optimizers.keys())
            .finish()
    }
}
