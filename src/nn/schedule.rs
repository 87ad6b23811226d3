//! Learning rates that follow the number of steps made.

use std::fmt;
use std::sync::Arc;

use grafito::Tensor;
use serde_json::Value as Json;

/// A learning rate as a function of the step, computed in the graph: nothing is traced anew when it changes.
///
/// A number is the schedule that stays where it is.
///
/// ```
/// use grafito::nn::LearningRateSchedule;
/// use grafito::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// /// Halves with each thousand steps.
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Halving {
///     initial: f32,
/// }
///
/// impl LearningRateSchedule for Halving {
///     fn kind(&self) -> &'static str {
///         "Halving"
///     }
///     fn initial(&self) -> f32 {
///         self.initial
///     }
///     fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
///         initial * Tensor::scalar(0.5f32).pow(step.cast(DType::F32) / 1000.0)
///     }
/// }
///
/// let rate = Halving { initial: 0.1 }.rate(&Tensor::scalar(0.1f32), &Tensor::scalar(2000i64));
/// assert_eq!(rate.item::<f32>(), 0.025);
/// ```
///
/// # Source
/// `keras.optimizers.schedules.LearningRateSchedule`.
pub trait LearningRateSchedule: fmt::Debug + Send + Sync + 'static {
    /// The name of the kind of schedule, as in files.
    fn kind(&self) -> &'static str;

    /// The rate it starts from.
    fn initial(&self) -> f32;

    /// The rate of a step. `initial` is an f32 scalar: [`initial`](LearningRateSchedule::initial), unless it was
    /// changed since; `step` an i64 scalar, 0 for the first.
    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor;

    /// The settings, as they are kept in files.
    fn config(&self) -> Json {
        Json::Null
    }
}

impl LearningRateSchedule for f32 {
    fn kind(&self) -> &'static str {
        "Constant"
    }

    fn initial(&self) -> f32 {
        *self
    }

    fn rate(&self, initial: &Tensor, _: &Tensor) -> Tensor {
        initial.clone()
    }

    fn config(&self) -> Json {
        Json::from(*self)
    }
}

/// What an optimizer that is made of its settings has until it is given its schedule.
pub(super) fn none_yet() -> Arc<dyn LearningRateSchedule> {
    Arc::new(0.0)
}

/// A schedule that is chosen while the program runs.
impl LearningRateSchedule for Box<dyn LearningRateSchedule> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn initial(&self) -> f32 {
        (**self).initial()
    }

    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
        (**self).rate(initial, step)
    }

    fn config(&self) -> Json {
        (**self).config()
    }
}
