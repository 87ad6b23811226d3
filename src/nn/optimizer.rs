//! Optimizers: how parameters follow their gradients.

use std::fmt;

use grafito::{Tensor, TensorTree};
use serde_json::Value as Json;

use super::named::named_leaves;
use super::schedule::LearningRateSchedule;
use super::variables::Variables;

/// How one parameter follows its gradient, and what is remembered for that between steps.
///
/// An optimizer holds its settings only; what it remembers is an [`OptimizerState`]. [`Optimizer::step`] moves the
/// leaves of any tree, inside a `#[graph_fn]` of your own or outside:
///
/// ```
/// use grafito::nn::{Optimizer, OptimizerState, Sgd};
/// use grafito::prelude::*;
///
/// #[graph_fn]
/// fn train_step(w: &mut Tensor, state: &mut OptimizerState) -> Tensor {
///     let (loss, gradient) = value_and_grad(&*w, |w| (w * w).sum(..));
///     Sgd::new(0.25).step(w, &gradient, state);
///     loss
/// }
///
/// let mut w = Tensor::from([1.0f32, 2.0]);
/// let mut state = Sgd::new(0.25).start(&w);
/// train_step(&mut w, &mut state);
/// assert_eq!(w.to_vec::<f32>(), [0.5, 1.0]);
/// assert_eq!(state.step.item::<i64>(), 1);
/// ```
///
/// # Source
/// `keras.optimizers.Optimizer`; the separation of settings and state is that of Optax.
pub trait Optimizer: fmt::Debug + Send + Sync + 'static {
    /// The name of the kind of optimizer, as in files.
    fn kind(&self) -> &'static str;

    /// The learning rate.
    fn learning_rate(&self) -> &dyn LearningRateSchedule;

    /// What is remembered for each parameter: names, and the number that all elements start as. Such a *slot* has the
    /// parameter's dtype and shape.
    fn slots(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Changes all gradients before they are followed: clipping.
    fn prepare(&self, gradients: Vec<Tensor>) -> Vec<Tensor> {
        gradients
    }

    /// The parameter after a step; also puts new values into the slots.
    fn update(&self, update: Update<'_>) -> Tensor;

    /// The settings, as they are kept in files.
    fn config(&self) -> Json {
        Json::Null
    }

    /// The state before the first step, for these parameters.
    fn start<T: TensorTree>(&self, parameters: &T) -> OptimizerState
    where
        Self: Sized,
    {
        start(self, parameters)
    }

    /// Moves every leaf of `parameters` along its gradient.
    ///
    /// # Panics
    /// When the state was started for other parameters.
    #[track_caller]
    fn step<T: TensorTree>(&self, parameters: &mut T, gradients: &T, state: &mut OptimizerState)
    where
        Self: Sized,
    {
        step(self, parameters, gradients, state);
    }
}

/// An optimizer that is chosen while the program runs.
impl Optimizer for Box<dyn Optimizer> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }
    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        (**self).learning_rate()
    }
    fn slots(&self) -> Vec<(&'static str, f64)> {
        (**self).slots()
    }
    fn prepare(&self, gradients: Vec<Tensor>) -> Vec<Tensor> {
        (**self).prepare(gradients)
    }
    fn update(&self, update: Update<'_>) -> Tensor {
        (**self).update(update)
    }
    fn config(&self) -> Json {
        (**self).config()
    }
}

/// One parameter and what it moves by.
///
/// ```
/// use grafito::nn::{LearningRateSchedule, Optimizer, Update};
/// use grafito::prelude::*;
///
/// /// Follows the sign of the gradient.
/// #[derive(Debug)]
/// struct SignSgd(f32);
///
/// impl Optimizer for SignSgd {
///     fn kind(&self) -> &'static str {
///         "SignSgd"
///     }
///     fn learning_rate(&self) -> &dyn LearningRateSchedule {
///         &self.0
///     }
///     fn update(&self, update: Update<'_>) -> Tensor {
///         update.parameter - update.gradient.sign() * update.learning_rate
///     }
/// }
///
/// let mut w = Tensor::from([1.0f32, 2.0]);
/// let mut state = SignSgd(0.5).start(&w);
/// SignSgd(0.5).step(&mut w, &Tensor::from([100.0f32, -0.1]), &mut state);
/// assert_eq!(w.to_vec::<f32>(), [0.5, 2.5]);
/// ```
#[derive(Debug)]
pub struct Update<'a> {
    /// The parameter.
    pub parameter: &'a Tensor,
    /// Its gradient, of the same fact.
    pub gradient: &'a Tensor,
    /// What is remembered for it, in the order of [`Optimizer::slots`].
    pub slots: &'a mut [Tensor],
    /// The learning rate of this step, a scalar of the parameter's dtype.
    pub learning_rate: &'a Tensor,
    /// How many steps were made before this one, an i64 scalar.
    pub step: &'a Tensor,
}

/// What an optimizer remembers between steps; a tree of tensors.
///
/// ```
/// use grafito::nn::{Optimizer, Sgd};
/// use grafito::prelude::*;
///
/// let state = Sgd::new(0.1).momentum(0.9).start(&(Tensor::from([1.0f32]), Tensor::scalar(2.0f32)));
/// assert_eq!(state.slots.names(), ["0/momentum", "1/momentum"]);
/// assert_eq!(state.learning_rate.item::<f32>(), 0.1);
/// ```
#[derive(Debug, Clone, TensorTree)]
pub struct OptimizerState {
    /// Steps made, an i64 scalar.
    pub step: Tensor,
    /// The learning rate that the schedule starts from, an f32 scalar. Setting it traces nothing anew.
    pub learning_rate: Tensor,
    /// What is remembered for each parameter: `dense/kernel/momentum`, …
    pub slots: Variables,
}

/// The state before the first step. (Apart from [`Optimizer::start`], so that it also takes a `dyn` optimizer.)
pub(super) fn start<T: TensorTree>(optimizer: &dyn Optimizer, parameters: &T) -> OptimizerState {
    let mut slots = Variables::new();
    for (path, parameter) in named_leaves(parameters) {
        for (name, start) in optimizer.slots() {
            let slot = Tensor::zeros(parameter.shape(), parameter.dtype()).full_like(start);
            slots.insert(if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }, slot);
        }
    }
    OptimizerState {
        step: Tensor::scalar(0i64),
        learning_rate: Tensor::scalar(optimizer.learning_rate().initial()),
        slots,
    }
}

#[track_caller]
pub(super) fn step<T: TensorTree>(
    optimizer: &dyn Optimizer,
    parameters: &mut T,
    gradients: &T,
    state: &mut OptimizerState,
) {
    let mut found = Vec::new();
    gradients.visit(&mut |gradient: &Tensor| found.push(gradient.clone()));
    let gradients = optimizer.prepare(found);
    let rate = optimizer.learning_rate().rate(&state.learning_rate, &state.step);
    let slots = optimizer.slots().len();
    let mut index = 0;
    assert_eq!(state.slots.len(), slots * gradients.len(), "the state is that of other parameters");
    parameters.for_each_leaf_mut(&mut |parameter| {
        let rate =
            if rate.dtype() == parameter.dtype() { rate.clone() } else { rate.cast(parameter.dtype()) };
        *parameter = optimizer.update(Update {
            parameter,
            gradient: &gradients[index],
            slots: &mut state.slots.tensors_mut()[slots * index..][..slots],
            learning_rate: &rate,
            step: &state.step,
        });
        index += 1;
    });
    state.step = &state.step + 1;
}
