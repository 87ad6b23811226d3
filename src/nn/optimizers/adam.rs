//! Adam: averages of gradients, divided by the root of averages of their squares.

use std::sync::Arc;

use grafito::{DType, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::{LearningRateSchedule, none_yet};

/// Follows a moving average of gradients, divided by the root of one of their squares: `m += (1 - β₁) · (g - m)`,
/// `v += (1 - β₂) · (g² - v)`, `p -= learning_rate · √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + epsilon)` in step `t`, from 1 on.
///
/// ```
/// use grafito::nn::{Adam, Optimizer};
/// use grafito::prelude::*;
///
/// let adam = Adam::new(0.1);
/// let mut w = Tensor::from([1.0f32, 1.0]);
/// let mut state = adam.start(&w);
/// // However large a gradient, the first step is the learning rate.
/// adam.step(&mut w, &Tensor::from([100.0f32, -1.0]), &mut state);
/// assert!(w.to_vec::<f32>().iter().zip([0.9, 1.1]).all(|(w, expected)| (w - expected).abs() < 1e-5));
/// assert_eq!(state.slots.names(), ["momentum", "velocity"]);
/// ```
///
/// # Source
/// Kingma, Ba, "Adam: a method for stochastic optimization", 2015; `keras.optimizers.Adam`, which has the epsilon in the
/// same place, that of the paper's remark on efficiency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adam {
    #[serde(skip, default = "none_yet")]
    learning_rate: Arc<dyn LearningRateSchedule>,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    amsgrad: bool,
}

impl Adam {
    /// With a β₁ of 0.9, a β₂ of 0.999 and an epsilon of 1e-7.
    pub fn new(learning_rate: impl LearningRateSchedule) -> Adam {
        let learning_rate = Arc::new(learning_rate);
        Adam { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }

    /// How much of the averages of gradients and of squares goes on, from 0 up to 1.
    ///
    /// ```
    /// use grafito::nn::{Adam, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = Adam::new(0.5).betas(0.0, 0.0).epsilon(0.0);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// // Without averages it follows the sign.
    /// optimizer.step(&mut w, &Tensor::scalar(30.0f32), &mut state);
    /// assert!((w.item::<f32>() - 0.5).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn betas(self, beta_1: f64, beta_2: f64) -> Adam {
        Adam { beta_1, beta_2, ..self }
    }

    /// What is added to the root.
    ///
    /// ```
    /// use grafito::nn::{Adam, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = Adam::new(0.5).betas(0.0, 0.0).epsilon(1.0);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert!((w.item::<f32>() - 0.75).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Adam {
        Adam { epsilon, ..self }
    }

    /// Divides by the root of the largest average of squares that there has been.
    ///
    /// ```
    /// use grafito::nn::{Adam, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = Adam::new(0.5).amsgrad();
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(state.slots.len(), 3);
    /// ```
    ///
    /// # Source
    /// Reddi, Kale, Kumar, "On the convergence of Adam and beyond", 2018.
    #[must_use]
    pub fn amsgrad(self) -> Adam {
        Adam { amsgrad: true, ..self }
    }

    /// The same with another learning rate.
    pub(in super::super) fn at(self, learning_rate: Arc<dyn LearningRateSchedule>) -> Adam {
        Adam { learning_rate, ..self }
    }
}

impl Optimizer for Adam {
    fn kind(&self) -> &'static str {
        "Adam"
    }

    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        &*self.learning_rate
    }

    fn slots(&self) -> Vec<(&'static str, f64)> {
        let mut slots = vec![("momentum", 0.0), ("velocity", 0.0)];
        slots.extend(self.amsgrad.then_some(("largest_velocity", 0.0)));
        slots
    }

    fn update(&self, update: Update<'_>) -> Tensor {
        let Update { parameter, gradient, slots, learning_rate, step } = update;
        // In f64: as an f32, 1 - 0.999 is off by 2e-5 of itself.
        let t = step.cast(DType::F64) + 1.0;
        let rest = |beta: f64| -> Tensor { 1.0 - Tensor::scalar(beta).pow(&t) };
        let correction = (rest(self.beta_2).sqrt() / rest(self.beta_1)).cast(parameter.dtype());
        slots[0] = &slots[0] + (gradient - &slots[0]) * (1.0 - self.beta_1);
        slots[1] = &slots[1] + (gradient * gradient - &slots[1]) * (1.0 - self.beta_2);
        if self.amsgrad {
            slots[2] = slots[2].maximum(&slots[1]);
        }
        let square = slots.last().expect("there are two at least");
        parameter - &slots[0] * (learning_rate * correction) / (square.sqrt() + self.epsilon)
    }

    fn config(&self) -> Json {
        config(self)
    }
}
