//! How often the likeliest class is the right one.

use grafito::{DType, Fact, Tensor};
use serde::{Deserialize, Serialize};

use super::super::activation::Activation;
use super::super::loss::Predictions;
use super::super::metric::Metric;

/// The share of examples whose likeliest class is the label.
///
/// # Shape
/// Predictions `[n, .., classes]`, labels `[n, ..]` of any integer dtype.
///
/// # Source
/// `keras.metrics.SparseCategoricalAccuracy`.
///
/// ```
/// use grafito::nn::{Accuracy, Metric, Predictions};
/// use grafito::prelude::*;
/// use grafito::Fact;
///
/// let start: Vec<Tensor> =
///     Accuracy.start(&Fact::new(DType::F32, [2])).into_iter().map(|(_, total)| total).collect();
/// let p = Predictions::new(Tensor::from([[0.9f32, 0.1], [0.3, 0.7]]));
/// let totals = Accuracy.update(&start, &p, &Tensor::from([0u8, 0]));
/// assert_eq!(Accuracy.result(&totals), 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn kind(&self) -> &'static str {
        "Accuracy"
    }

    fn name(&self) -> String {
        "accuracy".to_owned()
    }

    fn start(&self, _: &Fact) -> Vec<(&'static str, Tensor)> {
        vec![("hits", Tensor::scalar(0i64)), ("seen", Tensor::scalar(0i64))]
    }

    fn update(&self, totals: &[Tensor], predictions: &Predictions, targets: &Tensor) -> Vec<Tensor> {
        // Softmax keeps the order, so it need not be computed for this.
        let scores = predictions.before(Activation::Softmax).unwrap_or(predictions.values());
        let hits = scores.argmax(-1).eq(targets.cast(DType::I64)).cast(DType::I64).sum(..);
        vec![&totals[0] + hits, &totals[1] + targets.num_elements()]
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        totals[0].item::<i64>() as f64 / totals[1].item::<i64>() as f64
    }
}
