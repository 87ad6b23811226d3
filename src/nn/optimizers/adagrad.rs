//! Adagrad: gradients divided by how large they have been altogether.

use std::sync::Arc;

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::{LearningRateSchedule, none_yet};

/// Divides gradients by the root of the sum of their squares: `s += g²`, `p -= learning_rate · g / √(s + epsilon)`. What
/// rarely has a gradient, such as a row of an embedding, moves further when it has one.
///
/// ```
/// use grafito::nn::{Adagrad, Optimizer};
/// use grafito::prelude::*;
///
/// let adagrad = Adagrad::new(0.5).initial_accumulator(0.0);
/// let mut w = Tensor::scalar(1.0f32);
/// let mut state = adagrad.start(&w);
/// for _ in 0..2 {
///     adagrad.step(&mut w, &Tensor::scalar(3.0f32), &mut state);
/// }
/// assert!((w.item::<f32>() - (1.0 - 0.5 - 0.5 / 2f32.sqrt())).abs() < 1e-5);
/// ```
///
/// # Source
/// Duchi, Hazan, Singer, "Adaptive subgradient methods", 2011; `keras.optimizers.Adagrad`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adagrad {
    #[serde(skip, default = "none_yet")]
    learning_rate: Arc<dyn LearningRateSchedule>,
    initial_accumulator: f64,
    epsilon: f64,
}

impl Adagrad {
    /// With sums that start as 0.1, and an epsilon of 1e-7.
    pub fn new(learning_rate: impl LearningRateSchedule) -> Adagrad {
        Adagrad { learning_rate: Arc::new(learning_rate), initial_accumulator: 0.1, epsilon: 1e-7 }
    }

    /// What the sums start as.
    #[must_use]
    pub fn initial_accumulator(self, initial_accumulator: f64) -> Adagrad {
        Adagrad { initial_accumulator, ..self }
    }

    /// What is added to the sums.
    ///
    /// ```
    /// use grafito::nn::{Adagrad, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = Adagrad::new(0.5).initial_accumulator(0.0).epsilon(3.0);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(w.item::<f32>(), 1.0 - 0.5 / 2.0);
    /// ```
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Adagrad {
        Adagrad { epsilon, ..self }
    }

    /// The same with another learning rate.
    pub(in super::super) fn at(self, learning_rate: Arc<dyn LearningRateSchedule>) -> Adagrad {
        Adagrad { learning_rate, ..self }
    }
}

impl Optimizer for Adagrad {
    fn kind(&self) -> &'static str {
        "Adagrad"
    }

    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        &*self.learning_rate
    }

    fn slots(&self) -> Vec<(&'static str, f64)> {
        vec![("accumulator", self.initial_accumulator)]
    }

    fn update(&self, update: Update<'_>) -> Tensor {
        let Update { parameter, gradient, slots, learning_rate, .. } = update;
        slots[0] = &slots[0] + gradient * gradient;
        parameter - gradient * learning_rate / (&slots[0] + self.epsilon).sqrt()
    }

    fn config(&self) -> Json {
        config(self)
    }
}
