//! Learning rates that fall by one factor, smoothly.

use std::num::NonZeroU32;

use grafito::{DType, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::schedule::LearningRateSchedule;

/// `initial · factor^(step / every)`
///
/// ```
/// use grafito::nn::{ExponentialDecay, LearningRateSchedule};
/// use grafito::prelude::*;
///
/// let schedule = ExponentialDecay::new(0.5, 1000, 0.25);
/// let rate = |step: i64| schedule.rate(&Tensor::scalar(0.5f32), &Tensor::scalar(step)).item::<f32>();
/// assert_eq!([rate(0), rate(500), rate(1000)], [0.5, 0.25, 0.125]);
/// ```
///
/// # Source
/// `keras.optimizers.schedules.ExponentialDecay`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExponentialDecay {
    initial: f32,
    every: NonZeroU32,
    factor: f64,
}

impl ExponentialDecay {
    /// Multiplied by `factor` in each `every` steps.
    ///
    /// # Panics
    /// When `every` is 0.
    #[track_caller]
    pub fn new(initial: f32, every: u32, factor: f64) -> ExponentialDecay {
        let Some(every) = NonZeroU32::new(every) else {
            panic!("the rate falls in each 0 steps, expected at least 1")
        };
        ExponentialDecay { initial, every, factor }
    }
}

impl LearningRateSchedule for ExponentialDecay {
    fn kind(&self) -> &'static str {
        "ExponentialDecay"
    }

    fn initial(&self) -> f32 {
        self.initial
    }

    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
        let exponent = step.cast(DType::F64) / f64::from(self.every.get());
        initial * Tensor::scalar(self.factor).pow(exponent).cast(DType::F32)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
