//! Learning rates that fall along half a wave.

use std::f64::consts::PI;
use std::num::NonZeroU32;

use grafito::{DType, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::schedule::LearningRateSchedule;

/// Falls from `initial` to `initial · floor` along half a cosine, slowly at both ends, and stays there:
/// `initial · (floor + (1 - floor) · (1 + cos(π · min(step / steps, 1))) / 2)`.
///
/// ```
/// use grafito::nn::{CosineDecay, LearningRateSchedule};
/// use grafito::prelude::*;
///
/// let schedule = CosineDecay::new(0.5, 1000);
/// let rate = |step: i64| schedule.rate(&Tensor::scalar(0.5f32), &Tensor::scalar(step)).item::<f32>();
/// assert_eq!([rate(0), rate(500), rate(1000), rate(2000)], [0.5, 0.25, 0.0, 0.0]);
/// ```
///
/// # Source
/// Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017;
/// `keras.optimizers.schedules.CosineDecay`, whose `alpha` is the floor. For its warm-up see
/// [`WarmUp`](super::super::WarmUp).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CosineDecay {
    initial: f32,
    steps: NonZeroU32,
    floor: f64,
}

impl CosineDecay {
    /// Falls to 0 in so many steps.
    ///
    /// # Panics
    /// When `steps` is 0.
    #[track_caller]
    pub fn new(initial: f32, steps: u32) -> CosineDecay {
        let Some(steps) = NonZeroU32::new(steps) else {
            panic!("the rate falls in 0 steps, expected at least 1")
        };
        CosineDecay { initial, steps, floor: 0.0 }
    }

    /// Which share of the initial rate stays in the end.
    ///
    /// ```
    /// use grafito::nn::{CosineDecay, LearningRateSchedule};
    /// use grafito::prelude::*;
    ///
    /// let schedule = CosineDecay::new(0.5, 1000).floor(0.25);
    /// assert_eq!(schedule.rate(&Tensor::scalar(0.5f32), &Tensor::scalar(1000i64)).item::<f32>(), 0.125);
    /// ```
    #[must_use]
    pub fn floor(self, floor: f64) -> CosineDecay {
        CosineDecay { floor, ..self }
    }
}

impl LearningRateSchedule for CosineDecay {
    fn kind(&self) -> &'static str {
        "CosineDecay"
    }

    fn initial(&self) -> f32 {
        self.initial
    }

    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
        let way = step.minimum(i64::from(self.steps.get())).cast(DType::F64) / f64::from(self.steps.get());
        let wave = ((way * PI).cos() + 1.0) * 0.5;
        initial * (wave * (1.0 - self.floor) + self.floor).cast(DType::F32)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
