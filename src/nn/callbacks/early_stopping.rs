//! The end of a training that makes no progress.

use grafito::Tensor;

use super::super::callback::{Callback, CallbackResult, Run};
use super::super::history::Logs;
use super::super::network::Weights;
use super::super::variables::Variables;
use super::monitor::Monitor;

/// Ends training when a figure has not got better for some epochs.
///
/// How long it has waited for what, and the weights to restore, are part of checkpoints: a training that is resumed ends
/// where an unbroken one does. Each other run starts afresh, also with a callback that was in one before.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, EarlyStopping, Fit, MeanSquaredError, Sequential, Sgd};
/// use grafito::prelude::*;
///
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// // With a rate of 0 nothing gets better.
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.0), MeanSquaredError, ());
/// let fit = Fit { epochs: 10, progress: false, ..Fit::default() };
/// let history = model.fit(&data, fit.with(EarlyStopping::new("loss").patience(2)))?;
/// assert_eq!(history.epochs().len(), 3);
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
///
/// # Source
/// `keras.callbacks.EarlyStopping`.
#[derive(Debug, Clone)]
pub struct EarlyStopping {
    figure: String,
    monitor: Monitor,
    patience: usize,
    waited: usize,
    restores_best: bool,
    best: Option<Weights>,
}

impl EarlyStopping {
    /// Watches a figure. More of it is better if one of the words of its name is `acc`, `accuracy`, `auc`, `precision` or
    /// `recall`, as in `val_top_5_accuracy`; else less is. Other names need [`maximize`](EarlyStopping::maximize).
    pub fn new(figure: &str) -> EarlyStopping {
        EarlyStopping {
            figure: figure.to_owned(),
            monitor: Monitor::new(figure),
            patience: 0,
            waited: 0,
            restores_best: false,
            best: None,
        }
    }

    /// How many epochs in a row may be no better; 0 unless given.
    #[must_use]
    pub fn patience(self, patience: usize) -> EarlyStopping {
        EarlyStopping { patience, ..self }
    }

    /// By how much the figure must change to be better; 0 unless given.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, EarlyStopping, Fit, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let fit = Fit { epochs: 9, progress: false, ..Fit::default() };
    /// let history = model.fit(&data, fit.with(EarlyStopping::new("loss").least_change(1e9)))?;
    /// // Less than a billion is no progress.
    /// assert_eq!(history.epochs().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn least_change(self, change: f64) -> EarlyStopping {
        EarlyStopping { monitor: self.monitor.least_change(change), ..self }
    }

    /// More of the figure is better.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, EarlyStopping, Fit, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let fit = Fit { epochs: 9, progress: false, ..Fit::default() };
    /// let history = model.fit(&data, fit.with(EarlyStopping::new("loss").maximize()))?;
    /// // A loss that falls is no progress.
    /// assert_eq!(history.epochs().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn maximize(self) -> EarlyStopping {
        EarlyStopping { monitor: self.monitor.growing(true), ..self }
    }

    /// Less of the figure is better.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, EarlyStopping, Fit, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let fit = Fit { epochs: 4, progress: false, ..Fit::default() };
    /// let history = model.fit(&data, fit.with(EarlyStopping::new("loss").minimize()))?;
    /// assert!(history.stopped().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn minimize(self) -> EarlyStopping {
        EarlyStopping { monitor: self.monitor.growing(false), ..self }
    }

    /// When training ends, the model is given the weights of the best epoch. In the checkpoint of a training without this
    /// they are not: one that goes on from it with this restores those of a later epoch, if one is better.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, EarlyStopping, Fit, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(1.5), MeanSquaredError, ());
    /// let fit = Fit { epochs: 6, progress: false, ..Fit::default() };
    /// // Each step of so high a rate makes it worse.
    /// let history = model.fit(&data, fit.with(EarlyStopping::new("loss").patience(3).restore_best()))?;
    /// // The second epoch started from the weights of the first.
    /// let (restored, second) = (model.evaluate(&data)?.get("loss").unwrap(), history.series("loss")[1]);
    /// assert!((restored - second).abs() < 1e-5 * second && second < history.last("loss").unwrap());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn restore_best(self) -> EarlyStopping {
        EarlyStopping { restores_best: true, ..self }
    }

    fn stop_if_due(&self, run: &mut Run<'_>) {
        if self.waited >= self.patience.max(1) {
            let best = self.monitor.best().unwrap_or(f64::NAN);
            let epochs = if self.waited == 1 { "epoch" } else { "epochs" };
            run.stop(format!("`{}` is no better than {best:.4} for {} {epochs}", self.figure, self.waited));
        }
    }

    /// Gives weights what was remembered of them.
    fn fill(&self, weights: &mut Variables, state: &Variables) -> Result<(), String> {
        let names: Vec<String> = weights.names().to_vec();
        for (name, weight) in names.iter().zip(weights.tensors_mut()) {
            match state.get(&self.monitor.key(&format!("weights/{name}"))) {
                Some(best) if best.fact() == weight.fact() => *weight = best.clone(),
                _ => return Err(format!("the weight `{name}` of the best epoch was not remembered")),
            }
        }
        Ok(())
    }
}

impl Callback for EarlyStopping {
    fn on_train_begin(&mut self, _: &mut Run<'_>) -> CallbackResult {
        self.monitor.forget();
        (self.waited, self.best) = (0, None);
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        if self.monitor.improves(logs)? {
            self.waited = 0;
            if self.restores_best {
                self.best = Some(run.model.network.weights.clone());
            }
            return Ok(());
        }
        self.waited += 1;
        self.stop_if_due(run);
        Ok(())
    }

    fn state(&self) -> Variables {
        let mut state = self.monitor.state();
        state.insert(self.monitor.key("waited"), Tensor::scalar(self.waited as i64));
        for (name, weight) in
            self.best.iter().flat_map(|best| best.trainable.iter().chain(best.statistics.iter()))
        {
            state.insert(self.monitor.key(&format!("weights/{name}")), weight.clone());
        }
        state
    }

    fn restore(&mut self, run: &mut Run<'_>, state: &Variables) -> CallbackResult {
        let Some(waited) = state.get(&self.monitor.key("waited")) else { return Ok(()) };
        self.monitor.restore(state)?;
        self.waited = usize::try_from(waited.try_item::<i64>()?)?;
        let weights = self.monitor.key("weights/");
        let has_weights = state.names().iter().any(|name| name.starts_with(&weights));
        if self.restores_best && self.monitor.best().is_some() && !has_weights {
            // To go on is worth more than weights that nobody has any more.
            eprintln!(
                "warning: the checkpoint is of a training without `restore_best`, and has no weights of the best epoch so \
                 far; they are restored if a later one is better"
            );
        } else if self.restores_best && self.monitor.best().is_some() {
            let mut best = run.model.network.weights.clone();
            self.fill(&mut best.trainable, state)?;
            self.fill(&mut best.statistics, state)?;
            self.best = Some(best);
        }
        self.stop_if_due(run);
        Ok(())
    }

    fn on_train_end(&mut self, run: &mut Run<'_>) -> CallbackResult {
        if let Some(best) = self.best.take() {
            run.model.network.weights = best;
        }
        Ok(())
    }
}
