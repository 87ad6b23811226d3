//! A log of the run for TensorBoard.

use std::path::PathBuf;

use crate::tensorboard::Writer;

use super::super::callback::{Batch, Callback, CallbackResult, Run};
use super::super::history::Logs;

/// Logs a run for TensorBoard: the figures of each epoch, the learning rate, histograms of the weights, and the graph of a
/// step, as traced and optimized, with a box for each layer, the loss, the optimizer and the metrics.
///
/// As Keras does, it logs into two runs, `train` and `validation` below its folder, under equal tags (`epoch_loss` for
/// `loss` and `val_loss`), so that TensorBoard draws both curves into one chart.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Fit, MeanSquaredError, Sequential, Sgd, TensorBoard};
/// use grafito::prelude::*;
///
/// let logs = tempfile::tempdir()?;
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
/// let fit = Fit { epochs: 2, progress: false, ..Fit::default() };
/// model.fit(&data, fit.with(TensorBoard::new(logs.path())))?;
/// assert!(logs.path().join("train").is_dir()); // Now run: tensorboard --logdir logs
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.callbacks.TensorBoard`.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    histogram_every: usize,
    writes_steps: bool,
    writes_graph: bool,
    /// Whether this run has its graph still to come.
    is_graph_due: bool,
    /// The batch whose step is profiled, and how many this run has had.
    profile_batch: Option<usize>,
    seen: usize,
    train: Option<Writer>,
    validation: Option<Writer>,
    steps: usize,
}

impl TensorBoard {
    /// Logs below a folder, which is made where it is missing.
    pub fn new(folder: impl Into<PathBuf>) -> TensorBoard {
        TensorBoard {
            folder: folder.into(),
            histogram_every: 1,
            writes_steps: false,
            writes_graph: true,
            is_graph_due: false,
            profile_batch: None,
            seen: 0,
            train: None,
            validation: None,
            steps: 0,
        }
    }

    /// Logs histograms of the weights every so many epochs; 0 for never. Every epoch, unless set.
    ///
    /// ```
    /// use grafito::nn::{Fit, TensorBoard};
    ///
    /// let fit = Fit::default().with(TensorBoard::new("logs").histograms_every(5));
    /// assert_eq!(fit.callbacks.len(), 1);
    /// ```
    #[must_use]
    pub fn histograms_every(self, epochs: usize) -> TensorBoard {
        TensorBoard { histogram_every: epochs, ..self }
    }

    /// Logs the loss of every step, too, as `batch_loss`.
    ///
    /// ```
    /// use grafito::nn::{Fit, TensorBoard};
    ///
    /// let fit = Fit::default().with(TensorBoard::new("logs").every_step());
    /// assert_eq!(fit.callbacks.len(), 1);
    /// ```
    #[must_use]
    pub fn every_step(self) -> TensorBoard {
        TensorBoard { writes_steps: true, ..self }
    }

    /// Logs where the time of a step goes, as `step/profile` in the Graphs tab: that on the batch of this number of the
    /// run, counted from 1. The step is made eleven times more for it, on copies; the training is what it would be.
    ///
    /// ```
    /// # use grafito::nn::TensorBoard;
    /// let callback = TensorBoard::new("logs").profile_batch(2);
    /// ```
    #[must_use]
    pub fn profile_batch(self, number: usize) -> TensorBoard {
        TensorBoard { profile_batch: Some(number), ..self }
    }

    /// Logs no graph.
    ///
    /// ```
    /// use grafito::nn::{Fit, TensorBoard};
    ///
    /// let fit = Fit::default().with(TensorBoard::new("logs").without_graph());
    /// assert_eq!(fit.callbacks.len(), 1);
    /// ```
    #[must_use]
    pub fn without_graph(self) -> TensorBoard {
        TensorBoard { writes_graph: false, ..self }
    }
}

impl Callback for TensorBoard {
    fn on_train_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        self.train = Some(Writer::create(self.folder.join("train"))?);
        self.is_graph_due = self.writes_graph;
        self.seen = 0;
        // A checkpoint may hold any number of epochs.
        let before = run.model.epochs().saturating_mul(run.batches().unwrap_or(0));
        self.steps = before.saturating_add(run.model.batches());
        Ok(())
    }

    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        let Some(log) = &self.train else { return Ok(()) };
        if std::mem::take(&mut self.is_graph_due)
            && let Some((traced, optimized)) = run.step_graphs()?
        {
            log.graph("step/traced", &traced);
            log.graph("step/optimized", &optimized);
        }
        self.seen += 1;
        if self.profile_batch == Some(self.seen)
            && let Some(profile) = run.step_profile()?
        {
            log.profile("step/profile", &profile);
        }
        self.steps = self.steps.saturating_add(1);
        if self.writes_steps {
            log.scalar("batch_loss", self.steps, batch.loss);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        let Some(train) = &self.train else { return Ok(()) };
        let epoch = run.epoch();
        for (name, figure) in logs.iter() {
            let Some(name) = name.strip_prefix("val_") else {
                train.scalar(&format!("epoch_{name}"), epoch, figure);
                continue;
            };
            if self.validation.is_none() {
                self.validation = Some(Writer::create(self.folder.join("validation"))?);
            }
            let log = self.validation.as_ref().expect("made above");
            log.scalar(&format!("epoch_{name}"), epoch, figure);
        }
        train.scalar("epoch_learning_rate", epoch, run.model.current_learning_rate());
        if self.histogram_every > 0 && epoch.is_multiple_of(self.histogram_every) {
            for (name, weight) in run.model.weights().iter() {
                train.histogram(name, epoch, weight);
            }
        }
        // A log that cannot be written is said on standard error, and ends no training.
        for log in [&self.train, &self.validation].into_iter().flatten() {
            let _ = log.flush();
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Run<'_>) -> CallbackResult {
        (self.train, self.validation) = (None, None);
        Ok(())
    }
}
