//! Callbacks: what is called at the turns of a training run.

use grafito::{Graph, Profile, Tensor};

use super::error::ModelError;
use super::history::{History, Logs};
use super::model::Model;
use super::variables::Variables;

/// What a callback gives back: an error ends the training.
///
/// ```
/// use grafito::nn::CallbackResult;
///
/// fn unless_full(free_bytes: u64) -> CallbackResult {
///     if free_bytes == 0 { Err("the disk is full".into()) } else { Ok(()) }
/// }
/// assert_eq!(unless_full(0).unwrap_err().to_string(), "the disk is full");
/// ```
pub type CallbackResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Something that watches training, and may act on it. All hooks do nothing unless written.
///
/// ```
/// use grafito::datasets::{Dataset, synthetic_digits};
/// use grafito::nn::{Callback, CallbackResult, Dense, Fit, Flatten, Logs, Run, Sequential, Sgd, SparseCrossEntropy};
///
/// /// Ends training at a loss that is good enough.
/// struct GoodEnough(f64);
///
/// impl Callback for GoodEnough {
///     fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
///         if logs.get("loss").is_some_and(|loss| loss < self.0) {
///             run.stop("the loss is good enough");
///         }
///         Ok(())
///     }
/// }
///
/// let data = Dataset::from(&synthetic_digits(64, 0, 1).train).map(|x, y| (x.cast(grafito::DType::F32) / 255.0, y));
/// let mut model = Sequential::new()
///     .add(Flatten)
///     .add(Dense::new(10))
///     .compile(Sgd::new(0.1), SparseCrossEntropy::from_logits(), ());
/// let fit = Fit { epochs: 5, progress: false, ..Fit::default() };
/// let history = model.fit(&data, fit.with(GoodEnough(1e9)))?;
/// assert_eq!(history.epochs().len(), 1);
/// assert_eq!(history.stopped(), Some("the loss is good enough"));
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
///
/// # Source
/// `keras.callbacks.Callback`.
#[allow(unused_variables, reason = "the names are for those who write the hooks")]
pub trait Callback {
    /// The name in errors, and in checkpoints: what [`state`](Callback::state) gives is found again under it, so a
    /// callback that is resumed keeps its name, without any `/`. Unless written it is that of the type, without its path and
    /// parameters.
    ///
    /// ```
    /// use grafito::nn::{Callback, EarlyStopping};
    ///
    /// struct Guard<C>(C);
    ///
    /// impl<C> Callback for Guard<C> {}
    ///
    /// assert_eq!(EarlyStopping::new("loss").name(), "EarlyStopping");
    /// assert_eq!(Guard(EarlyStopping::new("loss")).name(), "Guard");
    /// ```
    fn name(&self) -> String {
        own_name(std::any::type_name::<Self>())
    }

    /// Before the first epoch of a run. A callback that was in a run before starts afresh here; of one that is resumed,
    /// [`restore`](Callback::restore) follows. Where that fails, for whichever callback, the run has not begun, and no other
    /// hook is called.
    ///
    /// # Errors
    /// What ends the training.
    fn on_train_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        Ok(())
    }

    /// Before an epoch.
    ///
    /// # Errors
    /// What ends the training.
    fn on_epoch_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        Ok(())
    }

    /// After each step.
    ///
    /// # Errors
    /// What ends the training.
    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        Ok(())
    }

    /// After an epoch, and its validation. What is added to `logs` is part of the history, and seen by the callbacks that
    /// come after.
    ///
    /// # Errors
    /// What ends the training.
    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        Ok(())
    }

    /// Where training can be resumed from: after an epoch, when all callbacks have seen its end, and where training ends
    /// within one, before they see that. A model that is saved here is saved with what all callbacks remember.
    ///
    /// # Errors
    /// What ends the training.
    fn on_save_point(&mut self, run: &mut Run<'_>) -> CallbackResult {
        Ok(())
    }

    /// After the last epoch of a run, also of one that was stopped, interrupted or failed.
    ///
    /// # Errors
    /// What `fit` fails with.
    fn on_train_end(&mut self, run: &mut Run<'_>) -> CallbackResult {
        Ok(())
    }

    /// What the callback remembers from epoch to epoch, by names of its choice. It is asked for before each
    /// [`on_save_point`](Callback::on_save_point), and is part of the checkpoint.
    fn state(&self) -> Variables {
        Variables::new()
    }

    /// Goes on from what [`state`](Callback::state) gave. Called after [`on_train_begin`](Callback::on_train_begin) of the
    /// first run after [`Model::restore`], where the checkpoint has something under this callback's
    /// [`name`](Callback::name); the second of a name has what the second remembered, and so on. A name of the checkpoint
    /// that no callback of the run has is said on standard error. What it is given is from a file, and may be anything.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{
    ///     Callback, CallbackResult, Dense, Fit, Logs, MeanSquaredError, Model, Run, Sequential, Sgd, Variables,
    /// };
    /// use grafito::prelude::*;
    ///
    /// /// The least loss that there has been.
    /// #[derive(Default)]
    /// struct Least(Option<f64>);
    ///
    /// impl Callback for Least {
    ///     fn on_epoch_end(&mut self, _: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
    ///         let loss = logs.get("loss").unwrap();
    ///         self.0 = Some(self.0.map_or(loss, |least| least.min(loss)));
    ///         Ok(())
    ///     }
    ///     fn state(&self) -> Variables {
    ///         self.0.into_iter().map(|least| ("least", Tensor::scalar(least))).collect()
    ///     }
    ///     fn restore(&mut self, _: &mut Run<'_>, state: &Variables) -> CallbackResult {
    ///         self.0 = state.get("least").map(Tensor::try_item).transpose()?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let make = || -> Model { Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ()) };
    /// let one = || Fit { progress: false, ..Fit::default() };
    ///
    /// let (mut model, mut least) = (make(), Least::default());
    /// model.fit(&data, one().with(&mut least))?;
    /// model.save(&path)?;
    ///
    /// let (mut again, mut resumed) = (make(), Least::default());
    /// again.restore(&path)?;
    /// again.fit(&data, Fit { epochs: 0, ..one() }.with(&mut resumed))?;
    /// assert!(resumed.0.is_some() && resumed.0 == least.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When this is not what the callback gave; `fit` fails with it, and can be called again.
    fn restore(&mut self, run: &mut Run<'_>, state: &Variables) -> CallbackResult {
        Ok(())
    }
}

/// The name of a type without its path, and without what stands in brackets: of `a::Guard<b::Inner>`, `Guard`.
fn own_name(full: &str) -> String {
    let mut depth = 0;
    let mut outside = String::new();
    // An arrow, as of `fn() -> u8`, is no bracket.
    for c in full.replace("->", "").chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    outside.rsplit("::").find(|name| !name.is_empty()).unwrap_or(full).to_owned()
}

/// Passes every hook on.
macro_rules! pass_on {
    ($($of:ty),*) => {$(
        impl<C: Callback + ?Sized> Callback for $of {
            fn name(&self) -> String {
                (**self).name()
            }
            fn on_train_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
                (**self).on_train_begin(run)
            }
            fn on_epoch_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
                (**self).on_epoch_begin(run)
            }
            fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
                (**self).on_batch_end(run, batch)
            }
            fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
                (**self).on_epoch_end(run, logs)
            }
            fn on_save_point(&mut self, run: &mut Run<'_>) -> CallbackResult {
                (**self).on_save_point(run)
            }
            fn on_train_end(&mut self, run: &mut Run<'_>) -> CallbackResult {
                (**self).on_train_end(run)
            }
            fn state(&self) -> Variables {
                (**self).state()
            }
            fn restore(&mut self, run: &mut Run<'_>, state: &Variables) -> CallbackResult {
                (**self).restore(run, state)
            }
        }
    )*};
}

pass_on!(&mut C, Box<C>);

/// A step that was just made.
///
/// ```
/// use grafito::nn::Batch;
///
/// let batch = Batch { number: 3, examples: 32, loss: 0.5 };
/// assert!(batch.loss.is_finite());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// Its number in the epoch, counted from 1.
    pub number: usize,
    /// How many examples it had.
    pub examples: usize,
    /// Its mean loss.
    pub loss: f64,
}

/// A run of `fit`, as callbacks see it.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Batch, Callback, CallbackResult, Dense, Fit, MeanSquaredError, Run, Sequential, Sgd};
/// use grafito::prelude::*;
///
/// /// Halves the learning rate, and tells how far training is.
/// struct Halving;
///
/// impl Callback for Halving {
///     fn on_batch_end(&mut self, run: &mut Run<'_>, _: &Batch) -> CallbackResult {
///         run.model.set_learning_rate(run.model.learning_rate() / 2.0);
///         println!("epoch {}/{}: {}", run.epoch(), run.last_epoch(), run.figures());
///         Ok(())
///     }
/// }
///
/// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
/// model.fit(&data, Fit { epochs: 2, progress: false, ..Fit::default() }.with(Halving))?;
/// assert_eq!(model.learning_rate(), 0.025);
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
#[derive(Debug)]
pub struct Run<'a> {
    /// The model in training.
    pub model: &'a mut Model,
    pub(super) epoch: usize,
    pub(super) last_epoch: usize,
    pub(super) batches: Option<usize>,
    pub(super) history: History,
    pub(super) stop: Option<String>,
    /// Examples and targets of the last step.
    pub(super) batch: Option<(Tensor, Tensor)>,
}

impl Run<'_> {
    /// The number of the epoch, counted from 1 over all runs.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The number of the last epoch of this run.
    pub fn last_epoch(&self) -> usize {
        self.last_epoch
    }

    /// How many batches an epoch has, where that is known.
    pub fn batches(&self) -> Option<usize> {
        self.batches
    }

    /// The graph of the step that was just made, as traced and optimized; `None` before the first step.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Batch, Callback, CallbackResult, Dense, Fit, MeanSquaredError, Run, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// /// Says how many nodes the passes leave.
    /// struct Nodes;
    ///
    /// impl Callback for Nodes {
    ///     fn on_batch_end(&mut self, run: &mut Run<'_>, _: &Batch) -> CallbackResult {
    ///         let (traced, optimized) = run.step_graphs()?.expect("a step was made");
    ///         assert!(optimized.num_nodes() < traced.num_nodes());
    ///         assert_eq!((run.batches(), run.history().epochs().len()), (Some(1), 0));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// model.fit(&data, Fit { progress: false, ..Fit::default() }.with(Nodes))?;
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When it cannot be traced once more.
    pub fn step_graphs(&mut self) -> Result<Option<(Graph, Graph)>, ModelError> {
        let Some((x, targets)) = &self.batch else { return Ok(None) };
        let traced = self.model.step_graph(x, targets)?;
        Ok(Some((traced, self.model.step_optimized(x, targets)?)))
    }

    /// Where the time of the step that was just made goes; `None` before the first step. Nothing of the model changes.
    ///
    /// ```
    /// use grafito::nn::{Batch, Callback, CallbackResult, Run};
    ///
    /// /// Prints where the time of the second step goes.
    /// struct Slow;
    ///
    /// impl Callback for Slow {
    ///     fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
    ///         if batch.number == 2 && let Some(profile) = run.step_profile()? {
    ///             println!("{profile}");
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// When the step cannot be made again.
    pub fn step_profile(&mut self) -> Result<Option<Profile>, ModelError> {
        let Some((x, targets)) = &self.batch else { return Ok(None) };
        Ok(Some(self.model.step_profile(x, targets)?))
    }

    /// The epochs of this run so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Mean loss and metrics of the epoch so far.
    pub fn figures(&self) -> Logs {
        self.model.figures()
    }

    /// Ends training: after this step in [`Callback::on_batch_end`], after this epoch in [`Callback::on_epoch_end`].
    pub fn stop(&mut self, reason: impl Into<String>) {
        self.stop.get_or_insert(reason.into());
    }
}
