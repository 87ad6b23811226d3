//! Models: networks with what they are trained by, and the state of their training.

use std::sync::Arc;

use grafito::datasets::Dataset;
use grafito::{DType, Graph, Mode, Plan, Profile, Report, Tensor, with_mode};

use super::error::ModelError;
use super::fit::{self, Fit};
use super::history::{History, Logs};
use super::program::{Program, Training, TrainingState, test_step, train_step};
use super::sequential::Sequential;
use super::summary::{Size, Summary};
use super::variables::Variables;

/// A network with optimizer, loss and metrics; made by [`Sequential::compile`].
///
/// In lazy mode a step of training (forward, backward, update, metrics) is one planned graph, in which weights and state
/// are updated in their own buffers. In eager mode the same code runs operation by operation.
///
/// ```
/// use grafito::datasets::Dataset;
/// use grafito::nn::{Dense, Fit, MeanSquaredError, Sequential, Sgd};
/// use grafito::prelude::*;
///
/// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
/// let y = &x * 2.0 + 1.0;
/// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
/// model.fit(&Dataset::new(x, y), Fit { epochs: 200, progress: false, ..Fit::default() })?;
/// let predicted = model.predict(&Tensor::from([[10.0f32]]))?;
/// assert!((predicted.item::<f32>() - 21.0).abs() < 0.1);
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
///
/// # Source
/// `keras.Model`.
#[derive(Debug)]
pub struct Model {
    pub(super) network: Sequential,
    pub(super) training: Arc<Training>,
    /// Once the network is built.
    pub(super) ready: Option<Ready>,
    pub(super) position: Position,
    /// Set before the network was built.
    learning_rate: Option<f32>,
    /// What callbacks remembered where training could last be resumed from: `EarlyStopping/val_loss/best`, …
    pub(super) remembered: Variables,
    /// Whether that is from a checkpoint, and the next run is to go on from it.
    pub(super) is_resumed: bool,
    /// Whether the next run begins the epoch anew: the latest step was one by hand, or of a run that failed.
    pub(super) begins_anew: bool,
}

/// What there is once the network is built.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) program: Program,
    pub(super) state: TrainingState,
}

/// How far training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    /// Epochs completed.
    pub(super) epochs: usize,
    /// Steps made in the epoch after these.
    pub(super) batches: usize,
}

/// Examples in a step of evaluation, of data that does not come in batches.
const EVALUATED_AT_ONCE: usize = 512;

impl Model {
    pub(super) fn new(network: Sequential, training: Training) -> Model {
        let training = Arc::new(training);
        Model {
            network,
            training,
            ready: None,
            position: Position::default(),
            learning_rate: None,
            remembered: Variables::new(),
            is_resumed: false,
            begins_anew: false,
        }
    }

    /// Infers all shapes and draws initial weights, where the shape of the input was given with [`Sequential::input`].
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    ///
    /// let mut model = Sequential::new().input([3]).add(Dense::new(2)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// assert_eq!(model.build()?.weights().names(), ["dense/kernel", "dense/bias"]);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When it was not, or a layer cannot take what it is given; the error names the layer.
    pub fn build(&mut self) -> Result<&mut Model, ModelError> {
        self.network.build()?;
        self.prepare();
        Ok(self)
    }

    /// The layers with what they give and how many parameters they have, and the size of the optimizer's state.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    ///
    /// let sgd = Sgd::new(0.1).momentum(0.9);
    /// let mut model = Sequential::new().input([3]).add(Dense::new(2)).compile(sgd, MeanSquaredError, ());
    /// println!("{}", model.summary()?);
    /// assert_eq!(model.summary()?.trainable_parameters(), 8);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::build`].
    pub fn summary(&mut self) -> Result<Summary, ModelError> {
        self.build()?;
        let Ready { program, state } = self.prepare();
        let slots = Size::of(state.optimizer.slots.tensors().iter().map(Tensor::fact));
        Ok(Summary::new(program.network(), Some(slots)))
    }

    /// Trains. A model that was stopped in the middle of an epoch goes on from there; after a run that failed in the middle of
    /// one, or steps by hand, the epoch begins anew.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, Fit, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let history = model.fit(&data, Fit { epochs: 3, progress: false, ..Fit::default() })?;
    /// assert_eq!((history.epochs().len(), model.epochs()), (3, 3));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the data, an operation fails, or a callback does.
    pub fn fit(&mut self, data: &Dataset, how: Fit<'_>) -> Result<History, ModelError> {
        fit::fit(self, data, how)
    }

    /// Mean loss and metrics on some data.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let logs = model.evaluate(&data)?;
    /// assert!(logs.get("loss").is_some_and(|loss| loss > 0.0));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the data, or an operation fails.
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Logs, ModelError> {
        let data = if data.is_batched() { data.clone() } else { data.clone().batch(EVALUATED_AT_ONCE) };
        let mut totals = None;
        for (x, targets) in data.epoch(0) {
            let Ready { program, .. } = self.ready_for(&x)?;
            let program = program.clone();
            let totals = totals.get_or_insert_with(|| program.totals());
            test_step::try_call(&program, &self.network.weights, totals, &x, &targets)?;
        }
        let (Some(Ready { program, .. }), Some(totals)) = (&self.ready, &totals) else {
            return Err(ModelError::Data("there is no batch in it".to_owned()));
        };
        Ok(program.figures(totals).into_iter().collect())
    }

    /// The output for some examples.
    ///
    /// # Shape
    /// `[n, ..] -> [n, ..]`
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let mut model = Sequential::new().add(Dense::new(2)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// assert_eq!(model.predict(&Tensor::from([[1.0f32, 2.0, 3.0]]))?.shape(), &Shape::from([1, 2]));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for them, or was built for others.
    pub fn predict(&mut self, x: &Tensor) -> Result<Tensor, ModelError> {
        self.network.predict(x)
    }

    /// One step of training on a batch; gives its mean loss, from before the update. `fit` makes these steps.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let first = model.step(&x, &y)?;
    /// assert!(model.step(&x, &y)? < first);
    /// assert_eq!(model.batches(), 2);
    /// model.finish_epoch();
    /// assert_eq!((model.epochs(), model.batches()), (1, 0));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the batch, or an operation fails.
    pub fn step(&mut self, x: &Tensor, targets: &Tensor) -> Result<f64, ModelError> {
        let loss = self.step_of_epoch(x, targets)?;
        self.begins_anew = true;
        Ok(loss)
    }

    /// A step of an epoch of [`Model::fit`].
    pub(super) fn step_of_epoch(&mut self, x: &Tensor, targets: &Tensor) -> Result<f64, ModelError> {
        self.ready_for(x)?;
        if self.position.batches == 0 {
            self.start_totals();
        }
        let Ready { program, state } = self.ready.as_mut().expect("it was just made");
        // What a step leaves is from where the model was compiled, too, not from this line.
        let origin = self.training.origin;
        let loss =
            origin.scope(|| train_step::try_call(program, &mut self.network.weights, state, x, targets))?;
        self.position.batches += 1;
        Ok(number(&loss)?)
    }

    /// Mean loss and metrics over the steps made since the last epoch ended.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let loss = model.step(&x, &y)?;
    /// assert_eq!(model.figures().get("loss"), Some(loss));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    pub fn figures(&self) -> Logs {
        let figures = self.ready.as_ref().map(|ready| ready.program.figures(&ready.state.totals));
        figures.unwrap_or_default().into_iter().collect()
    }

    /// Ends an epoch: the next step is the first of another. `fit` does so.
    pub fn finish_epoch(&mut self) {
        self.position = Position { epochs: self.position.epochs.saturating_add(1), batches: 0 };
    }

    /// The next step is the first of the epoch again.
    pub(super) fn restart_epoch(&mut self) {
        self.begins_anew = false;
        self.position.batches = 0;
    }

    /// How many epochs were completed, in all runs.
    pub fn epochs(&self) -> usize {
        self.position.epochs
    }

    /// How many steps were made since the last epoch ended.
    pub fn batches(&self) -> usize {
        self.position.batches
    }

    /// All weights, by name: `dense/kernel`, … Empty before the network is built, by [`Model::build`] or the first data.
    pub fn weights(&self) -> Variables {
        self.network.weights()
    }

    /// Replaces a weight.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().input([1]).add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// model.build()?.set_weight("dense/bias", &Tensor::from([1.0f32]))?;
    /// assert_eq!(model.weights().get("dense/bias").unwrap().to_vec::<f32>(), [1.0]);
    /// assert!(model.set_weight("dense/bias", &Tensor::from([1.0f32, 2.0])).is_err());
    /// # let _ = (x, y);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sequential::set_weight`].
    pub fn set_weight(&mut self, name: &str, value: &Tensor) -> Result<(), ModelError> {
        self.network.set_weight(name, value)
    }

    /// The learning rate that the schedule starts from.
    pub fn learning_rate(&self) -> f32 {
        match &self.ready {
            Some(ready) => ready.state.optimizer.learning_rate.item(),
            None => self.learning_rate.unwrap_or_else(|| self.training.optimizer.learning_rate().initial()),
        }
    }

    /// The learning rate of the latest step, by the schedule; before the first step, that of the first.
    ///
    /// ```
    /// use grafito::nn::{Dense, ExponentialDecay, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let sgd = Sgd::new(ExponentialDecay::new(0.1, 1, 0.5));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(sgd, MeanSquaredError, ());
    /// for rate in [0.1, 0.05, 0.025] {
    ///     model.step(&x, &y)?;
    ///     assert_eq!((model.learning_rate(), model.current_learning_rate()), (0.1, rate));
    /// }
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    pub fn current_learning_rate(&self) -> f32 {
        with_mode(Mode::Eager, || {
            let (initial, step) = match &self.ready {
                Some(Ready { state, .. }) => {
                    (state.optimizer.learning_rate.clone(), state.optimizer.step.item())
                }
                None => (Tensor::scalar(self.learning_rate()), 0i64),
            };
            let latest = Tensor::scalar((step - 1).max(0));
            self.training.optimizer.learning_rate().rate(&initial, &latest).item()
        })
    }

    /// Sets the learning rate that the schedule starts from. Nothing is traced anew.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    ///
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// model.set_learning_rate(0.05);
    /// assert_eq!(model.learning_rate(), 0.05);
    /// ```
    pub fn set_learning_rate(&mut self, rate: f32) {
        match &mut self.ready {
            Some(ready) => ready.state.optimizer.learning_rate = Tensor::scalar(rate),
            None => self.learning_rate = Some(rate),
        }
    }

    /// What initial weights, the order of examples and dropout are drawn from.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    ///
    /// let model = Sequential::new().seed(7).add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// assert_eq!(model.seed(), 7);
    /// ```
    pub fn seed(&self) -> i64 {
        self.network.seed_value()
    }

    /// The network, without what it is trained by.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// model.step(&x, &y)?;
    /// let mut network = model.into_network();
    /// assert_eq!(network.predict(&x)?.shape(), y.shape());
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    pub fn into_network(self) -> Sequential {
        self.network
    }

    /// The graph of a step of training on such a batch, as traced.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let graph = model.step_graph(&x, &y)?;
    /// assert!(graph.to_string().contains("matmul"));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the batch.
    pub fn step_graph(&mut self, x: &Tensor, targets: &Tensor) -> Result<Graph, ModelError> {
        self.ready_for(x)?;
        let Ready { program, state } = self.ready.as_mut().expect("it was just made");
        Ok(grafito::catch(|| train_step::graph(program, &mut self.network.weights, state, x, targets))?)
    }

    /// The graph of a step of training on such a batch, optimized.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// assert!(model.step_optimized(&x, &y)?.num_nodes() < model.step_graph(&x, &y)?.num_nodes());
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the batch.
    pub fn step_optimized(&mut self, x: &Tensor, targets: &Tensor) -> Result<Graph, ModelError> {
        self.ready_for(x)?;
        let Ready { program, state } = self.ready.as_mut().expect("it was just made");
        Ok(grafito::catch(|| train_step::optimized(program, &mut self.network.weights, state, x, targets))?)
    }

    /// Where the time of a step of training on such a batch goes: the step made a few times on copies of the model's state,
    /// which stays as it is.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let profile = model.step_profile(&x, &y)?;
    /// assert!(profile.steps.iter().all(|step| step.time <= profile.total));
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the batch.
    pub fn step_profile(&mut self, x: &Tensor, targets: &Tensor) -> Result<Profile, ModelError> {
        self.ready_for(x)?;
        let Ready { program, state } = self.ready.as_mut().expect("it was just made");
        Ok(grafito::catch(|| train_step::profile(program, &mut self.network.weights, state, x, targets))?)
    }

    /// The plan of a step of training on such a batch; displayed, its steps.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// println!("{}", model.step_plan(&x, &y)?);
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the batch.
    pub fn step_plan(&mut self, x: &Tensor, targets: &Tensor) -> Result<Arc<Plan>, ModelError> {
        self.ready_for(x)?;
        let Ready { program, state } = self.ready.as_mut().expect("it was just made");
        Ok(grafito::catch(|| train_step::plan(program, &mut self.network.weights, state, x, targets))?)
    }

    /// What each pass changed in the graph of a step of training on such a batch.
    ///
    /// ```
    /// use grafito::nn::{Dense, MeanSquaredError, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let (x, y) = (Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    /// let report = model.step_report(&x, &y)?;
    /// assert!(report.nodes_after() < report.nodes_before());
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    ///
    /// # Errors
    /// When the network cannot be built for the batch.
    pub fn step_report(&mut self, x: &Tensor, targets: &Tensor) -> Result<Report, ModelError> {
        self.ready_for(x)?;
        let Ready { program, state } = self.ready.as_mut().expect("it was just made");
        Ok(grafito::catch(|| train_step::report(program, &mut self.network.weights, state, x, targets))?)
    }

    fn ready_for(&mut self, x: &Tensor) -> Result<&mut Ready, ModelError> {
        self.network.network_for_batch(x)?;
        Ok(self.prepare())
    }

    /// Makes what belongs to the network as it is built.
    fn prepare(&mut self) -> &mut Ready {
        if self.ready.is_none() {
            self.ready = self.start();
        }
        self.ready.as_mut().expect("the callers have built the network")
    }

    /// What there is before the first step; `None` before the network is built.
    pub(super) fn start(&self) -> Option<Ready> {
        let program = Program::new(self.network.network.clone()?, self.training.clone());
        let noise = (self.network.seed_value() as u64).wrapping_add(1).wrapping_mul(NOISE) as i64;
        let mut state = with_mode(Mode::Eager, || program.start(&self.network.weights, noise));
        if let Some(rate) = self.learning_rate {
            state.optimizer.learning_rate = Tensor::scalar(rate);
        }
        Some(Ready { program, state })
    }

    fn start_totals(&mut self) {
        let Ready { program, state } = self.ready.as_mut().expect("made by the callers");
        with_mode(Mode::Eager, || program.restart(&mut state.totals));
    }
}

/// A float scalar, of whichever dtype. (Reading one that is there already; a cast would plan a graph.)
fn number(scalar: &Tensor) -> Result<f64, grafito::Error> {
    if scalar.dtype() == DType::F64 { scalar.try_item() } else { scalar.try_item::<f32>().map(f64::from) }
}

/// Spreads seeds over all keys, far from those that initial weights are drawn from: 2^64 divided by the golden ratio.
const NOISE: u64 = 0x9e37_79b9_7f4a_7c15;
