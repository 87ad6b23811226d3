//! Stochastic gradient descent.

use std::sync::Arc;

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::{LearningRateSchedule, none_yet};
use super::weight_decay::decayed;

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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sgd {
    #[serde(skip, default = "none_yet")]
    learning_rate: Arc<dyn LearningRateSchedule>,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Sgd {
    /// Without momentum and weight decay.
    pub fn new(learning_rate: impl LearningRateSchedule) -> Sgd {
        Sgd { learning_rate: Arc::new(learning_rate), momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// How much of the previous movement goes on, from 0 up to 1.
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Sgd {
        Sgd { momentum, ..self }
    }

    /// Moves by where momentum will lead: `p += momentum · v - learning_rate · g`, with the new `v`. Without momentum it
    /// changes nothing.
    ///
    /// ```
    /// use grafito::nn::{Optimizer, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let sgd = Sgd::new(0.5).momentum(0.5).nesterov();
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = sgd.start(&w);
    /// sgd.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(w.item::<f32>(), 1.0 - 0.5 * 0.5 - 0.5);
    /// ```
    ///
    /// # Source
    /// Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning", 2013.
    #[must_use]
    pub fn nesterov(self) -> Sgd {
        Sgd { nesterov: true, ..self }
    }

    /// Before it follows its gradient, takes this share of a parameter from it, times the learning rate:
    /// `p -= learning_rate · decay · p`. Momentum does not see it.
    ///
    /// ```
    /// use grafito::nn::{Sgd, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = Sgd::new(0.5).weight_decay(0.25);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(0.0f32), &mut state);
    /// assert_eq!(w.item::<f32>(), 1.0 - 0.5 * 0.25);
    /// ```
    #[must_use]
    pub fn weight_decay(self, decay: f64) -> Sgd {
        Sgd { weight_decay: decay, ..self }
    }

    /// The same with another learning rate.
    pub(in super::super) fn at(self, learning_rate: Arc<dyn LearningRateSchedule>) -> Sgd {
        Sgd { learning_rate, ..self }
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
        let parameter = decayed(parameter, learning_rate, self.weight_decay);
        let Some(velocity) = slots.first_mut() else { return parameter - gradient * learning_rate };
        *velocity = &*velocity * self.momentum - gradient * learning_rate;
        match self.nesterov {
            true => parameter + (&*velocity * self.momentum - gradient * learning_rate),
            false => parameter + &*velocity,
        }
    }

    fn config(&self) -> Json {
        config(self)
    }
}
