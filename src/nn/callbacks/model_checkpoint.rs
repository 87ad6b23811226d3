//! Checkpoints while training goes on.

use std::path::PathBuf;

use super::super::callback::{Callback, CallbackResult, Run};
use super::super::checkpoint::{CheckpointError, CheckpointProblem, check_replaceable};
use super::super::history::Logs;
use super::super::variables::Variables;
use super::monitor::Monitor;

/// Saves the model after each epoch, or after each epoch that is the best so far.
///
/// `{epoch}` in the path stands for the epoch's number. A path that cannot be written ends the training before it begins.
/// Each file is replaced as a whole, so a checkpoint that was once
/// there stays readable whenever the program ends.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Fit, MeanSquaredError, ModelCheckpoint, Sequential, Sgd};
/// use grafito::prelude::*;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("best.safetensors");
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
/// let fit = Fit { epochs: 3, progress: false, ..Fit::default() };
/// model.fit(&data, fit.with(ModelCheckpoint::best(&path, "loss")))?;
/// assert!(Sequential::load(&path).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.callbacks.ModelCheckpoint`.
#[derive(Debug, Clone)]
pub struct ModelCheckpoint {
    path: PathBuf,
    monitor: Option<Monitor>,
    /// Whether the model is to be saved where training can next be resumed from.
    is_due: bool,
}

impl ModelCheckpoint {
    /// After each epoch, and when training ends, also where it is interrupted within an epoch: the file to resume from.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, Fit, MeanSquaredError, Model, ModelCheckpoint, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let fit = Fit { epochs: 2, progress: false, ..Fit::default() };
    /// model.fit(&data, fit.with(ModelCheckpoint::last(&path)))?;
    /// assert_eq!(Model::load(&path)?.epochs(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn last(path: impl Into<PathBuf>) -> ModelCheckpoint {
        ModelCheckpoint { path: path.into(), monitor: None, is_due: true }
    }

    /// After each epoch in which a figure is better than ever: than in all epochs of the checkpoint that training is resumed
    /// from, and of all runs that this callback was in, so that no later run puts something worse in place of the best.
    /// Whether more or less of the figure is better is told by its name, as in [`EarlyStopping::new`](super::super::EarlyStopping::new).
    pub fn best(path: impl Into<PathBuf>, figure: &str) -> ModelCheckpoint {
        ModelCheckpoint { path: path.into(), monitor: Some(Monitor::new(figure)), is_due: false }
    }

    /// More of the figure is better.
    ///
    /// # Panics
    /// When there is no figure: after [`ModelCheckpoint::last`].
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, Fit, MeanSquaredError, Model, ModelCheckpoint, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let fit = Fit { epochs: 2, progress: false, ..Fit::default() };
    /// model.fit(&data, fit.with(ModelCheckpoint::best(&path, "loss").maximize()))?;
    /// // The loss was the largest in the first epoch.
    /// assert_eq!(Model::load(&path)?.epochs(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn maximize(self) -> ModelCheckpoint {
        self.watching(|monitor| monitor.growing(true))
    }

    /// Less of the figure is better.
    ///
    /// # Panics
    /// When there is no figure: after [`ModelCheckpoint::last`].
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, Fit, MeanSquaredError, Model, ModelCheckpoint, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let fit = Fit { epochs: 2, progress: false, ..Fit::default() };
    /// model.fit(&data, fit.with(ModelCheckpoint::best(&path, "loss").minimize()))?;
    /// assert_eq!(Model::load(&path)?.epochs(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn minimize(self) -> ModelCheckpoint {
        self.watching(|monitor| monitor.growing(false))
    }

    /// What the figure must be better than in the first epoch. A training that is resumed needs none: its best is in the
    /// checkpoint.
    ///
    /// # Panics
    /// When there is no figure: after [`ModelCheckpoint::last`].
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, Fit, MeanSquaredError, ModelCheckpoint, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let fit = Fit { epochs: 2, progress: false, ..Fit::default() };
    /// model.fit(&data, fit.with(ModelCheckpoint::best(&path, "loss").starting_from(0.0)))?;
    /// // No loss is less than none.
    /// assert!(!path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn starting_from(self, figure: f64) -> ModelCheckpoint {
        self.watching(|monitor| monitor.starting_from(figure))
    }

    #[track_caller]
    fn watching(self, change: impl FnOnce(Monitor) -> Monitor) -> ModelCheckpoint {
        let Some(monitor) = self.monitor else {
            panic!("`ModelCheckpoint::last` saves after each epoch and watches no figure; `best` watches one")
        };
        ModelCheckpoint { monitor: Some(change(monitor)), ..self }
    }

    /// The file of an epoch.
    fn path_of(&self, epoch: usize) -> PathBuf {
        let path = self.path.to_string_lossy();
        match path.contains("{epoch}") {
            true => PathBuf::from(path.replace("{epoch}", &epoch.to_string())),
            false => self.path.clone(),
        }
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        let path = self.path_of(run.epoch() + 1);
        let cannot = |reason| CheckpointProblem::Io { action: "write", reason };
        check_replaceable(&path).map_err(|reason| CheckpointError { problem: cannot(reason), path })?;
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        if let Some(monitor) = &mut self.monitor {
            self.is_due = monitor.improves(logs)?;
        }
        Ok(())
    }

    fn on_save_point(&mut self, run: &mut Run<'_>) -> CallbackResult {
        if !self.is_due {
            return Ok(());
        }
        // Within an epoch nothing is the best so far.
        self.is_due = self.monitor.is_none();
        Ok(run.model.save(self.path_of(run.epoch()))?)
    }

    fn state(&self) -> Variables {
        self.monitor.as_ref().map(Monitor::state).unwrap_or_default()
    }

    fn restore(&mut self, _: &mut Run<'_>, state: &Variables) -> CallbackResult {
        match &mut self.monitor {
            Some(monitor) => Ok(monitor.restore(state)?),
            None => Ok(()),
        }
    }
}
