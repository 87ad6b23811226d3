//! How often a yes is right.

use grafito::{Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::loss::Predictions;
use super::super::metric::Metric;
use super::one_class::{count, one_class, share};

/// The share of those predicted as yes that are so; 0 where none is.
///
/// # Shape
/// Predictions and targets of one shape, targets of any dtype: what is not 0 is yes. With [`Precision::of_class`]
/// predictions `[n, .., classes]`, and labels `[n, ..]` of any integer dtype as well.
///
/// # Panics
/// When the shapes do not fit.
///
/// # Source
/// `keras.metrics.Precision`.
///
/// ```
/// use grafito::nn::{Metric, Predictions, Precision};
/// use grafito::prelude::*;
///
/// let (p, y) = (Tensor::from([0.9f32, 0.6, 0.7, 0.1]), Tensor::from([1u8, 0, 1, 0]));
/// let none = [Tensor::scalar(0i64), Tensor::scalar(0i64)];
/// let totals = Precision::new().update(&none, &Predictions::new(p), &y);
/// assert_eq!(Precision::new().result(&totals), 2.0 / 3.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    threshold: f64,
    class: Option<usize>,
}

impl Precision {
    /// Of all predictions; above a half they say yes.
    pub fn new() -> Precision {
        Precision { threshold: 0.5, class: None }
    }

    /// Predictions above this say yes.
    ///
    /// ```
    /// use grafito::Fact;
    /// use grafito::nn::{Metric, Precision, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let metric = Precision::new().threshold(0.65);
    /// let start = metric.start(&Fact::new(DType::F32, [])).into_iter();
    /// let start: Vec<Tensor> = start.map(|(_, total)| total).collect();
    /// let (p, y) = (Tensor::from([0.9f32, 0.6, 0.7, 0.1]), Tensor::from([1u8, 0, 1, 0]));
    /// let totals = metric.update(&start, &Predictions::new(p), &y);
    /// assert_eq!(metric.result(&totals), 1.0);
    /// ```
    #[must_use]
    pub fn threshold(self, threshold: f64) -> Precision {
        Precision { threshold, ..self }
    }

    /// Of one class of several: its probability against the threshold. In logs it is `precision_2` for class 2.
    ///
    /// ```
    /// use grafito::Fact;
    /// use grafito::nn::{Metric, Precision, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let metric = Precision::new().of_class(1);
    /// let start = metric.start(&Fact::new(DType::F32, [2])).into_iter();
    /// let start: Vec<Tensor> = start.map(|(_, total)| total).collect();
    /// let p = Tensor::from([[0.1f32, 0.9], [0.4, 0.6], [0.8, 0.2]]);
    /// let y = Tensor::from([1u8, 0, 1]);
    /// let totals = metric.update(&start, &Predictions::new(p), &y);
    /// assert_eq!((metric.name().as_str(), metric.result(&totals)), ("precision_1", 0.5));
    /// ```
    #[must_use]
    pub fn of_class(self, class: usize) -> Precision {
        Precision { class: Some(class), ..self }
    }
}

impl Default for Precision {
    fn default() -> Precision {
        Precision::new()
    }
}

impl Metric for Precision {
    fn kind(&self) -> &'static str {
        "Precision"
    }

    fn name(&self) -> String {
        self.class.map_or("precision".to_owned(), |class| format!("precision_{class}"))
    }

    fn start(&self, _: &Fact) -> Vec<(&'static str, Tensor)> {
        vec![("true_positives", Tensor::scalar(0i64)), ("false_positives", Tensor::scalar(0i64))]
    }

    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
        let (values, is_so) = one_class(self.class, predictions, targets, self.kind());
        let says_so = values.gt(self.threshold);
        let right = count(&says_so.and(&is_so));
        vec![&totals[0] + &right, &totals[1] + count(&says_so) - right]
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        let [right, wrong] = [0, 1].map(|i| totals[i].item::<i64>() as f64);
        share(right, right + wrong)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
