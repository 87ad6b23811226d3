//! How often the right class is among the likeliest.

use grafito::{DType, Fact, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::config;
use super::super::loss::Predictions;
use super::super::metric::Metric;
use super::one_class::{count, share};

/// The share of examples whose label is among the `k` likeliest classes: fewer than `k` are likelier. A NaN counts as
/// likelier than any number, and is no hit itself.
///
/// # Shape
/// Predictions `[n, .., classes]`, labels `[n, ..]` of any integer dtype.
///
/// # Panics
/// When a label is out of range.
///
/// # Source
/// `keras.metrics.SparseTopKCategoricalAccuracy`.
///
/// ```
/// use grafito::nn::{Metric, Predictions, TopKAccuracy};
/// use grafito::prelude::*;
///
/// let top_2 = TopKAccuracy::new(2);
/// let p = Predictions::new(Tensor::from([[0.6f32, 0.3, 0.1], [0.6, 0.3, 0.1]]));
/// let none = [Tensor::scalar(0i64), Tensor::scalar(0i64)];
/// let totals = top_2.update(&none, &p, &Tensor::from([1u8, 2]));
/// assert_eq!((top_2.name().as_str(), top_2.result(&totals)), ("top_2_accuracy", 0.5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TopKAccuracy {
    k: usize,
}

impl TopKAccuracy {
    /// Among so many.
    ///
    /// # Panics
    /// For 0.
    #[track_caller]
    pub fn new(k: usize) -> TopKAccuracy {
        assert!(k > 0, "no label is among the 0 likeliest classes, expected at least 1");
        TopKAccuracy { k }
    }
}

impl Metric for TopKAccuracy {
    fn kind(&self) -> &'static str {
        "TopKAccuracy"
    }

    fn name(&self) -> String {
        format!("top_{}_accuracy", self.k)
    }

    fn start(&self, _: &Fact) -> Vec<(&'static str, Tensor)> {
        vec![("hits", Tensor::scalar(0i64)), ("seen", Tensor::scalar(0i64))]
    }

    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
        // Softmax keeps the order, so it need not be computed for this.
        let scores = predictions.before(Activation::Softmax).unwrap_or(predictions.values());
        let own = scores.take_along_axis(-1, &targets.cast(DType::I64).unsqueeze(-1));
        // Those not likelier are counted, not those likelier: no NaN is among them.
        let not_likelier = scores.le(&own).cast(DType::I64).sum(-1);
        let classes = scores.shape().last().copied().unwrap_or(1);
        let hits = count(&not_likelier.gt(classes as i64 - self.k as i64).and(own.eq(&own).squeeze(-1isize)));
        vec![&totals[0] + hits, &totals[1] + targets.num_elements()]
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        share(totals[0].item::<i64>() as f64, totals[1].item::<i64>() as f64)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
