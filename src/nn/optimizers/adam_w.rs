//! Adam with weight decay.

use std::sync::Arc;

use grafito::Tensor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::config;
use super::super::optimizer::{Optimizer, Update};
use super::super::schedule::LearningRateSchedule;
use super::adam::Adam;
use super::weight_decay::decayed;

/// [`Adam`], after each parameter has lost a share of itself: `p -= learning_rate · decay · p`. As a penalty in the loss,
/// the decay would be divided by the size of gradients, and large weights would hardly feel it.
///
/// ```
/// use grafito::nn::{AdamW, Optimizer};
/// use grafito::prelude::*;
///
/// let adam_w = AdamW::new(0.5).weight_decay(0.25);
/// let mut w = Tensor::scalar(2.0f32);
/// let mut state = adam_w.start(&w);
/// adam_w.step(&mut w, &Tensor::scalar(0.0f32), &mut state);
/// assert_eq!(w.item::<f32>(), 2.0 - 0.5 * 0.25 * 2.0);
/// ```
///
/// # Source
/// Loshchilov, Hutter, "Decoupled weight decay regularization", 2019; `keras.optimizers.AdamW`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdamW {
    #[serde(flatten)]
    adam: Adam,
    weight_decay: f64,
}

impl AdamW {
    /// With the settings of [`Adam::new`], and a decay of 0.004.
    pub fn new(learning_rate: impl LearningRateSchedule) -> AdamW {
        AdamW { adam: Adam::new(learning_rate), weight_decay: 0.004 }
    }

    /// The share that a parameter loses in a step, before it is multiplied by the learning rate.
    #[must_use]
    pub fn weight_decay(self, decay: f64) -> AdamW {
        AdamW { weight_decay: decay, ..self }
    }

    /// As [`Adam::betas`].
    ///
    /// ```
    /// use grafito::nn::{AdamW, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = AdamW::new(0.5).weight_decay(0.0).betas(0.0, 0.0);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(30.0f32), &mut state);
    /// assert!((w.item::<f32>() - 0.5).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn betas(self, beta_1: f64, beta_2: f64) -> AdamW {
        AdamW { adam: self.adam.betas(beta_1, beta_2), ..self }
    }

    /// As [`Adam::epsilon`].
    ///
    /// ```
    /// use grafito::nn::{AdamW, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = AdamW::new(0.5).weight_decay(0.0).betas(0.0, 0.0).epsilon(1.0);
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert!((w.item::<f32>() - 0.75).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> AdamW {
        AdamW { adam: self.adam.epsilon(epsilon), ..self }
    }

    /// As [`Adam::amsgrad`].
    ///
    /// ```
    /// use grafito::nn::{AdamW, Optimizer};
    /// use grafito::prelude::*;
    ///
    /// let optimizer = AdamW::new(0.5).amsgrad();
    /// let mut w = Tensor::scalar(1.0f32);
    /// let mut state = optimizer.start(&w);
    /// optimizer.step(&mut w, &Tensor::scalar(1.0f32), &mut state);
    /// assert_eq!(state.slots.len(), 3);
    /// ```
    #[must_use]
    pub fn amsgrad(self) -> AdamW {
        AdamW { adam: self.adam.amsgrad(), ..self }
    }

    /// The same with another learning rate.
    pub(in super::super) fn at(self, learning_rate: Arc<dyn LearningRateSchedule>) -> AdamW {
        AdamW { adam: self.adam.at(learning_rate), ..self }
    }
}

impl Optimizer for AdamW {
    fn kind(&self) -> &'static str {
        "AdamW"
    }

    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        self.adam.learning_rate()
    }

    fn slots(&self) -> Vec<(&'static str, f64)> {
        self.adam.slots()
    }

    fn update(&self, update: Update<'_>) -> Tensor {
        let parameter = decayed(update.parameter, update.learning_rate, self.weight_decay);
        self.adam.update(Update { parameter: &parameter, ..update })
    }

    fn config(&self) -> Json {
        config(self)
    }
}
