//! A file that is kept up to date with the epochs.

use std::path::PathBuf;

use super::super::callback::{Callback, CallbackResult, Run};
use super::super::checkpoint::{check_replaceable, replace_file};
use super::super::history::{Epoch, History, Logs};

/// Writes the figures of all epochs to a CSV file, after each of them: `epoch`, `seconds`, and a column for each figure. The
/// file is replaced as a whole.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{CsvLogger, Dense, Fit, MeanSquaredError, Sequential, Sgd};
/// use grafito::prelude::*;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("history.csv");
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
/// let fit = Fit { epochs: 2, progress: false, ..Fit::default() };
/// model.fit(&data, fit.with(CsvLogger::new(&path)))?;
/// assert_eq!(std::fs::read_to_string(&path)?.lines().next(), Some("epoch,seconds,loss"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.callbacks.CSVLogger`.
#[derive(Debug, Clone)]
pub struct CsvLogger {
    path: PathBuf,
    appends: bool,
    started: Option<std::time::Instant>,
    history: History,
}

impl CsvLogger {
    /// Replaces the file, if there is one, when the first epoch ends.
    pub fn new(path: impl Into<PathBuf>) -> CsvLogger {
        CsvLogger { path: path.into(), appends: false, started: None, history: History::default() }
    }

    /// Goes on after the epochs that are in the file, but for those that are trained again.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{CsvLogger, Dense, Fit, History, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("history.csv");
    /// for _ in 0..2 {
    ///     let fit = Fit { epochs: 3, progress: false, ..Fit::default() };
    ///     model.fit(&data, fit.with(CsvLogger::new(&path).append()))?;
    /// }
    /// assert_eq!(History::read_csv(&path)?.epochs().len(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn append(self) -> CsvLogger {
        CsvLogger { appends: true, ..self }
    }
}

impl Callback for CsvLogger {
    fn on_train_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        check_replaceable(&self.path).map_err(|reason| format!("{}: {reason}", self.path.display()))?;
        if self.appends && self.path.exists() {
            self.history = History::read_csv(&self.path)?;
            self.history.truncate(run.model.epochs());
        }
        Ok(())
    }

    fn on_epoch_begin(&mut self, _: &mut Run<'_>) -> CallbackResult {
        self.started = Some(std::time::Instant::now());
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        let seconds = self.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
        self.history.push(Epoch { number: run.epoch(), seconds, logs: logs.clone() });
        let text = self.history.to_csv();
        Ok(replace_file(&self.path, |file| file.write_all(text.as_bytes()))?)
    }
}
