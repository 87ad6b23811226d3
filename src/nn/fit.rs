//! Training: epochs of steps, validation after each, and callbacks at every turn.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use grafito::datasets::Dataset;

use super::callback::{Batch, Callback, CallbackResult, Run};
use super::callbacks::ProgressBar;
use super::distinct;
use super::error::ModelError;
use super::history::{Epoch, History};
use super::model::Model;
use super::variables::Variables;

/// How to train.
///
/// ```
/// use grafito::nn::Fit;
///
/// let fit = Fit { epochs: 25, batch_size: 64, ..Fit::default() };
/// assert!(fit.shuffle && fit.progress);
/// ```
///
/// # Source
/// The arguments of `keras.Model.fit`.
pub struct Fit<'a> {
    /// Passes over the data in this run.
    pub epochs: usize,
    /// Examples in a step. Data that comes in batches keeps its own.
    pub batch_size: usize,
    /// Whether examples are visited in another order in each epoch. Data that comes in batches keeps its own order.
    pub shuffle: bool,
    /// What the model is tried on after each epoch.
    pub validation: Validation<'a>,
    /// What is called at every turn, in order.
    pub callbacks: Vec<Box<dyn Callback + 'a>>,
    /// Whether a [`ProgressBar`] is shown.
    pub progress: bool,
    /// What may end training from outside.
    pub stop: StopFlag,
}

/// What a model is tried on after each epoch.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Fit, MeanSquaredError, Sequential, Sgd, Validation};
/// use grafito::prelude::*;
///
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
/// let validation = Validation::Split(0.5);
/// let history = model.fit(&data, Fit { validation, progress: false, ..Fit::default() })?;
/// assert!(history.last("val_loss").is_some());
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub enum Validation<'a> {
    /// Nothing.
    #[default]
    None,
    /// Data of its own.
    Data(&'a Dataset),
    /// The last examples of the training data, this share of them, which are then not trained on.
    Split(f64),
}

/// Asks a run of `fit` from outside, such as from a handler of Ctrl-C, to end after the step it is at.
///
/// ```
/// use grafito::nn::{Fit, StopFlag};
///
/// let stop = StopFlag::new();
/// let fit = Fit { stop: stop.clone(), ..Fit::default() };
/// stop.set();
/// assert!(fit.stop.is_set());
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Not set.
    pub fn new() -> StopFlag {
        StopFlag::default()
    }

    /// Asks to stop; says whether that had been asked before.
    pub fn set(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether it was asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Fit<'_> {
    /// One epoch of shuffled batches of 32, with a progress bar and nothing else.
    fn default() -> Self {
        Fit {
            epochs: 1,
            batch_size: 32,
            shuffle: true,
            validation: Validation::None,
            callbacks: Vec::new(),
            progress: true,
            stop: StopFlag::new(),
        }
    }
}

impl<'a> Fit<'a> {
    /// Adds a callback. What it has seen can be looked at afterwards where `&mut callback` is given.
    ///
    /// ```
    /// use grafito::nn::{EarlyStopping, Fit, TerminateOnNan};
    ///
    /// let fit = Fit { epochs: 25, ..Fit::default() }.with(EarlyStopping::new("loss")).with(TerminateOnNan);
    /// assert_eq!(fit.callbacks.len(), 2);
    /// ```
    #[must_use]
    pub fn with(mut self, callback: impl Callback + 'a) -> Fit<'a> {
        self.callbacks.push(Box::new(callback));
        self
    }
}

impl std::fmt::Debug for Fit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let callbacks: Vec<String> = self.callbacks.iter().map(|callback| callback.name()).collect();
        f.debug_struct("Fit")
            .field("epochs", &self.epochs)
            .field("batch_size", &self.batch_size)
            .field("shuffle", &self.shuffle)
            .field("validation", &self.validation)
            .field("callbacks", &callbacks)
            .field("progress", &self.progress)
            .field("stop", &self.stop)
            .finish()
    }
}

/// Runs the epochs, and the end hooks in any case.
pub(super) fn fit(model: &mut Model, data: &Dataset, fit: Fit<'_>) -> Result<History, ModelError> {
    let Fit { epochs, batch_size, shuffle, validation, mut callbacks, progress, stop } = fit;
    let (train, test) = match validation {
        Validation::None => (data.clone(), None),
        Validation::Data(test) => (data.clone(), Some(test.clone())),
        Validation::Split(share) => {
            let split = data.split(share);
            let none = || ModelError::Data(format!("a share of {share} cannot be split off for validation"));
            let (train, test) = split.ok_or_else(none)?;
            (train, Some(test))
        }
    };
    if batch_size == 0 && !train.is_batched() {
        return Err(ModelError::Data("batches of 0 examples, expected at least 1".to_owned()));
    }
    let train = match (train.is_batched(), shuffle) {
        (true, _) => train,
        (false, true) => train.shuffle(model.seed() as u64).batch(batch_size),
        (false, false) => train.batch(batch_size),
    };
    if progress {
        callbacks.push(Box::new(ProgressBar::new()));
    }
    let mut callbacks = Callbacks(callbacks);
    let (epoch, batches) = (model.epochs(), train.batches());
    let history = History::default();
    let mut run = Run {
        model,
        epoch,
        last_epoch: epoch.saturating_add(epochs),
        batches,
        history,
        stop: None,
        batch: None,
    };
    let mut result = callbacks.call(&mut run, |callback, run| callback.on_train_begin(run));
    if result.is_ok() {
        // What cannot be resumed is not begun either: model and checkpoint stay what they were, so that it can be tried again.
        callbacks.restore(&mut run)?;
        result = run_epochs(&mut run, &train, test.as_ref(), &mut callbacks, &stop);
    }
    // A run that failed before its first step has not gone on from anything.
    run.model.is_resumed &= result.is_err() && run.batch.is_none();
    run.model.begins_anew |= result.is_err() && run.batch.is_some();
    if let Some(reason) = run.stop.take() {
        run.history.stop(reason);
    }
    // The end of an epoch is one already, and where no step was made there is nothing new to save.
    let is_within = run.batch.is_some() && run.model.batches() > 0;
    let saved = if is_within { callbacks.save_point(&mut run) } else { Ok(()) };
    let ended = callbacks.call(&mut run, |callback, run| callback.on_train_end(run));
    result.and(saved).and(ended).map(|()| run.history)
}

fn run_epochs(
    run: &mut Run<'_>,
    train: &Dataset,
    test: Option<&Dataset>,
    callbacks: &mut Callbacks<'_>,
    stop: &StopFlag,
) -> Result<(), ModelError> {
    // Steps of other data, by hand, or of a run that failed: there is nothing to go on with.
    if run.model.begins_anew || run.batches.is_some_and(|batches| run.model.batches() >= batches) {
        run.model.restart_epoch();
    }
    while run.epoch < run.last_epoch && run.stop.is_none() {
        run.epoch += 1;
        callbacks.call(run, |callback, run| callback.on_epoch_begin(run))?;
        let start = Instant::now();
        if !run_steps(run, train, callbacks, stop)? {
            return Ok(());
        }
        let seconds = start.elapsed().as_secs_f64();
        let mut logs = run.model.figures();
        run.model.finish_epoch();
        if let Some(test) = test {
            for (name, figure) in run.model.evaluate(test)?.iter() {
                logs.insert(format!("val_{name}"), figure);
            }
        }
        let ended = callbacks.call(run, |callback, run| callback.on_epoch_end(run, &mut logs));
        if ended.is_ok() {
            run.history.push(Epoch { number: run.epoch, seconds, logs });
        }
        let saved = callbacks.save_point(run);
        ended.and(saved)?;
    }
    Ok(())
}

/// The steps of an epoch, from where the model is in it. Says whether the epoch was completed.
fn run_steps(
    run: &mut Run<'_>,
    train: &Dataset,
    callbacks: &mut Callbacks<'_>,
    stop: &StopFlag,
) -> Result<bool, ModelError> {
    let mut batches = train.epoch(run.epoch as u64).skip(run.model.batches());
    loop {
        if stop.is_set() {
            run.stop("interrupted");
        }
        // Looked at after the stop: an epoch whose last step was made is complete.
        let Some((x, targets)) = batches.next() else { break };
        if run.stop.is_some() {
            return Ok(false);
        }
        let loss = run.model.step_of_epoch(&x, &targets)?;
        let batch = Batch { number: run.model.batches(), examples: x.shape()[0], loss };
        run.batch = Some((x, targets));
        callbacks.call(run, |callback, run| callback.on_batch_end(run, &batch))?;
    }
    if run.model.batches() == 0 {
        return Err(ModelError::Data("there is no batch in it".to_owned()));
    }
    Ok(true)
}

/// What is called at every turn.
struct Callbacks<'a>(Vec<Box<dyn Callback + 'a>>);

impl Callbacks<'_> {
    /// Calls a hook of all callbacks, also when one fails; gives the first error.
    fn call(
        &mut self,
        run: &mut Run<'_>,
        mut hook: impl FnMut(&mut dyn Callback, &mut Run<'_>) -> CallbackResult,
    ) -> Result<(), ModelError> {
        let mut first = Ok(());
        for callback in &mut self.0 {
            if let Err(reason) = hook(&mut **callback, run) {
                first = first.and(Err(ModelError::Callback { name: callback.name(), reason }));
            }
        }
        first
    }

    /// Lets callbacks save, when what all of them remember is with the model.
    fn save_point(&mut self, run: &mut Run<'_>) -> Result<(), ModelError> {
        let mut remembered = Variables::new();
        for (key, callback) in self.keys().iter().zip(&self.0) {
            for (name, tensor) in callback.state().iter() {
                remembered.insert(format!("{key}/{name}"), tensor.clone());
            }
        }
        run.model.remembered = remembered;
        self.call(run, |callback, run| callback.on_save_point(run))
    }

    /// Gives the callbacks what those of a run that is resumed remembered.
    fn restore(&mut self, run: &mut Run<'_>) -> Result<(), ModelError> {
        if !run.model.is_resumed {
            return Ok(());
        }
        let (remembered, keys) = (run.model.remembered.clone(), self.keys());
        warn_of_unclaimed(&remembered, &keys);
        let mut keys = keys.into_iter();
        self.call(run, |callback, run| {
            let key = keys.next().expect("one for each callback") + "/";
            let own =
                remembered.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&*key)?, tensor)));
            let own: Variables = own.map(|(name, tensor)| (name, tensor.clone())).collect();
            if own.is_empty() { Ok(()) } else { callback.restore(run, &own) }
        })
    }

    /// Each callback's name, with a number from the second of a name on.
    fn keys(&self) -> Vec<String> {
        distinct(self.0.iter().map(|callback| callback.name()))
    }
}

/// Says whose state is in a checkpoint that is resumed without them. It is no error: to go on without is a choice.
fn warn_of_unclaimed(remembered: &Variables, keys: &[String]) {
    let owner = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    let owners: BTreeSet<String> = remembered.iter().map(|(name, _)| owner(name)).collect();
    let unclaimed: Vec<String> =
        owners.into_iter().filter(|owner| !keys.contains(owner)).map(|owner| format!("`{owner}`")).collect();
    if !unclaimed.is_empty() {
        eprintln!(
            "warning: the checkpoint has what {} remembered, and this run has no such callback",
            unclaimed.join(", ")
        );
    }
}
