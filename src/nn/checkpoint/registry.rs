//! Kinds of layers, optimizers, schedules, losses and metrics by name, so that models can be made of their descriptions.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

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
use super::super::metric::{Metric, NamedMetric};
use super::super::metrics::{Accuracy, Auc, Precision, Recall, TopKAccuracy};
use super::super::optimizer::Optimizer;
use super::super::optimizers::{Adagrad, Adam, AdamW, By, Clip, RmsProp, Sgd};
use super::super::schedule::LearningRateSchedule;
use super::super::schedules::{CosineDecay, ExponentialDecay, StepDecay, WarmUp};
use super::error::{CheckpointProblem, TrainingPart};

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
/// registry.add_layer::<Add>("Add");
/// let network = Sequential::new().input([2]).add(Add { what: 3.0 });
/// let mut copy = Sequential::from_json(&network.to_json(), &registry)?;
/// assert_eq!(copy.predict(&Tensor::from([[1.0f32, 2.0]]))?.to_vec::<f32>(), [4.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
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

/// Why something cannot be made of its settings.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// By name, how to make one of its settings. What is made of another one finds the kind of that in the registry.
type Kinds<T> = BTreeMap<String, Arc<dyn Fn(&Json, &Registry) -> Result<T, Failure> + Send + Sync>>;

type MakeOptimizer = Arc<
    dyn Fn(&Json, Box<dyn LearningRateSchedule>, &Registry) -> Result<Box<dyn Optimizer>, Failure>
        + Send
        + Sync,
>;

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
        registry.add_layer::<Activation>("Activation");
        registry.add_layer::<AvgPool2D>("AvgPool2D");
        registry.add_layer::<BatchNorm>("BatchNorm");
        registry.add_layer::<Conv2D>("Conv2D");
        registry.add_layer::<Dense>("Dense");
        registry.add_layer::<Dropout>("Dropout");
        registry.add_layer::<Embedding>("Embedding");
        registry.add_layer::<Flatten>("Flatten");
        registry.add_layer::<GlobalAveragePool>("GlobalAveragePool");
        registry.add_layer::<LayerNorm>("LayerNorm");
        registry.add_layer::<MaxPool2D>("MaxPool2D");
        registry.add_layer::<Rescaling>("Rescaling");

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
        registry.add_metric_with("NamedMetric", named_metric);

        registry.add_schedule::<f32>("Constant");
        registry.add_schedule::<CosineDecay>("CosineDecay");
        registry.add_schedule::<ExponentialDecay>("ExponentialDecay");
        registry.add_schedule::<StepDecay>("StepDecay");
        registry.add_schedule_with("WarmUp", warm_up);

        registry
            .add_optimizer("Adagrad", |config, rate, _| Ok(Adagrad::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("Adam", |config, rate, _| Ok(Adam::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("AdamW", |config, rate, _| Ok(AdamW::deserialize(config)?.at(rate.into())));
        registry
            .add_optimizer("RmsProp", |config, rate, _| Ok(RmsProp::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("Sgd", |config, rate, _| Ok(Sgd::deserialize(config)?.at(rate.into())));
        registry.add_optimizer("Clip", clip);
        registry
    }

    /// Adds a kind of layer, or replaces the one of this name, which is what [`Layer::kind`] gives.
    pub fn add_layer<L: Layer + DeserializeOwned>(&mut self, kind: &str) {
        let make = |config: &Json, _: &Registry| Ok(Arc::new(L::deserialize(config)?) as Arc<dyn Layer>);
        self.layers.insert(kind.to_owned(), Arc::new(make));
    }

    /// Adds a kind of loss, or replaces the one of this name, which is what [`Loss::kind`] gives.
    pub fn add_loss<L: Loss + DeserializeOwned>(&mut self, kind: &str) {
        self.add_loss_with(kind, |config, _| Ok(L::deserialize(config)?));
    }

    /// As [`Registry::add_loss`], for a loss that is made by a function of its settings, such as one that is made of another
    /// loss: see [`Registry::loss`].
    pub fn add_loss_with<L: Loss>(
        &mut self,
        kind: &str,
        make: impl Fn(&Json, &Registry) -> Result<L, Failure> + Send + Sync + 'static,
    ) {
        let make = move |config: &Json, registry: &Registry| {
            make(config, registry).map(|loss| Box::new(loss) as Box<dyn Loss>)
        };
        self.losses.insert(kind.to_owned(), Arc::new(make));
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
        self.add_metric_with(kind, |config, _| Ok(M::deserialize(config)?));
    }

    /// As [`Registry::add_metric`], for a metric that is made by a function of its settings, such as one that is made of
    /// another metric.
    ///
    /// ```
    /// use grafito::nn::{Metric, Registry};
    ///
    /// let mut registry = Registry::new();
    /// registry.add_metric_with("Doubtful", |config, registry| {
    ///     let metric = registry.metric(&config["metric"])?;
    ///     let name = format!("{}?", metric.name());
    ///     Ok(metric.named(name))
    /// });
    /// let description = r#"{ "kind": "Doubtful", "config": { "metric": { "kind": "Accuracy" } } }"#;
    /// assert_eq!(registry.metric(&serde_json::from_str(description)?)?.name(), "accuracy?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_metric_with<M: Metric>(
        &mut self,
        kind: &str,
        make: impl Fn(&Json, &Registry) -> Result<M, Failure> + Send + Sync + 'static,
    ) {
        let make = move |config: &Json, registry: &Registry| {
            make(config, registry).map(|metric| Box::new(metric) as Box<dyn Metric>)
        };
        self.metrics.insert(kind.to_owned(), Arc::new(make));
    }

    /// Adds a kind of schedule, or replaces the one of this name, which is what [`LearningRateSchedule::kind`] gives.
    ///
    /// ```
    /// use grafito::nn::{CosineDecay, Registry};
    ///
    /// let mut registry = Registry::new();
    /// registry.add_schedule::<CosineDecay>("HalfWave"); // As an older version of a program called it.
    /// assert!(format!("{registry:?}").contains("HalfWave"));
    /// ```
    pub fn add_schedule<S: LearningRateSchedule + DeserializeOwned>(&mut self, kind: &str) {
        self.add_schedule_with(kind, |config, _| Ok(S::deserialize(config)?));
    }

    /// As [`Registry::add_schedule`], for a schedule that is made by a function of its settings, such as one that is made of
    /// another schedule.
    ///
    /// ```
    /// use grafito::nn::{CosineDecay, LearningRateSchedule, Registry};
    /// use grafito::prelude::*;
    /// use serde_json::json;
    ///
    /// /// Half of what another schedule says.
    /// #[derive(Debug)]
    /// struct Halved<S>(S);
    ///
    /// impl<S: LearningRateSchedule> LearningRateSchedule for Halved<S> {
    ///     fn kind(&self) -> &'static str {
    ///         "Halved"
    ///     }
    ///     fn initial(&self) -> f32 {
    ///         self.0.initial()
    ///     }
    ///     fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
    ///         self.0.rate(initial, step) / 2.0
    ///     }
    ///     fn config(&self) -> serde_json::Value {
    ///         json!({ "of": { "kind": self.0.kind(), "config": self.0.config() } })
    ///     }
    /// }
    ///
    /// let mut registry = Registry::new();
    /// registry.add_schedule_with("Halved", |config, registry| Ok(Halved(registry.schedule(&config["of"])?)));
    /// let halved = Halved(CosineDecay::new(0.5, 100));
    /// let description = json!({ "kind": "Halved", "config": halved.config() });
    /// assert_eq!(registry.schedule(&description)?.config(), halved.config());
    /// # Ok::<(), grafito::nn::CheckpointProblem>(())
    /// ```
    pub fn add_schedule_with<S: LearningRateSchedule>(
        &mut self,
        kind: &str,
        make: impl Fn(&Json, &Registry) -> Result<S, Failure> + Send + Sync + 'static,
    ) {
        let make = move |config: &Json, registry: &Registry| {
            make(config, registry).map(|schedule| Box::new(schedule) as Box<dyn LearningRateSchedule>)
        };
        self.schedules.insert(kind.to_owned(), Arc::new(make));
    }

    /// Adds a kind of optimizer, or replaces the one of this name, which is what [`Optimizer::kind`] gives. It is made of its
    /// settings and of its schedule, which is described by itself. One that is made of another optimizer finds that in the
    /// registry: see [`Registry::optimizer`].
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
    /// registry.add_optimizer("SignSgd", |_, rate, _| Ok(SignSgd(rate)));
    /// registry.add_loss::<Power>("Power");
    /// let mut loaded = Model::load_with(&path, &registry)?;
    /// assert_eq!(loaded.step(&x, &y)?, model.step(&x, &y)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_optimizer<O: Optimizer>(
        &mut self,
        kind: &str,
        make: impl Fn(&Json, Box<dyn LearningRateSchedule>, &Registry) -> Result<O, Failure>
        + Send
        + Sync
        + 'static,
    ) {
        let make: MakeOptimizer =
            Arc::new(move |config, rate, registry| Ok(Box::new(make(config, rate, registry)?)));
        self.optimizers.insert(kind.to_owned(), make);
    }

    /// A layer from its settings; `None` where the kind is not registered.
    pub(super) fn layer(&self, kind: &str, config: &Json) -> Option<Result<Arc<dyn Layer>, Failure>> {
        self.layers.get(kind).map(|make| make(config, self))
    }

    /// A loss from its description, as it is in files: `{"kind": .., "config": ..}`.
    ///
    /// ```
    /// use grafito::nn::{Hinge, Loss, Predictions, Registry};
    /// use grafito::prelude::*;
    /// use serde_json::json;
    ///
    /// /// Another loss, weighted.
    /// #[derive(Debug)]
    /// struct Weighted<L>(f64, L);
    ///
    /// impl<L: Loss> Loss for Weighted<L> {
    ///     fn kind(&self) -> &'static str {
    ///         "Weighted"
    ///     }
    ///     fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
    ///         self.1.each(predictions, targets) * self.0
    ///     }
    ///     fn config(&self) -> serde_json::Value {
    ///         json!({ "weight": self.0, "loss": { "kind": self.1.kind(), "config": self.1.config() } })
    ///     }
    /// }
    ///
    /// let mut registry = Registry::new();
    /// registry.add_loss_with("Weighted", |config, registry| {
    ///     let weight = config["weight"].as_f64().ok_or("a loss without its weight")?;
    ///     Ok(Weighted(weight, registry.loss(&config["loss"])?))
    /// });
    /// let weighted = Weighted(0.5, Hinge);
    /// let description = json!({ "kind": "Weighted", "config": weighted.config() });
    /// assert_eq!(registry.loss(&description)?.config(), weighted.config());
    /// let error = registry.loss(&json!({ "kind": "Weighted" })).unwrap_err();
    /// assert_eq!(error.to_string(), "the loss (Weighted): a loss without its weight");
    /// # Ok::<(), grafito::nn::CheckpointProblem>(())
    /// ```
    ///
    /// # Errors
    /// When it is no such description, or of a kind that is not registered.
    pub fn loss(&self, description: &Json) -> Result<Box<dyn Loss>, CheckpointProblem> {
        self.part(TrainingPart::Loss, &self.losses, description)
    }

    /// A metric from its description, as it is in files: `{"kind": .., "config": ..}`.
    ///
    /// # Errors
    /// When it is no such description, or of a kind that is not registered.
    pub fn metric(&self, description: &Json) -> Result<Box<dyn Metric>, CheckpointProblem> {
        self.part(TrainingPart::Metric, &self.metrics, description)
    }

    /// A schedule from its description, as it is in files: `{"kind": .., "config": ..}`.
    ///
    /// # Errors
    /// When it is no such description, or of a kind that is not registered.
    pub fn schedule(&self, description: &Json) -> Result<Box<dyn LearningRateSchedule>, CheckpointProblem> {
        self.part(TrainingPart::Schedule, &self.schedules, description)
    }

    /// An optimizer from its description, as it is in files: `{"kind": .., "config": ..}`, and its schedule.
    ///
    /// ```
    /// use grafito::nn::{Optimizer, Registry, Sgd};
    /// use serde_json::json;
    ///
    /// let sgd = Sgd::new(0.5).momentum(0.9);
    /// let description = json!({ "kind": sgd.kind(), "config": sgd.config() });
    /// let again = Registry::new().optimizer(&description, Box::new(0.25))?;
    /// assert_eq!((again.config(), again.learning_rate().initial()), (sgd.config(), 0.25));
    /// # Ok::<(), grafito::nn::CheckpointProblem>(())
    /// ```
    ///
    /// # Errors
    /// When it is no such description, or of a kind that is not registered.
    pub fn optimizer(
        &self,
        description: &Json,
        rate: Box<dyn LearningRateSchedule>,
    ) -> Result<Box<dyn Optimizer>, CheckpointProblem> {
        const PART: TrainingPart = TrainingPart::Optimizer;
        let (kind, config, make) = find(PART, &self.optimizers, description)?;
        make(config, rate, self).map_err(wrong(PART, kind))
    }

    fn part<T>(
        &self,
        part: TrainingPart,
        known: &Kinds<T>,
        description: &Json,
    ) -> Result<T, CheckpointProblem> {
        let (kind, config, make) = find(part, known, description)?;
        make(config, self).map_err(wrong(part, kind))
    }
}

/// The kind and the settings that a description names, and how one of that kind is made.
fn find<'a, M>(
    part: TrainingPart,
    known: &'a BTreeMap<String, M>,
    description: &'a Json,
) -> Result<(&'a str, &'a Json, &'a M), CheckpointProblem> {
    let none = || CheckpointProblem::Description(format!("a {part} without its kind"));
    let kind = description.get("kind").and_then(Json::as_str).ok_or_else(none)?;
    let make =
        known.get(kind).ok_or_else(|| CheckpointProblem::UnknownPart { part, kind: kind.to_owned() })?;
    Ok((kind, description.get("config").unwrap_or(&Json::Null), make))
}

/// What is wrong with a part that another one is made of is said of that part.
fn wrong(part: TrainingPart, kind: &str) -> impl FnOnce(Failure) -> CheckpointProblem {
    move |failure| match failure.downcast::<CheckpointProblem>() {
        Ok(problem) => *problem,
        Err(failure) => {
            CheckpointProblem::PartSettings { part, kind: kind.to_owned(), reason: failure.to_string() }
        }
    }
}

fn named_metric(config: &Json, registry: &Registry) -> Result<NamedMetric<Box<dyn Metric>>, Failure> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
        metric: Json,
    }
    let Named { name, metric } = Named::deserialize(config)?;
    Ok(registry.metric(&metric)?.named(name))
}

fn warm_up(config: &Json, registry: &Registry) -> Result<WarmUp<Box<dyn LearningRateSchedule>>, Failure> {
    #[derive(Deserialize)]
    struct Rising {
        steps: NonZeroU32,
        then: Json,
    }
    let Rising { steps, then } = Rising::deserialize(config)?;
    Ok(WarmUp::new(steps.get(), registry.schedule(&then)?))
}

fn clip(
    config: &Json,
    rate: Box<dyn LearningRateSchedule>,
    registry: &Registry,
) -> Result<Clip<Box<dyn Optimizer>>, Failure> {
    #[derive(Deserialize)]
    struct Clipped {
        by: By,
        limit: f64,
        optimizer: Json,
    }
    let Clipped { by, limit, optimizer } = Clipped::deserialize(config)?;
    Ok(Clip::checked(by, limit, registry.optimizer(&optimizer, rate)?)?)
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
