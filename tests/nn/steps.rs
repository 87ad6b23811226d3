//! A step of training is one planned graph, which is traced once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use grafito::Fact;
use grafito::datasets::Dataset;
use grafito::nn::{
    Batch, Build, Callback, CallbackResult, Clip, Dense, Fit, Layer, LayerError, LearningRateScheduler,
    MeanSquaredError, Model, Optimizer, OptimizerState, Pass, Regularizer, Run, Sequential, Sgd, Softmax,
    SparseCrossEntropy,
};
use grafito::prelude::*;

use crate::support::{quiet, recipe, some_digits, stateful};

#[test]
fn weights_and_state_are_updated_in_their_own_buffers() {
    with_mode(Mode::Lazy, || {
        let mut model = recipe(1);
        let (images, labels) = (Tensor::zeros([32, 28, 28], DType::F32), Tensor::zeros([32], DType::U8));
        let plan = model.step_plan(&images, &labels).unwrap().to_string();
        let returned =
            plan.lines().find(|line| line.trim().starts_with("return ")).expect("a plan has results");
        // Four weights, then step, rate, key, loss, seen, hits, seen. Rate and key are handed through.
        let own: Vec<String> = (0..11).map(|input| format!("input{input}")).collect();
        assert!(returned.ends_with(&own.join(", ")), "{plan}");
    });
}

#[test]
fn what_only_a_softmax_is_for_is_not_computed() {
    with_mode(Mode::Lazy, || {
        let mut model = recipe(1);
        let (images, labels) = (Tensor::zeros([32, 28, 28], DType::F32), Tensor::zeros([32], DType::U8));
        let report = model.step_report(&images, &labels).unwrap();
        assert!(report.nodes_after() < report.nodes_before());
        let graph = model.step_graph(&images, &labels).unwrap().to_string();
        // One in the network, one in the gradient of the cross-entropy, of which a plan keeps the second.
        assert_eq!(graph.matches(" softmax").count(), 2, "{graph}");
        let plan = model.step_plan(&images, &labels).unwrap().to_string();
        assert_eq!(plan.matches("softmax").count(), 1, "{plan}");
    });
}

/// Counts how often it is run, which in lazy mode is how often it is traced.
#[derive(Debug)]
struct Counting(Arc<AtomicUsize>);

impl Layer for Counting {
    fn kind(&self) -> &'static str {
        "Counting"
    }
    fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
        Ok(input.clone())
    }
    fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
        self.0.fetch_add(1, Ordering::Relaxed);
        x.clone()
    }
}

#[test]
fn a_rate_that_changes_traces_nothing_anew() {
    with_mode(Mode::Lazy, || {
        let traces = Arc::new(AtomicUsize::new(0));
        let network = Sequential::new().add(Counting(traces.clone())).add(Dense::new(1));
        let mut model = network.compile(Sgd::new(0.1), MeanSquaredError, ());
        // 10 rows in batches of 4: two signatures, the second for the last two rows.
        let data = Dataset::new(Tensor::ones([10, 3], DType::F32), Tensor::ones([10, 1], DType::F32));
        let mut scheduler = LearningRateScheduler::new(|epoch, _| 0.1 / epoch as f32);
        let fit = grafito::nn::Fit { batch_size: 4, ..quiet(5) }.with(&mut scheduler);
        let history = model.fit(&data, fit).unwrap();
        assert_eq!(history.series("learning_rate").len(), 5);
        assert_eq!(traces.load(Ordering::Relaxed), 2);
        model.evaluate(&data).unwrap();
        model.set_learning_rate(0.5);
        model.fit(&data, grafito::nn::Fit { batch_size: 4, ..quiet(1) }).unwrap();
        assert_eq!(traces.load(Ordering::Relaxed), 3); // That of the evaluation.
    });
}

#[test]
fn a_rate_of_zero_changes_no_weight() {
    let mut model = stateful();
    model.set_learning_rate(0.0);
    model.fit(&some_digits(64), quiet(1)).unwrap();
    let before = model.weights();
    model.fit(&some_digits(64), quiet(1)).unwrap();
    for (name, tensor) in model.weights().iter() {
        let is_same = tensor.to_vec::<f32>() == before.get(name).unwrap().to_vec::<f32>();
        assert_eq!(is_same, !name.contains("moving"), "{name}");
    }
}

#[test]
fn penalties_are_part_of_the_loss_and_of_the_gradient() {
    let x = Tensor::zeros([4, 2], DType::F32);
    let y = Tensor::zeros([4, 1], DType::F32);
    let dense = Dense::new(1).kernel_regularizer(Regularizer { l1: 0.0, l2: 0.5 });
    let mut model = Sequential::new().input([2]).add(dense).compile(Sgd::new(0.1), MeanSquaredError, ());
    model.build().unwrap();
    model.set_weight("dense/kernel", &Tensor::from([[1.0f32], [-2.0]])).unwrap();
    assert_eq!(model.step(&x, &y).unwrap(), 2.5);
    // The gradient of 0.5 · w² is w.
    let expected = [1.0f32 - 0.1, -2.0 + 0.2];
    assert_eq!(model.weights().get("dense/kernel").unwrap().to_vec::<f32>(), expected);
}

#[test]
fn a_softmax_before_a_cross_entropy_is_exact_where_probabilities_vanish() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let dense = || Dense::new(2).without_bias();
            let sgd = || Sgd::new(0.0);
            let ends = [
                Sequential::new().input([2]).add(dense().activation(Softmax)),
                Sequential::new().input([2]).add(dense()).add(Softmax),
            ];
            for network in ends {
                let mut model = network.compile(sgd(), SparseCrossEntropy::new(), ());
                model.build().unwrap();
                model.set_weight("dense/kernel", &Tensor::eye(2, DType::F32)).unwrap();
                // The second class has a probability of e⁻²⁰⁰, which is 0 as an f32.
                let (x, y) = (Tensor::from([[100.0f32, -100.0]]), Tensor::from([1u8]));
                assert_eq!(model.step(&x, &y).unwrap(), 200.0);
                let logs = model.evaluate(&Dataset::new(x, y)).unwrap();
                assert_eq!(logs.get("loss"), Some(200.0));
            }
            // What comes after the softmax hides it: the loss is as exact as probabilities are.
            let hidden = Sequential::new()
                .input([2])
                .add(dense().activation(Softmax))
                .add(grafito::nn::Rescaling::new(1.0));
            let mut model = hidden.compile(sgd(), SparseCrossEntropy::new(), ());
            model.build().unwrap();
            model.set_weight("dense/kernel", &Tensor::eye(2, DType::F32)).unwrap();
            let loss = model.step(&Tensor::from([[100.0f32, -100.0]]), &Tensor::from([1u8])).unwrap();
            assert!((loss + 1e-7f64.ln()).abs() < 1e-3, "{loss}");
        });
    }
}

/// The traced step of a struct of one's own, with the same optimizer.
#[graph_fn]
fn own_step(w: &mut Tensor, state: &mut OptimizerState, x: &Tensor, y: &Tensor) -> Tensor {
    let (loss, gradient) = value_and_grad(&*w, |w| {
        let error = x.matmul(w) - y;
        (&error * &error).mean(..)
    });
    Sgd::new(0.1).momentum(0.9).step(w, &gradient, state);
    loss
}

#[test]
fn optimizers_serve_functions_of_ones_own_as_well() {
    with_mode(Mode::Lazy, || {
        let x = Tensor::from([[1.0f32, 2.0], [3.0, 4.0], [5.0, 7.0]]);
        let y = Tensor::from([[1.0f32], [2.0], [3.0]]);
        let sgd = Sgd::new(0.1).momentum(0.9);
        let dense = Dense::new(1).without_bias();
        let mut model = Sequential::new().input([2]).add(dense).compile(sgd.clone(), MeanSquaredError, ());
        model.build().unwrap();
        let mut w = model.weights().get("dense/kernel").unwrap().clone();
        let mut state = sgd.start(&w);
        for _ in 0..5 {
            let by_hand = own_step(&mut w, &mut state, &x, &y).item::<f32>();
            assert_eq!(model.step(&x, &y).unwrap(), f64::from(by_hand));
        }
    });
}

#[test]
fn every_node_of_a_step_is_from_the_users_lines() {
    with_mode(Mode::Lazy, || {
        let mut model = stateful();
        let (x, y) = some_digits(8).batch(8).epoch(0).next().unwrap();
        model.step(&x, &y).unwrap();
        let graph = model.step_graph(&x, &y).unwrap();
        let mut lines = std::collections::BTreeSet::new();
        for id in graph.topological_order() {
            let node = graph.node(id);
            // Inputs are from where the arguments were made.
            if !matches!(node.kind(), grafito::NodeKind::Input { .. } | grafito::NodeKind::Constant(_)) {
                assert!(
                    node.origin().file().ends_with("support.rs"),
                    "{:?} is from {}",
                    node.kind(),
                    node.origin()
                );
                lines.insert(node.origin().line());
            }
        }
        // Six layers and what they are compiled with.
        assert_eq!(lines.len(), 7, "{lines:?}");
    });
}

#[test]
fn each_step_draws_anew_and_evaluation_draws_nothing() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let network = Sequential::new().add(grafito::nn::Dropout::new(0.5)).add(Dense::new(1));
            let mut model = network.compile(Sgd::new(0.0), MeanSquaredError, ());
            let (x, y) = (Tensor::ones([8, 16], DType::F32), Tensor::ones([8, 1], DType::F32));
            let losses = [0; 3].map(|_| model.step(&x, &y).unwrap());
            assert!(losses[0] != losses[1] && losses[1] != losses[2] && losses[0] != losses[2], "{losses:?}");
            let data = Dataset::new(x, y);
            assert_eq!(model.evaluate(&data).unwrap(), model.evaluate(&data).unwrap());
        });
    }
}

fn line() -> (Dataset, Model) {
    let x = Tensor::random_uniform([20, 1], DType::F32, 1);
    let data = Dataset::new(x.clone(), &x * 2.0 + 1.0);
    (data, Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.4), MeanSquaredError, ()))
}

/// A step by hand is of no epoch of a dataset.
#[test]
fn an_epoch_after_steps_by_hand_is_a_whole_one() {
    let (data, mut model) = line();
    let batch = Tensor::ones([4, 1], DType::F32);
    for _ in 0..3 {
        model.step(&batch, &batch).unwrap();
    }
    let mut seen = 0;
    let count = |_: &mut Run<'_>, _: &Batch| {
        seen += 1;
        Ok(())
    };
    model.fit(&data, Fit { batch_size: 4, ..quiet(1) }.with(Each(count))).unwrap();
    assert_eq!(seen, 5);
}

/// A checkpoint of an epoch that was interrupted is gone on with, whatever was done with the model before.
#[test]
fn steps_by_hand_before_a_checkpoint_is_restored_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let (data, mut model) = line();
    let fit = || Fit { batch_size: 4, ..quiet(1) };
    let stop_after_two = |run: &mut Run<'_>, batch: &Batch| {
        if batch.number == 2 {
            run.stop("here");
        }
        Ok(())
    };
    model.fit(&data, fit().with(Each(stop_after_two))).unwrap();
    model.save(&path).unwrap();
    let (_, mut other) = line();
    let batch = Tensor::ones([4, 1], DType::F32);
    other.step(&batch, &batch).unwrap();
    other.restore(&path).unwrap();
    let mut numbers = Vec::new();
    let count = |_: &mut Run<'_>, batch: &Batch| {
        numbers.push(batch.number);
        Ok(())
    };
    other.fit(&data, fit().with(Each(count))).unwrap();
    assert_eq!(numbers, [3, 4, 5]);
}

/// What a step that fails leaves is no half of an epoch: the next run makes all steps, and its figures are of these alone.
#[test]
fn an_epoch_after_a_run_that_failed_is_a_whole_one() {
    let fit = || Fit { batch_size: 4, shuffle: false, ..quiet(1) };
    let (data, _) = line();
    let seen = AtomicUsize::new(0);
    let bad = data.clone().batch(4).map(move |x, y| match seen.fetch_add(1, Ordering::Relaxed) {
        2 => (x, Tensor::zeros([4, 3], DType::F32)),
        _ => (x, y),
    });
    let failing_callback = |_: &mut Run<'_>, batch: &Batch| match batch.number {
        3 => Err("the disk is full".into()),
        _ => Ok(()),
    };
    for is_callback in [false, true] {
        let (_, mut model) = line();
        let failed = match is_callback {
            true => model.fit(&data, fit().with(Each(failing_callback))),
            false => model.fit(&bad, fit()),
        };
        failed.unwrap_err();
        let made = if is_callback { 3 } else { 2 };
        assert_eq!((model.epochs(), model.batches()), (0, made));
        let (mut numbers, mut losses) = (Vec::new(), Vec::new());
        let each = |_: &mut Run<'_>, batch: &Batch| {
            numbers.push(batch.number);
            losses.push(batch.loss * batch.examples as f64);
            Ok(())
        };
        let history = model.fit(&data, fit().with(Each(each))).unwrap();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let mean = losses.iter().sum::<f64>() / 20.0;
        assert!((history.last("loss").unwrap() - mean).abs() < 1e-9 * mean);
        assert_eq!(model.epochs(), 1);
    }
}

struct Each<F>(F);

impl<F: FnMut(&mut Run<'_>, &Batch) -> CallbackResult> Callback for Each<F> {
    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        (self.0)(run, batch)
    }
}

/// A rate that depends on the one before is set once an epoch, also in one that was interrupted.
#[test]
fn the_rate_of_an_epoch_that_is_gone_on_with_stays() {
    let halving = || LearningRateScheduler::new(|epoch, rate| if epoch > 1 { rate / 2.0 } else { rate });
    let (data, mut model) = line();
    let fit = || Fit { batch_size: 4, shuffle: false, ..quiet(3) };
    let stop_in_the_second = |run: &mut Run<'_>, batch: &Batch| {
        if run.epoch() == 2 && batch.number == 2 {
            run.stop("here");
        }
        Ok(())
    };
    model.fit(&data, fit().with(halving()).with(Each(stop_in_the_second))).unwrap();
    let rest = model.fit(&data, Fit { epochs: 2, ..fit() }.with(halving())).unwrap();
    assert_eq!(rest.series("learning_rate"), [0.2f32, 0.1].map(f64::from));
}

#[test]
fn settings_that_no_file_could_hold_are_refused() {
    let (data, _) = line();
    let mut model = Sequential::new().add(Dense::new(1)).named("training/optimizer").compile(
        Sgd::new(0.1),
        MeanSquaredError,
        (),
    );
    let message = model.fit(&data, quiet(1)).unwrap_err().to_string();
    assert!(message.contains("below `training/`"), "{message}");
    let panicked = std::panic::catch_unwind(|| Clip::by_norm(f64::INFINITY, Sgd::new(0.1)));
    assert!(panicked.is_err());
    let message = line().1.fit(&data, Fit { batch_size: 0, ..quiet(1) }).unwrap_err();
    assert_eq!(format!("{message:?}"), message.to_string());
}
