//! Losses: what a network's output costs.

use std::fmt;

use grafito::{Error, Tensor, TensorTree};
use serde_json::Value as Json;

use super::activation::Activation;
use super::hint;

/// What a network gave for a batch, with what its last activation was applied to where it ends with one.
///
/// A loss or metric that is exact, or cheaper, on logits asks for them with [`Predictions::before`].
///
/// ```
/// use grafito::nn::{Activation, Predictions};
/// use grafito::prelude::*;
///
/// let logits = Tensor::from([[0.0f32, 0.0]]);
/// let p = Predictions::activated(logits.softmax(-1), Activation::Softmax, logits);
/// assert!(p.before(Activation::Softmax).is_some() && p.before(Activation::Sigmoid).is_none());
/// assert_eq!(p.values().to_vec::<f32>(), [0.5, 0.5]);
/// ```
#[derive(Debug, Clone, TensorTree)]
pub struct Predictions {
    values: Tensor,
    #[fixed]
    activation: Activation,
    before: Option<Tensor>,
}

impl Predictions {
    /// Plain values.
    pub fn new(values: Tensor) -> Predictions {
        Predictions { values, activation: Activation::Linear, before: None }
    }

    /// Values that an activation gave for `before`.
    pub fn activated(values: Tensor, activation: Activation, before: Tensor) -> Predictions {
        Predictions { values, activation, before: Some(before) }
    }

    /// The network's output.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// Fails unless targets have the shape of the output: `[n, 1]` and `[n]` would broadcast to `[n, n]`, and a network
    /// train on that without complaint. `kind` is the loss or metric that asks.
    ///
    /// # Panics
    /// When the shapes differ, as a failed operation.
    #[track_caller]
    pub fn expect_shape_of(&self, targets: &Tensor, kind: &str) {
        if self.values.shape() != targets.shape() {
            let hint = hint::same_shape(self.values.fact(), targets.fact());
            self.misfit(targets, kind, " differ in shape", hint);
        }
    }

    /// Raises that targets do not fit, with where they are from, and what is usually meant.
    #[track_caller]
    pub(super) fn misfit(&self, targets: &Tensor, kind: &str, reason: &str, hint: Option<String>) -> ! {
        let (values, fact, origin) = (self.values.fact(), targets.fact(), targets.origin());
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let message = format!("{kind}: predictions {values} and targets {fact} ({origin}){reason}{hint}");
        grafito::raise(Error::usage(message))
    }

    /// The targets in the dtype of the output, whose shape they must have: labels that are 0 or 1 are often integers.
    ///
    /// # Panics
    /// As [`Predictions::expect_shape_of`].
    #[track_caller]
    pub(super) fn targets(&self, targets: &Tensor, kind: &str) -> Tensor {
        self.expect_shape_of(targets, kind);
        if targets.dtype() == self.values.dtype() {
            targets.clone()
        } else {
            targets.cast(self.values.dtype())
        }
    }

    /// What the activation was applied to, if it was this one.
    pub fn before(&self, activation: Activation) -> Option<&Tensor> {
        self.before.as_ref().filter(|_| self.activation == activation)
    }
}

/// What predictions cost, given what they should have been.
///
/// ```
/// use grafito::nn::{Loss, Predictions};
/// use grafito::prelude::*;
///
/// /// Squares what is too low twice as much.
/// #[derive(Debug)]
/// struct Cautious;
///
/// impl Loss for Cautious {
///     fn kind(&self) -> &'static str {
///         "Cautious"
///     }
///     fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
///         predictions.expect_shape_of(targets, self.kind());
///         let error = predictions.values() - targets;
///         &error * &error * error.lt(0.0).select(2.0, &error.ones_like())
///     }
/// }
///
/// let loss = Cautious.mean(&Predictions::new(Tensor::from([0.0f32, 2.0])), &Tensor::from([1.0f32, 1.0]));
/// assert_eq!(loss.item::<f32>(), 1.5);
/// ```
///
/// # Source
/// `keras.losses.Loss`, with the reduction `sum_over_batch_size`.
pub trait Loss: fmt::Debug + Send + Sync + 'static {
    /// The name of the kind of loss, as in files.
    fn kind(&self) -> &'static str;

    /// The loss of each example, or of each of its parts: averaged, they are the loss of the batch.
    ///
    /// # Shape
    /// The first axis is that of the examples.
    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor;

    /// The loss of a batch, a scalar.
    fn mean(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        self.each(predictions, targets).mean(..)
    }

    /// What is wrong with this loss where a network ends with this activation, and what to write instead. `compile` says it
    /// on standard error, and goes on.
    ///
    /// ```
    /// use grafito::nn::{Linear, Loss, Softmax, SparseCrossEntropy};
    ///
    /// let objection = SparseCrossEntropy::from_logits().objection(Softmax).unwrap();
    /// assert!(objection.contains("write `SparseCrossEntropy::new()`"));
    /// assert!(SparseCrossEntropy::new().objection(Linear).is_some());
    /// assert!(SparseCrossEntropy::new().objection(Softmax).is_none());
    /// ```
    fn objection(&self, last: Activation) -> Option<String> {
        let _ = last;
        None
    }

    /// The settings, as they are kept in files.
    fn config(&self) -> Json {
        Json::Null
    }
}

/// A loss that is chosen while the program runs.
impl Loss for Box<dyn Loss> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn each(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        (**self).each(predictions, targets)
    }

    fn mean(&self, predictions: &Predictions, targets: &Tensor) -> Tensor {
        (**self).mean(predictions, targets)
    }

    fn objection(&self, last: Activation) -> Option<String> {
        (**self).objection(last)
    }

    fn config(&self) -> Json {
        (**self).config()
    }
}
