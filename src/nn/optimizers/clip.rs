//! Optimizers that follow no gradient too far.

use grafito::{DType, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::LearningRateSchedule;

/// An optimizer whose gradients are made smaller where they are too large, before it sees them.
///
/// ```
/// use grafito::nn::{Clip, Optimizer, Sgd};
/// use grafito::prelude::*;
///
/// let clipped = Clip::by_global_norm(1.0, Sgd::new(1.0));
/// let mut w = (Tensor::scalar(0.0f32), Tensor::scalar(0.0f32));
/// let mut state = clipped.start(&w);
/// clipped.step(&mut w, &(Tensor::scalar(3.0f32), Tensor::scalar(4.0f32)), &mut state);
/// assert!((w.0.item::<f32>() + 0.6).abs() < 1e-6 && (w.1.item::<f32>() + 0.8).abs() < 1e-6);
/// ```
///
/// # Source
/// The arguments `clipnorm`, `global_clipnorm` and `clipvalue` of `keras.optimizers.Optimizer`.
#[derive(Debug, Clone)]
pub struct Clip<O> {
    by: By,
    limit: f64,
    optimizer: O,
}

/// What must not exceed the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum By {
    Norm,
    GlobalNorm,
    Value,
}

impl<O: Optimizer> Clip<O> {
    /// Scales each gradient whose norm, the root of the sum of squares, exceeds the limit down to that norm.
    ///
    /// ```
    /// use grafito::nn::{Clip, Optimizer, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let clipped = Clip::by_norm(1.0, Sgd::new(1.0));
    /// let mut w = Tensor::from([0.0f32, 0.0]);
    /// let mut state = clipped.start(&w);
    /// clipped.step(&mut w, &Tensor::from([-3.0f32, 0.0]), &mut state);
    /// assert_eq!(w.to_vec::<f32>(), [1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When the limit is not positive.
    #[track_caller]
    pub fn by_norm(limit: f64, optimizer: O) -> Clip<O> {
        Clip::new(By::Norm, limit, optimizer)
    }

    /// Scales all gradients by one factor where the norm of all together exceeds the limit: the direction stays.
    ///
    /// # Panics
    /// When the limit is not positive.
    ///
    /// # Source
    /// Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013.
    #[track_caller]
    pub fn by_global_norm(limit: f64, optimizer: O) -> Clip<O> {
        Clip::new(By::GlobalNorm, limit, optimizer)
    }

    /// Bounds each element to `[-limit, limit]`.
    ///
    /// ```
    /// use grafito::nn::{Clip, Optimizer, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let clipped = Clip::by_value(1.0, Sgd::new(1.0));
    /// let mut w = Tensor::from([0.0f32, 0.0]);
    /// let mut state = clipped.start(&w);
    /// clipped.step(&mut w, &Tensor::from([-3.0f32, 0.0]), &mut state);
    /// assert_eq!(w.to_vec::<f32>(), [1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// When the limit is not positive.
    #[track_caller]
    pub fn by_value(limit: f64, optimizer: O) -> Clip<O> {
        Clip::new(By::Value, limit, optimizer)
    }

    #[track_caller]
    fn new(by: By, limit: f64, optimizer: O) -> Clip<O> {
        match Clip::checked(by, limit, optimizer) {
            Ok(clip) => clip,
            Err(message) => panic!("{message}"),
        }
    }

    /// From settings that may make no sense.
    pub(in super::super) fn checked(by: By, limit: f64, optimizer: O) -> Result<Clip<O>, String> {
        if limit > 0.0 && limit.is_finite() {
            return Ok(Clip { by, limit, optimizer });
        }
        Err(format!("gradients are clipped to {limit}, expected a positive number"))
    }

    /// What a gradient is multiplied by when its norm is the root of this.
    fn factor(&self, square: &Tensor) -> Tensor {
        self.limit / square.sqrt().maximum(self.limit)
    }
}

/// The sum of squares. In f64, where the squares of no f32 overflow.
fn square(gradient: &Tensor) -> Tensor {
    let gradient = gradient.cast(DType::F64);
    (&gradient * &gradient).sum(..)
}

impl<O: Optimizer> Optimizer for Clip<O> {
    fn kind(&self) -> &'static str {
        "Clip"
    }

    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        self.optimizer.learning_rate()
    }

    fn slots(&self) -> Vec<(&'static str, f64)> {
        self.optimizer.slots()
    }

    fn prepare(&self, gradients: Vec<Tensor>) -> Vec<Tensor> {
        let scaled = |gradient: &Tensor, factor: &Tensor| gradient * factor.cast(gradient.dtype());
        let clipped = match self.by {
            By::Norm => gradients.iter().map(|g| scaled(g, &self.factor(&square(g)))).collect(),
            By::GlobalNorm => {
                let squares = gradients.iter().map(square).reduce(|total, square| total + square);
                let factor = squares.map(|square| self.factor(&square));
                gradients.iter().zip(factor.iter().cycle()).map(|(g, factor)| scaled(g, factor)).collect()
            }
            By::Value => gradients.iter().map(|g| g.clamp(-self.limit, self.limit)).collect(),
        };
        self.optimizer.prepare(clipped)
    }

    fn update(&self, update: Update<'_>) -> Tensor {
        self.optimizer.update(update)
    }

    fn config(&self) -> Json {
        let optimizer = json!({ "kind": self.optimizer.kind(), "config": self.optimizer.config() });
        json!({ "by": self.by, "limit": self.limit, "optimizer": optimizer })
    }
}
