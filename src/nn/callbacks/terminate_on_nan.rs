//! The end of a training that has failed.

use super::super::callback::{Batch, Callback, CallbackResult, Run};

/// Ends training as soon as the loss of a batch is NaN or infinite.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Fit, MeanSquaredError, Sequential, Sgd, TerminateOnNan};
/// use grafito::prelude::*;
///
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(1e30), MeanSquaredError, ());
/// let fit = Fit { epochs: 50, progress: false, ..Fit::default() };
/// assert!(model.fit(&data, fit.with(TerminateOnNan))?.stopped().unwrap().contains("the loss is"));
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
///
/// # Source
/// `keras.callbacks.TerminateOnNaN`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TerminateOnNan;

impl Callback for TerminateOnNan {
    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        if !batch.loss.is_finite() {
            run.stop(format!("the loss is {} in step {}", batch.loss, batch.number));
        }
        Ok(())
    }
}
