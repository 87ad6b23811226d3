//! Learning rates that rise before they follow another schedule.

use std::num::NonZeroU32;

use grafito::{DType, Tensor};
use serde_json::{Value as Json, json};

use super::super::schedule::LearningRateSchedule;

/// Rises in equal parts to the first rate of another schedule, which it then follows from its start. The first of the
/// steps has one part of that rate, the last has all of it.
///
/// ```
/// use grafito::nn::{CosineDecay, LearningRateSchedule, WarmUp};
/// use grafito::prelude::*;
///
/// let schedule = WarmUp::new(4, CosineDecay::new(0.5, 100));
/// let rate = |step: i64| schedule.rate(&Tensor::scalar(0.5f32), &Tensor::scalar(step)).item::<f32>();
/// assert_eq!([rate(0), rate(1), rate(3), rate(4), rate(54)], [0.125, 0.25, 0.5, 0.5, 0.25]);
/// ```
///
/// # Source
/// Goyal et al., "Accurate, large minibatch SGD", 2017. The arguments `warmup_steps` and `warmup_target` of
/// `keras.optimizers.schedules.CosineDecay` start with the rate before the first part, so that the first step may move
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp<S> {
    steps: NonZeroU32,
    then: S,
}

impl<S: LearningRateSchedule> WarmUp<S> {
    /// So many steps, and then the other schedule. A number is the schedule that stays there.
    ///
    /// # Panics
    /// When `steps` is 0.
    #[track_caller]
    pub fn new(steps: u32, then: S) -> WarmUp<S> {
        let Some(steps) = NonZeroU32::new(steps) else {
            panic!("the rate rises in 0 steps, expected at least 1")
        };
        WarmUp { steps, then }
    }
}

impl<S: LearningRateSchedule> LearningRateSchedule for WarmUp<S> {
    fn kind(&self) -> &'static str {
        "WarmUp"
    }

    fn initial(&self) -> f32 {
        self.then.initial()
    }

    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
        let steps = i64::from(self.steps.get());
        let part = (step + 1).minimum(steps).cast(DType::F64) / f64::from(self.steps.get());
        self.then.rate(initial, &(step - steps).maximum(0)) * part.cast(DType::F32)
    }

    fn config(&self) -> Json {
        json!({ "steps": self.steps, "then": { "kind": self.then.kind(), "config": self.then.config() } })
    }
}
