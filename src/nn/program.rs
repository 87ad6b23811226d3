//! What a compiled model does with a batch: the steps of training and of evaluation, each one traced function.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use grafito::{DType, Origin, Tensor, TensorTree, graph_fn, leaves, name_scope, value_and_grad_aux};

use super::distinct;
use super::layer::Pass;
use super::loss::{Loss, Predictions};
use super::metric::Metric;
use super::network::{Network, Weights};
use super::optimizer::{self, Optimizer, OptimizerState};
use super::variables::Variables;

/// A network with what it is trained by. As a part of a signature it is equal to its own copies only.
#[derive(Clone)]
pub(super) struct Program(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    network: Network,
    training: Arc<Training>,
}

/// What a network is trained by.
#[derive(Debug)]
pub(super) struct Training {
    pub(super) optimizer: Box<dyn Optimizer>,
    pub(super) loss: Box<dyn Loss>,
    pub(super) metrics: Vec<Box<dyn Metric>>,
    /// The names of their figures, no two of them equal, and none `loss`.
    pub(super) names: Vec<String>,
    /// Where the user said so: what belongs to no layer is traced as made there.
    pub(super) origin: Origin,
}

impl Training {
    pub(super) fn new(
        optimizer: Box<dyn Optimizer>,
        loss: Box<dyn Loss>,
        metrics: Vec<Box<dyn Metric>>,
        origin: Origin,
    ) -> Training {
        let own = metrics.iter().map(|metric| metric.name());
        let names = distinct(std::iter::once(LOSS.to_owned()).chain(own)).split_off(1);
        Training { optimizer, loss, metrics, names, origin }
    }

    /// The metrics with the names of their figures.
    fn metrics(&self) -> impl Iterator<Item = (&str, &dyn Metric)> {
        self.names.iter().map(String::as_str).zip(self.metrics.iter().map(|metric| &**metric))
    }
}

/// What the mean loss is called among the figures.
const LOSS: &str = "loss";

/// What changes from step to step, beside the weights. All of it is part of a checkpoint.
#[derive(Debug, Clone, TensorTree)]
pub(super) struct TrainingState {
    pub(super) optimizer: OptimizerState,
    /// The next key that layers draw from, an i64 scalar.
    pub(super) noise: Tensor,
    pub(super) totals: Totals,
}

/// What is added up over an epoch.
#[derive(Debug, Clone, TensorTree)]
pub(super) struct Totals {
    /// Of the losses of all examples, an f64 scalar.
    loss: Tensor,
    /// Examples, an i64 scalar.
    seen: Tensor,
    /// Of each metric: `accuracy/hits`, …
    metrics: Variables,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let training = &self.0.training;
        write!(
            f,
            "{:?}, trained by {} on {}",
            self.0.network,
            training.optimizer.kind(),
            training.loss.kind()
        )
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Program) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Program {}

impl Hash for Program {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        Arc::as_ptr(&self.0).addr().hash(hasher);
    }
}

impl Program {
    pub(super) fn new(network: Network, training: Arc<Training>) -> Program {
        Program(Arc::new(Parts { network, training }))
    }

    pub(super) fn network(&self) -> &Network {
        &self.0.network
    }

    /// The state before the first step.
    pub(super) fn start(&self, weights: &Weights, noise: i64) -> TrainingState {
        self.0.training.origin.scope(|| TrainingState {
            optimizer: optimizer::start(&*self.0.training.optimizer, &weights.trainable),
            noise: Tensor::scalar(noise),
            totals: self.totals(),
        })
    }

    /// The totals before the first batch of an epoch.
    pub(super) fn totals(&self) -> Totals {
        let mut metrics = Variables::new();
        for (figure, metric) in self.0.training.metrics() {
            for (name, start) in metric.start(self.0.network.output()) {
                metrics.insert(format!("{figure}/{name}"), start);
            }
        }
        Totals { loss: Tensor::scalar(0.0f64), seen: Tensor::scalar(0i64), metrics }
    }

    /// Sets totals to what they are before the first batch. (Their names stay, so that the next call sees at a glance that
    /// they are the same.)
    pub(super) fn restart(&self, totals: &mut Totals) {
        let mut start = leaves(&self.totals()).into_iter();
        totals.for_each_leaf_mut(&mut |total| *total = start.next().expect("the same leaves"));
    }

    /// Mean loss and metrics so far, by name.
    pub(super) fn figures(&self, totals: &Totals) -> Vec<(String, f64)> {
        let loss = totals.loss.item::<f64>() / totals.seen.item::<i64>() as f64;
        let mut figures = vec![(LOSS.to_owned(), loss)];
        let mut rest = totals.metrics.tensors();
        for (figure, metric) in self.0.training.metrics() {
            let (own, others) = rest.split_at(metric.start(self.0.network.output()).len());
            figures.push((figure.to_owned(), metric.result(own)));
            rest = others;
        }
        figures
    }

    fn train(
        &self,
        weights: &mut Weights,
        state: &mut TrainingState,
        x: &Tensor,
        targets: &Tensor,
    ) -> Tensor {
        let Parts { network, training } = &*self.0;
        let mut drawn = 0;
        let (loss, (predictions, statistics), gradients) =
            value_and_grad_aux(&weights.trainable, |trainable| {
                let mut pass = Pass::training(trainable, &weights.statistics, &state.noise);
                let predictions = network.forward(x, &mut pass);
                let loss = self.loss(trainable, &predictions, targets);
                drawn = pass.keys();
                (loss, (predictions, pass.statistics().clone()))
            });
        name_scope("optimizer", || {
            optimizer::step(&*training.optimizer, &mut weights.trainable, &gradients, &mut state.optimizer);
        });
        weights.statistics = statistics;
        if drawn > 0 {
            state.noise = &state.noise + drawn;
        }
        name_scope("metrics", || self.add(&mut state.totals, &loss, &predictions, targets));
        loss
    }

    fn test(&self, weights: &Weights, totals: &mut Totals, x: &Tensor, targets: &Tensor) -> Tensor {
        let mut pass = Pass::inference(&weights.trainable, &weights.statistics);
        let predictions = self.0.network.forward(x, &mut pass);
        let loss = self.loss(&weights.trainable, &predictions, targets);
        name_scope("metrics", || self.add(totals, &loss, &predictions, targets));
        loss
    }

    fn loss(&self, trainable: &Variables, predictions: &Predictions, targets: &Tensor) -> Tensor {
        name_scope("loss", || {
            let loss = self.0.training.loss.mean(predictions, targets);
            match self.0.network.penalty(trainable) {
                Some(penalty) => loss + penalty,
                None => loss,
            }
        })
    }

    fn add(&self, totals: &mut Totals, loss: &Tensor, predictions: &Predictions, targets: &Tensor) {
        let examples = predictions.values().shape()[0];
        totals.loss = &totals.loss + loss.cast(DType::F64) * examples;
        totals.seen = &totals.seen + examples;
        let mut start = 0;
        for (figure, metric) in self.0.training.metrics() {
            let len = metric.start(self.0.network.output()).len();
            let own = &mut totals.metrics.tensors_mut()[start..start + len];
            let updated = name_scope(figure, || metric.update(own, predictions, targets));
            assert_eq!(updated.len(), len, "the metric `{figure}` updates all of its totals");
            own.clone_from_slice(&updated);
            start += len;
        }
    }
}

/// A step of training: forward, backward, update, metrics. Gives the loss of the batch.
#[graph_fn]
pub(super) fn train_step(
    program: &Program,
    weights: &mut Weights,
    state: &mut TrainingState,
    x: &Tensor,
    targets: &Tensor,
) -> Tensor {
    program.0.training.origin.scope(|| program.train(weights, state, x, targets))
}

/// A step of evaluation. Gives the loss of the batch.
#[graph_fn]
pub(super) fn test_step(
    program: &Program,
    weights: &Weights,
    totals: &mut Totals,
    x: &Tensor,
    targets: &Tensor,
) -> Tensor {
    program.0.training.origin.scope(|| program.test(weights, totals, x, targets))
}
