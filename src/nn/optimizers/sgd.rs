//! Stochastic gradient descent.

use std::sync::Arc;

use grafito::Tensor;
use serde_json::{Value as Json, json};

use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::LearningRateSchedule;

/// Moves against the gradient: `p -= learning_rate · g`; with momentum `v = momentum · v - learning_rate · g`, `p += v`.
///
/// ```
/// use grafito::nn::{Optimizer, Sgd};
/// use grafito::prelude::*;
///
/// let sgd = Sgd::new(0.1).momentum(0.9);
/// let mut w = Tensor::scalar(1.0f32);
/// let mut state = sgd.start(&w);
/// for _ in 0..2 {
///     sgd.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
/// }
/// assert!((w.item::<f32>() - (1.0 - 0.1 - 0.19)).abs() < 1e-6);
/// ```
///
/// # Source
/// `keras.optimizers.SGD`.
#[derive(Debug, Clone)]
pub struct Sgd {
    learning_rate: Arc<dyn LearningRateSchedule>,
    momentum: f32,
}

impl Sgd {
    /// Without momentum.
    pub fn new(learning_rate: impl LearningRateSchedule) -> Sgd {
        Sgd { learning_rate: Arc::new(learning_rate), momentum: 0.0 }
    }

    /// How much of the previous movement goes on, from 0 up to 1.
    #[must_use]
    pub fn momentum(self, momentum: f32) -> Sgd {
        Sgd { momentum, ..self }
    }
}

impl Optimizer for Sgd {
    fn kind(&self) -> &'static str {
        "Sgd"
    }

    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        &*self.learning_rate
    }

    fn slots(&self) -> Vec<(&'static str, f64)> {
        if self.momentum == 0.0 { Vec::new() } else { vec![("momentum", 0.0)] }
    }

    fn update(&self, update: Update<'_>) -> Tensor {
        let Update { parameter, gradient, slots, learning_rate, .. } = update;
        let Some(velocity) = slots.first_mut() else { return parameter - gradient * learning_rate };
        *velocity = &*velocity * self.momentum - gradient * learning_rate;
        parameter + &*velocity
    }

    fn config(&self) -> Json {
        json!({ "momentum": self.momentum })
    }
}
