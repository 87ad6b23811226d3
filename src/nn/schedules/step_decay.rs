//! Learning rates that fall in stairs.

use std::num::NonZeroU32;

use grafito::{DType, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::schedule::LearningRateSchedule;

/// `initial · factor^⌊step / every⌋`
///
/// ```
/// use grafito::nn::{LearningRateSchedule, StepDecay};
/// use grafito::prelude::*;
///
/// let schedule = StepDecay::new(0.5, 1000, 0.25);
/// let rate = |step: i64| schedule.rate(&Tensor::scalar(0.5f32), &Tensor::scalar(step)).item::<f32>();
/// assert_eq!([rate(0), rate(999), rate(1000)], [0.5, 0.5, 0.125]);
/// ```
///
/// # Source
/// `keras.optimizers.schedules.ExponentialDecay(staircase=True)`, `torch.optim.lr_scheduler.StepLR`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepDecay {
    initial: f32,
    every: NonZeroU32,
    factor: f64,
}

impl StepDecay {
    /// Multiplied by `factor` after each `every` steps.
    ///
    /// # Panics
    /// When `every` is 0.
    #[track_caller]
    pub fn new(initial: f32, every: u32, factor: f64) -> StepDecay {
        let Some(every) = NonZeroU32::new(every) else {
            panic!("the rate falls after each 0 steps, expected at least 1")
        };
        StepDecay { initial, every, factor }
    }
}

impl LearningRateSchedule for StepDecay {
    fn kind(&self) -> &'static str {
        "StepDecay"
    }

    fn initial(&self) -> f32 {
        self.initial
    }

    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
        let falls = (step / i64::from(self.every.get())).cast(DType::F64);
        initial * Tensor::scalar(self.factor).pow(falls).cast(DType::F32)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
