//! RMSprop: gradients divided by how large they have been lately.

use std::sync::Arc;

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::{LearningRateSchedule, none_yet};

/// Divides gradients by the root of a moving average of their squares: `v = rho · v + (1 - rho) · g²`,
/// `p -= learning_rate · g / √(v + epsilon)`.
///
/// ```
/// use grafito::nn::{Optimizer, RmsProp};
/// use grafito::prelude::*;
///
/// let rms_prop = RmsProp::new(0.1).rho(0.75);
/// let mut w = Tensor::from([1.0f32, 1.0]);
/// let mut state = rms_prop.start(&w);
/// // However large a gradient, the first step is learning_rate / √(1 - rho).
/// rms_prop.step(&mut w, &Tensor::from([100.0f32, -1.0]), &mut state);
/// assert!(w.to_vec::<f32>().iter().zip([0.8, 1.2]).all(|(w, expected)| (w - expected).abs() < 1e-5));
/// assert_eq!(state.slots.names(), ["velocity"]);
/// ```
///
/// # Source
/// Hinton, Tieleman, "Lecture 6.5: RMSprop", 2012; `keras.optimizers.RMSprop`, which has the epsilon under the root, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RmsProp {
    #[serde(skip, default = "none_yet")]
    learning_rate: Arc<dyn LearningRateSchedule>,
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl RmsProp {
    /// With a rho of 0.9, an epsilon of 1e-7, and no momentum.
    pub fn new(learning_rate: impl LearningRateSchedule) -> RmsProp {
        let learning_rate = Arc::new(learning_rate);
        RmsProp { learning_rate, rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false }
    }

    /// How much of the average goes on, from 0 up to 1.
    #[must_use]
    pub fn rho(self, rho: f64) -> RmsProp {
        RmsProp { rho, ..self }
    }

    /// How much of the previous movement goes on, from 0 up to 1.
    ///
    /// ```
    /// use grafito::nn::{RmsProp, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = RmsProp::new(0.5).momentum(0.9);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(state.slots.names(), ["velocity", "momentum"]);
    /// ```
    #[must_use]
    pub fn momentum(self, momentum: f64) -> RmsProp {
        RmsProp { momentum, ..self }
    }

    /// What is added to the average.
    ///
    /// ```
    /// use grafito::nn::{RmsProp, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = RmsProp::new(0.5).rho(0.0).epsilon(3.0);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(w.item::<f32>(), 1.0 - 0.5 / 2.0);
    /// ```
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> RmsProp {
        RmsProp { epsilon, ..self }
    }

    /// Divides by the root of the variance instead: the square of the average gradient is taken off the average square.
    ///
    /// ```
    /// use grafito::nn::{RmsProp, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = RmsProp::new(0.5).centered();
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(state.slots.names(), ["velocity", "average"]);
    /// ```
    #[must_use]
    pub fn centered(self) -> RmsProp {
        RmsProp { centered: true, ..self }
    }

    /// The same with another learning rate.
    pub(in super::super) fn at(self, learning_rate: Arc<dyn LearningRateSchedule>) -> RmsProp {
        RmsProp { learning_rate, ..self }
    }
}

/// `rho · average + (1 - rho) · value`
fn moved(average: &Tensor, value: &Tensor, rho: f64) -> Tensor {
    average * rho + value * (1.0 - rho)
}

impl Optimizer for RmsProp {
    fn kind(&self) -> &'static str {
        "RmsProp"
    }

    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        &*self.learning_rate
    }

    fn slots(&self) -> Vec<(&'static str, f64)> {
        let mut slots = vec![("velocity", 0.0)];
        slots.extend(self.centered.then_some(("average", 0.0)));
        slots.extend((self.momentum != 0.0).then_some(("momentum", 0.0)));
        slots
    }

    fn update(&self, update: Update<'_>) -> Tensor {
        let Update { parameter, gradient, slots, learning_rate, .. } = update;
        let mut slots = slots.iter_mut();
        let mut next = || slots.next().expect("there is one for each name");
        let velocity = next();
        *velocity = moved(velocity, &(gradient * gradient), self.rho);
        let mut square = velocity.clone();
        if self.centered {
            let average = next();
            *average = moved(average, gradient, self.rho);
            square -= &*average * &*average;
        }
        let movement = gradient * learning_rate / (square + self.epsilon).sqrt();
        if self.momentum == 0.0 {
            return parameter - movement;
        }
        let momentum = next();
        *momentum = &*momentum * self.momentum + movement;
        parameter - &*momentum
    }

    fn config(&self) -> Json {
        config(self)
    }
}
