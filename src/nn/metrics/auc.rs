//! How well a score tells yes from no, whatever the threshold.

use grafito::{DType, Fact, Tensor};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::loss::Predictions;
use super::super::metric::Metric;
use super::one_class::{one_class, share};

/// The area under a curve that is drawn by moving the threshold between yes and no: of the true against the false positive
/// rate (ROC), or of the precision against the recall. The first is the probability that what is so scores higher than
/// what is not.
///
/// Scores are counted in equal intervals of `0 ..= 1`, so the area is off by what happens within one of them, and the
/// state stays small however many examples there are.
///
/// # Shape
/// Predictions and targets of one shape, targets of any dtype: what is not 0 is yes. With [`Auc::of_class`] predictions
/// `[n, .., classes]`, and labels `[n, ..]` of any integer dtype as well.
///
/// # Panics
/// When the shapes do not fit, or a prediction lies outside `0 ..= 1`.
///
/// # Source
/// `keras.metrics.AUC`; between thresholds of the second curve Davis, Goadrich, "The relationship between
/// precision-recall and ROC curves", 2006.
///
/// ```
/// use grafito::nn::{Auc, Metric, Predictions};
/// use grafito::prelude::*;
/// use grafito::Fact;
///
/// let start: Vec<Tensor> =
///     Auc::new().start(&Fact::new(DType::F32, [])).into_iter().map(|(_, total)| total).collect();
/// let (p, y) = (Tensor::from([0.1f32, 0.4, 0.35, 0.8]), Tensor::from([0u8, 0, 1, 1]));
/// let totals = Auc::new().update(&start, &Predictions::new(p), &y);
/// assert_eq!(Auc::new().result(&totals), 0.75);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Auc {
    #[serde(deserialize_with = "sensible")]
    thresholds: usize,
    curve: Curve,
    class: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Curve {
    Roc,
    PrecisionRecall,
}

/// So many thresholds as a file may ask for.
fn sensible<'a, D: Deserializer<'a>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        thresholds @ 2..=1_000_000 => Ok(thresholds),
        thresholds => Err(D::Error::custom(format!("a curve with {thresholds} thresholds"))),
    }
}

impl Auc {
    /// Under the ROC curve, with 200 thresholds.
    pub fn new() -> Auc {
        Auc { thresholds: 200, curve: Curve::Roc, class: None }
    }

    /// With so many thresholds, of which one lies below and one above all scores.
    ///
    /// ```
    /// use grafito::Fact;
    /// use grafito::nn::{Auc, Metric, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let metric = Auc::new().thresholds(2);
    /// let start = metric.start(&Fact::new(DType::F32, [])).into_iter();
    /// let start: Vec<Tensor> = start.map(|(_, total)| total).collect();
    /// let (p, y) = (Tensor::from([0.9f32, 0.6, 0.7, 0.1]), Tensor::from([1u8, 0, 1, 0]));
    /// let totals = metric.update(&start, &Predictions::new(p), &y);
    /// // With none between 0 and 1 the curve is a diagonal.
    /// assert_eq!(metric.result(&totals), 0.5);
    /// ```
    ///
    /// # Panics
    /// When there are fewer than two.
    #[must_use]
    #[track_caller]
    pub fn thresholds(self, thresholds: usize) -> Auc {
        assert!(thresholds > 1, "a curve with {thresholds} thresholds, expected at least 2");
        Auc { thresholds, ..self }
    }

    /// Under the curve of precision against recall, which tells more where few are so. In logs it is `auc_pr`.
    ///
    /// ```
    /// use grafito::Fact;
    /// use grafito::nn::{Auc, Metric, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let metric = Auc::new().precision_recall();
    /// let start = metric.start(&Fact::new(DType::F32, [])).into_iter();
    /// let start: Vec<Tensor> = start.map(|(_, total)| total).collect();
    /// let (p, y) = (Tensor::from([0.9f32, 0.6, 0.7, 0.1]), Tensor::from([1u8, 0, 1, 0]));
    /// let totals = metric.update(&start, &Predictions::new(p), &y);
    /// // All that are so have higher scores than all that are not.
    /// assert!((metric.result(&totals) - 1.0).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn precision_recall(self) -> Auc {
        Auc { curve: Curve::PrecisionRecall, ..self }
    }

    /// Of one class of several, against all others. In logs it is `auc_2` for class 2.
    ///
    /// ```
    /// use grafito::Fact;
    /// use grafito::nn::{Auc, Metric, Predictions};
    /// use grafito::prelude::*;
    ///
    /// let metric = Auc::new().of_class(1);
    /// let start = metric.start(&Fact::new(DType::F32, [2])).into_iter();
    /// let start: Vec<Tensor> = start.map(|(_, total)| total).collect();
    /// let p = Tensor::from([[0.1f32, 0.9], [0.4, 0.6], [0.8, 0.2]]);
    /// let y = Tensor::from([1u8, 0, 1]);
    /// let totals = metric.update(&start, &Predictions::new(p), &y);
    /// // Of two pairs of one that is of the class and one that is not, one is in order.
    /// assert!((metric.result(&totals) - 0.5).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn of_class(self, class: usize) -> Auc {
        Auc { class: Some(class), ..self }
    }
}

impl Default for Auc {
    fn default() -> Auc {
        Auc::new()
    }
}

impl Metric for Auc {
    fn kind(&self) -> &'static str {
        "Auc"
    }

    fn name(&self) -> String {
        let curve = match self.curve {
            Curve::Roc => "auc",
            Curve::PrecisionRecall => "auc_pr",
        };
        self.class.map_or(curve.to_owned(), |class| format!("{curve}_{class}"))
    }

    fn start(&self, _: &Fact) -> Vec<(&'static str, Tensor)> {
        let none = Tensor::zeros([self.thresholds - 1], DType::I64);
        vec![("positives", none.clone()), ("negatives", none)]
    }

    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
        let (values, is_so) = one_class(self.class, predictions, targets, self.kind());
        // Interval `i` is above threshold `i`, up to the next one; 0 is in the first.
        let interval = (&values * (self.thresholds - 1) as f64).ceil() - 1.0;
        let interval = values.eq(0.0).select(0.0, &interval).cast(DType::I64).flatten();
        let positive = is_so.cast(DType::I64).flatten();
        let add = |total: &Tensor, ones: &Tensor| total.scatter_add(0, &interval, ones);
        vec![add(&totals[0], &positive), add(&totals[1], &(1 - &positive))]
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        let (true_positives, false_positives) = (above(&totals[0]), above(&totals[1]));
        match self.curve {
            Curve::Roc => roc(&true_positives, &false_positives),
            Curve::PrecisionRecall => precision_recall(&true_positives, &false_positives),
        }
    }

    fn config(&self) -> Json {
        config(self)
    }
}

/// How many are above each threshold: all at the first, none at the last.
fn above(counts: &Tensor) -> Vec<f64> {
    let mut above = vec![0.0];
    let mut total = 0.0;
    for count in counts.to_vec::<i64>().into_iter().rev() {
        total += count as f64;
        above.push(total);
    }
    above.reverse();
    above
}

/// Trapezoids between thresholds.
fn roc(true_positives: &[f64], false_positives: &[f64]) -> f64 {
    let strips = true_positives.windows(2).zip(false_positives.windows(2));
    let area: f64 = strips.map(|(t, f)| (t[0] + t[1]) / 2.0 * (f[0] - f[1])).sum();
    share(area, true_positives[0] * false_positives[0])
}

/// Between thresholds true positives grow evenly with positives, so precision does not: it is integrated.
fn precision_recall(true_positives: &[f64], false_positives: &[f64]) -> f64 {
    let strips = true_positives.windows(2).zip(false_positives.windows(2));
    let area: f64 = strips
        .map(|(t, f)| {
            let (more, fewer) = (t[0] + f[0], t[1] + f[1]);
            let slope = share(t[0] - t[1], more - fewer);
            let growth = if more > 0.0 && fewer > 0.0 { (more / fewer).ln() } else { 0.0 };
            slope * (t[0] - t[1] + (t[1] - slope * fewer) * growth)
        })
        .sum();
    share(area, true_positives[0])
}
