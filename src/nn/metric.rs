//! Metrics: what is reported of a model beside its loss.

use std::fmt;

use grafito::{Fact, Tensor};
use serde_json::{Value as Json, json};

use super::loss::Predictions;

/// A figure over all batches of an epoch. What it adds up is kept in tensors, which the compiled step updates.
///
/// ```
/// use grafito::Fact;
/// use grafito::nn::{Metric, Predictions};
/// use grafito::prelude::*;
///
/// /// The greatest distance from a target.
/// #[derive(Debug)]
/// struct Worst;
///
/// impl Metric for Worst {
///     fn kind(&self) -> &'static str {
///         "Worst"
///     }
///     fn name(&self) -> String {
///         "worst".to_owned()
///     }
///     fn start(&self, _: &Fact) -> Vec<(&'static str, Tensor)> {
///         vec![("distance", Tensor::scalar(0.0f32))]
///     }
///     fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
///         vec![totals[0].maximum((predictions.values() - targets).abs().max(..))]
///     }
///     fn result(&self, totals: &[Tensor]) -> f64 {
///         totals[0].item::<f32>().into()
///     }
/// }
///
/// let p = Predictions::new(Tensor::from([1.0f32, 4.0]));
/// let totals = Worst.update(&[Tensor::scalar(0.5f32)], &p, &Tensor::from([1.0f32, 2.0]));
/// assert_eq!(Worst.result(&totals), 2.0);
/// ```
///
/// # Source
/// `keras.metrics.Metric`.
pub trait Metric: fmt::Debug + Send + Sync + 'static {
    /// The name of the kind of metric, as in files.
    fn kind(&self) -> &'static str;

    /// The name in logs: `accuracy`. Not empty, without `/`, and not beginning with `val_`.
    fn name(&self) -> String;

    /// What is added up, at the start of an epoch, by name. `predictions` is the fact of one example's prediction.
    fn start(&self, predictions: &Fact) -> Vec<(&'static str, Tensor)>;

    /// What is added up, after one more batch: as many tensors, in the same order, of the same facts.
    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor>;

    /// The figure, from what was added up.
    fn result(&self, totals: &[Tensor]) -> f64;

    /// The settings, as they are kept in files.
    fn config(&self) -> Json {
        Json::Null
    }

    /// The same metric under another name.
    fn named(self, name: impl Into<String>) -> NamedMetric<Self>
    where
        Self: Sized,
    {
        NamedMetric { name: name.into(), metric: self }
    }
}

/// A metric under a name of its user's choice; made by [`Metric::named`].
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Metric, Precision, Sequential, Sgd, MeanSquaredError};
/// use grafito::prelude::*;
///
/// let metrics = (Precision::new(), Precision::new().threshold(0.9).named("strict"), Precision::new());
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, metrics);
/// let logs = model.evaluate(&Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[0.0f32], [1.0]])))?;
/// let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["loss", "precision", "strict", "precision_1"]);
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
///
/// # Source
/// The argument `name` of the metrics of Keras.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedMetric<M> {
    name: String,
    metric: M,
}

impl<M: Metric> Metric for NamedMetric<M> {
    fn kind(&self) -> &'static str {
        "NamedMetric"
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn start(&self, predictions: &Fact) -> Vec<(&'static str, Tensor)> {
        self.metric.start(predictions)
    }

    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
        self.metric.update(totals, predictions, targets)
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        self.metric.result(totals)
    }

    fn config(&self) -> Json {
        json!({ "name": self.name, "metric": { "kind": self.metric.kind(), "config": self.metric.config() } })
    }
}

/// Whether figures can have this name: what the model is tried on has those of `val_` with it, and `/` parts the names of
/// what is added up.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let wrong = match name {
        "" => "is empty",
        _ if name.starts_with("val_") => "begins with `val_`, as the figures of validation do",
        _ if name.contains('/') => "contains a `/`, which parts the names in checkpoints",
        _ => return Ok(()),
    };
    Err(format!("the name of the metric `{name}` {wrong}; `.named(..)` gives it another"))
}

/// A metric that is chosen while the program runs.
impl Metric for Box<dyn Metric> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn name(&self) -> String {
        (**self).name()
    }

    fn start(&self, predictions: &Fact) -> Vec<(&'static str, Tensor)> {
        (**self).start(predictions)
    }

    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
        (**self).update(totals, predictions, targets)
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        (**self).result(totals)
    }

    fn config(&self) -> Json {
        (**self).config()
    }
}

/// What `compile` takes for metrics: one, a tuple or array of some, `()` for none, or boxed ones.
///
/// ```
/// use grafito::nn::{Accuracy, Metric, Metrics};
///
/// assert_eq!(Accuracy.into_metrics().len(), 1);
/// assert_eq!((Accuracy, Accuracy).into_metrics().len(), 2);
/// assert!(().into_metrics().is_empty());
/// let chosen: Vec<Box<dyn Metric>> = vec![Box::new(Accuracy)];
/// assert_eq!(chosen.into_metrics()[0].name(), "accuracy");
/// ```
pub trait Metrics {
    /// The metrics, in order.
    fn into_metrics(self) -> Vec<Box<dyn Metric>>;
}

impl<M: Metric> Metrics for M {
    fn into_metrics(self) -> Vec<Box<dyn Metric>> {
        vec![Box::new(self)]
    }
}

impl<M: Metric, const N: usize> Metrics for [M; N] {
    fn into_metrics(self) -> Vec<Box<dyn Metric>> {
        self.into_iter().map(|metric| Box::new(metric) as Box<dyn Metric>).collect()
    }
}

impl Metrics for Vec<Box<dyn Metric>> {
    fn into_metrics(self) -> Vec<Box<dyn Metric>> {
        self
    }
}

macro_rules! tuples {
    ($($name:ident $index:tt),*) => {
        impl<$($name: Metric),*> Metrics for ($($name,)*) {
            fn into_metrics(self) -> Vec<Box<dyn Metric>> {
                vec![$(Box::new(self.$index)),*]
            }
        }
    };
}

tuples!();
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
