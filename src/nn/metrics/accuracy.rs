//! How often the likeliest class is the right one.

use grafito::{DType, Fact, Tensor};
use serde::{Deserialize, Serialize};

use super::super::activation::Activation;
use super::super::hint;
use super::super::loss::Predictions;
use super::super::metric::Metric;

/// The share of examples that were predicted rightly: the likeliest class is the label, or the one that the target has
/// most of; with an output of one element, it is on the target's side of one half.
///
/// # Shape
/// Predictions `[n, .., classes]` with labels `[n, ..]`, or with targets of their own shape; `[n, .., 1]` with targets of
/// their own shape.
///
/// # Panics
/// When the shapes are others, as a failed operation.
///
/// # Source
/// What Keras makes of `metrics=["accuracy"]`: `SparseCategoricalAccuracy`, `CategoricalAccuracy` or `BinaryAccuracy`.
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
        let shape = scores.shape();
        let classes = shape.last().copied().unwrap_or(1);
        let hits = if classes > 1 && targets.shape()[..] == shape[..shape.len() - 1] {
            scores.argmax(-1).eq(targets.cast(DType::I64))
        } else if targets.shape()[..] != shape[..] {
            let hint = hint::same_shape(scores.fact(), targets.fact());
            let reason = "; it takes a label for each row of classes, or targets of that shape";
            predictions.misfit(targets, self.kind(), reason, hint);
        } else if classes > 1 {
            scores.argmax(-1).eq(targets.argmax(-1))
        } else {
            predictions.values().gt(0.5).eq(targets.cast(DType::F64).gt(0.5))
        };
        let seen = hits.num_elements();
        vec![&totals[0] + hits.cast(DType::I64).sum(..), &totals[1] + seen]
    }

    fn result(&self, totals: &[Tensor]) -> f64 {
        totals[0].item::<i64>() as f64 / totals[1].item::<i64>() as f64
    }
}
