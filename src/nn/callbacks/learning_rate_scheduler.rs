//! Learning rates that a function chooses for each epoch.

use std::fmt;

use super::super::callback::{Callback, CallbackResult, Run};
use super::super::history::Logs;

/// Sets the learning rate before each epoch: a function of the epoch's number, counted from 1, and of the rate so far.
/// Nothing is traced anew. The rate is added to the figures as `learning_rate`.
///
/// Where the optimizer has a schedule, this sets the rate that the schedule starts from.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Fit, LearningRateScheduler, MeanSquaredError, Sequential, Sgd};
/// use grafito::prelude::*;
///
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.5), MeanSquaredError, ());
/// let halving = LearningRateScheduler::new(|epoch, rate| if epoch > 1 { rate / 2.0 } else { rate });
/// let fit = Fit { epochs: 3, progress: false, ..Fit::default() };
/// assert_eq!(model.fit(&data, fit.with(halving))?.series("learning_rate"), [0.5, 0.25, 0.125]);
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
///
/// # Source
/// `keras.callbacks.LearningRateScheduler`.
pub struct LearningRateScheduler<F> {
    schedule: F,
}

impl<F: FnMut(usize, f32) -> f32> LearningRateScheduler<F> {
    /// From a function of epoch and rate.
    pub fn new(schedule: F) -> LearningRateScheduler<F> {
        LearningRateScheduler { schedule }
    }
}

impl<F> fmt::Debug for LearningRateScheduler<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LearningRateScheduler")
    }
}

impl<F: FnMut(usize, f32) -> f32> Callback for LearningRateScheduler<F> {
    fn name(&self) -> String {
        "LearningRateScheduler".to_owned()
    }

    fn on_epoch_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        // An epoch that is gone on with has its rate.
        if run.model.batches() > 0 {
            return Ok(());
        }
        let rate = (self.schedule)(run.epoch(), run.model.learning_rate());
        if !rate.is_finite() {
            return Err(format!("the rate for epoch {} is {rate}", run.epoch()).into());
        }
        run.model.set_learning_rate(rate);
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        logs.insert("learning_rate", f64::from(run.model.learning_rate()));
        Ok(())
    }
}
