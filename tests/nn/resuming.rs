//! What callbacks remember is resumed with the training; whole models are loaded, with all that they are trained by.

use std::fs;
use std::path::Path;

use grafito::datasets::Dataset;
use grafito::nn::{
    Accuracy, Adagrad, Adam, AdamW, Auc, Batch, BinaryCrossEntropy, Callback, CallbackResult,
    CheckpointProblem, Clip, CosineDecay, CrossEntropy, Dense, Dropout, EarlyStopping, ExponentialDecay, Fit,
    Hinge, History, Huber, LearningRateSchedule, Logs, Loss, MeanAbsoluteError, MeanSquaredError, Metric,
    Model, ModelCheckpoint, Optimizer, Precision, Recall, Registry, RmsProp, Run, Sequential, Sgd, Sigmoid,
    SparseCrossEntropy, StepDecay, StopFlag, TopKAccuracy, Update, WarmUp,
};
use grafito::prelude::*;
use serde_json::{Value, json};

use crate::support::{bits, quiet, some_digits, stateful, with_header};

/// Sets a figure to what a list says, and asks to stop after a step, as a handler of Ctrl-C does.
struct Script {
    stop_at: Option<(usize, usize)>,
    stop: StopFlag,
}

/// Epoch 4 is the best before two that are not better; later ones would be.
const SCRIPT: [f64; 9] = [3.0, 2.0, 2.5, 1.99, 2.5, 2.4, 1.0, 0.5, 0.25];

impl Callback for Script {
    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        if self.stop_at == Some((run.epoch(), batch.number)) {
            self.stop.set();
        }
        Ok(())
    }
    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        logs.insert("scripted", SCRIPT[run.epoch() - 1]);
        Ok(())
    }
}

/// Trains up to an epoch, with new callbacks, as a new process does; goes on from the last checkpoint if there is one.
fn train(
    folder: &Path,
    up_to: usize,
    stop_at: Option<(usize, usize)>,
    saves_first: bool,
) -> (Model, History) {
    let mut model = stateful();
    let last = folder.join("last.safetensors");
    if last.exists() {
        model.restore(&last).unwrap();
    }
    let stop = StopFlag::new();
    let stopping = || EarlyStopping::new("scripted").patience(2).restore_best();
    let mut fit = Fit { stop: stop.clone(), ..quiet(up_to - model.epochs()) }.with(Script { stop_at, stop });
    // Whether what saves stands before or after what it is to save makes no difference.
    if !saves_first {
        fit = fit.with(stopping());
    }
    fit = fit.with(ModelCheckpoint::best(folder.join("best.safetensors"), "scripted"));
    fit = fit.with(ModelCheckpoint::last(&last));
    if saves_first {
        fit = fit.with(stopping());
    }
    // Another one of the same kind, which remembers something else.
    fit = fit.with(EarlyStopping::new("scripted").maximize().patience(50));
    let history = model.fit(&some_digits(96), fit).unwrap();
    (model, history)
}

#[test]
fn interrupted_anywhere_and_resumed_training_ends_where_an_unbroken_one_does() {
    for saves_first in [false, true] {
        let unbroken = tempfile::tempdir().unwrap();
        let (whole, history) = train(unbroken.path(), 9, None, saves_first);
        assert_eq!(history.epochs().len(), 6);
        let reason = history.stopped().unwrap();
        assert_eq!(reason, "`scripted` is no better than 1.9900 for 2 epochs");
        let file = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();

        // After each epoch, the one that early stopping ends with included, and within some.
        let after = (1..=6).map(|epoch| (epoch, None));
        let within = [(9, Some((1, 1))), (9, Some((3, 2))), (9, Some((5, 1))), (9, Some((6, 2)))];
        for (up_to, stop_at) in after.chain(within) {
            let broken = tempfile::tempdir().unwrap();
            let what = format!("{up_to} {stop_at:?}");
            train(broken.path(), up_to, stop_at, saves_first);
            let (resumed, history) = train(broken.path(), 9, None, saves_first);
            assert_eq!(history.stopped(), Some(reason), "{what}");
            assert_eq!(resumed.epochs(), 6, "{what}");
            // The weights of the best epoch, which may have been before the interruption.
            assert_eq!(bits(&resumed), bits(&whole), "{what}");
            for name in ["best.safetensors", "last.safetensors"] {
                assert!(file(broken.path(), name) == file(unbroken.path(), name), "{what}: {name} differs");
            }
        }
    }
}

#[test]
fn what_was_remembered_of_another_figure_or_by_nobody_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), 5, None, false);
    let last = folder.path().join("last.safetensors");
    let run = |fit: Fit<'_>| {
        let mut model = stateful();
        model.restore(&last).unwrap();
        model.fit(&some_digits(96), fit).unwrap().epochs().len()
    };
    assert_eq!(run(quiet(2)), 2);
    assert_eq!(run(quiet(2).with(EarlyStopping::new("loss").patience(2))), 2);
    // A training that begins anew in the same program remembers nothing.
    let script = || Script { stop_at: None, stop: StopFlag::new() };
    let stopping = || EarlyStopping::new("scripted").patience(2);
    let mut model = stateful();
    let history = model.fit(&some_digits(96), quiet(6).with(script()).with(stopping())).unwrap();
    assert!(history.stopped().is_some());
    let history = model.fit(&some_digits(96), quiet(3).with(script()).with(stopping())).unwrap();
    assert_eq!((history.epochs().len(), history.stopped()), (3, None));
}

#[test]
fn a_state_that_makes_no_sense_is_an_error_of_its_callback() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), 5, None, false);
    let whole = fs::read(folder.path().join("last.safetensors")).unwrap();
    let path = folder.path().join("edited.safetensors");
    let error = |from: &str, to: &str| {
        fs::write(&path, with_header(&whole, from, to)).unwrap();
        let mut model = stateful();
        model.restore(&path).unwrap();
        let script = Script { stop_at: None, stop: StopFlag::new() };
        let fit = quiet(1).with(script).with(EarlyStopping::new("scripted").restore_best());
        model.fit(&some_digits(96), fit).unwrap_err().to_string()
    };
    let waited = r#""training/callbacks/EarlyStopping/scripted/waited":{"dtype":""#;
    let wrong = error(&format!("{waited}I64"), &format!("{waited}F64"));
    assert!(wrong.starts_with("callback `EarlyStopping`: ") && wrong.contains("f64"), "{wrong}");
    let missing =
        error("EarlyStopping/scripted/weights/dense/bias", "EarlyStopping/scripted/weights/dance/bias");
    assert_eq!(
        missing,
        "callback `EarlyStopping`: the weight `dense/bias` of the best epoch was not remembered"
    );
}

#[test]
fn a_resume_that_fails_changes_nothing_and_can_be_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), 9, Some((5, 1)), false);
    let last = folder.path().join("last.safetensors");
    let whole = fs::read(&last).unwrap();
    let waited = r#""training/callbacks/EarlyStopping/scripted/waited":{"dtype":""#;
    let broken = with_header(&whole, &format!("{waited}I64"), &format!("{waited}F64"));
    fs::write(&last, &broken).unwrap();
    let mut model = stateful();
    model.restore(&last).unwrap();
    let before = bits(&model);
    let script = || Script { stop_at: None, stop: StopFlag::new() };
    // The first can be resumed, and knows the weights of the best epoch; the second cannot.
    for _ in 0..2 {
        let fit = quiet(4).with(script()).with(ModelCheckpoint::best(folder.path().join("best"), "scripted"));
        let fit = fit.with(EarlyStopping::new("scripted").patience(2).restore_best());
        let error = model.fit(&some_digits(96), fit.with(ModelCheckpoint::last(&last))).unwrap_err();
        assert!(error.to_string().starts_with("callback `EarlyStopping`: "), "{error}");
        assert!(fs::read(&last).unwrap() == broken, "the checkpoint was replaced");
        assert_eq!((model.epochs(), model.batches()), (4, 1));
        assert_eq!(bits(&model), before);
    }

    // Where the first step fails nothing has been gone on from either: the next run stops where an unbroken one does.
    fs::write(&last, &whole).unwrap();
    let mut model = stateful();
    model.restore(&last).unwrap();
    let mut run = |data: &Dataset| {
        let fit = quiet(5).with(script()).with(EarlyStopping::new("scripted").patience(2));
        model.fit(data, fit.with(ModelCheckpoint::last(&last)))
    };
    let wrong = Dataset::new(Tensor::zeros([96, 5], DType::U8), Tensor::zeros([96], DType::I64));
    run(&wrong).unwrap_err();
    assert!(fs::read(&last).unwrap() == whole, "the checkpoint was replaced");
    let history = run(&some_digits(96)).unwrap();
    assert_eq!(history.stopped(), Some("`scripted` is no better than 1.9900 for 2 epochs"));
    assert_eq!(history.epochs().len(), 2);
}

#[test]
fn a_callback_starts_afresh_in_its_second_run_which_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.safetensors");
    let script = || Script { stop_at: None, stop: StopFlag::new() };
    let mut stopping = EarlyStopping::new("scripted").patience(2).restore_best();
    let mut first = stateful();
    let history = first.fit(&some_digits(96), quiet(9).with(script()).with(&mut stopping)).unwrap();
    assert_eq!(history.epochs().len(), 6);

    // Nothing in these is as good as the best of the first run.
    let fit = quiet(3).with(script()).with(&mut stopping).with(ModelCheckpoint::last(&last));
    let history = stateful().fit(&some_digits(96), fit).unwrap();
    assert_eq!((history.epochs().len(), history.stopped()), (3, None));

    // Also with the callback that has been in both runs.
    for mut stopping in [EarlyStopping::new("scripted").patience(2).restore_best(), stopping] {
        let mut resumed = stateful();
        resumed.restore(&last).unwrap();
        let history = resumed.fit(&some_digits(96), quiet(6).with(script()).with(&mut stopping)).unwrap();
        assert_eq!((history.epochs().len(), resumed.epochs()), (3, 6));
        assert_eq!(bits(&resumed), bits(&first));
    }
}

/// Where the child of the next test resumes from.
const CHILD: &str = "GRAFITO_TEST_RESUMES_FROM";

#[test]
#[ignore = "a child process of the next test"]
fn resumes_without_the_callbacks() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let mut model = stateful();
    model.restore(&path).unwrap();
    let script = Script { stop_at: None, stop: StopFlag::new() };
    model.fit(&some_digits(96), quiet(1).with(script).with(EarlyStopping::new("scripted"))).unwrap();
    // Said once: what follows is another run.
    model.fit(&some_digits(96), quiet(1)).unwrap();
}

#[test]
fn what_a_resumed_run_has_no_callback_for_is_said() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), 2, None, false);
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "resuming::resumes_without_the_callbacks", "--ignored", "--nocapture"])
        .env(CHILD, folder.path().join("last.safetensors"))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let warnings: Vec<&str> = errors.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        warnings,
        [
            "warning: the checkpoint has what `EarlyStopping_1`, `ModelCheckpoint` remembered, and this run has no such callback"
        ]
    );
}

/// Weights of the best epoch that a checkpoint lacks are no reason to give up the rest of it.
#[test]
fn weights_that_were_not_remembered_are_restored_of_a_later_epoch_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.safetensors");
    let script = || Script { stop_at: None, stop: StopFlag::new() };
    let train = |epochs: usize, stopping: EarlyStopping| {
        let mut model = stateful();
        if last.exists() {
            model.restore(&last).unwrap();
        }
        let fit = quiet(epochs).with(script()).with(stopping).with(ModelCheckpoint::last(&last));
        let history = model.fit(&some_digits(96), fit).unwrap();
        (model, history.epochs().len())
    };
    let stopping = || EarlyStopping::new("scripted").patience(2);
    // Epoch 2 is better than 1, and 3 is not.
    train(3, stopping());
    let before = fs::read(&last).unwrap();
    // Epoch 4 is the best, before two that are not.
    let (best, _) = train(1, stopping());
    fs::write(&last, &before).unwrap();
    let (restored, epochs) = train(9, stopping().restore_best());
    assert_eq!(epochs, 3);
    assert_eq!(bits(&restored), bits(&best));

    // It has waited for one already, and the bar is out of reach: nothing is restored.
    fs::write(&last, &before).unwrap();
    let (plain, _) = train(1, stopping().least_change(9.0));
    fs::write(&last, &before).unwrap();
    let (ended, epochs) = train(9, stopping().least_change(9.0).restore_best());
    assert_eq!(epochs, 1);
    assert_eq!(bits(&ended), bits(&plain));
}

/// A model of two inputs and an output, trained by these, after some steps.
fn trained(
    optimizer: impl Optimizer,
    loss: impl Loss,
    metrics: Vec<Box<dyn Metric>>,
    classes: usize,
) -> Model {
    let network =
        Sequential::new().seed(2).add(Dense::new(8)).add(Dropout::new(0.25)).add(Dense::new(classes));
    let mut model = network.add(Sigmoid).compile(optimizer, loss, metrics);
    model.fit(&points(classes), Fit { batch_size: 4, ..quiet(2) }).unwrap();
    model
}

fn points(classes: usize) -> Dataset {
    let x = Tensor::random_uniform([10, 2], DType::F32, 5);
    let labels = (Tensor::arange(10, DType::I64) % 2).cast(DType::F32);
    let y = if classes == 1 { labels.reshape([10, 1]) } else { labels };
    Dataset::new(x, y.cast(if classes == 1 { DType::F32 } else { DType::I64 }))
}

/// Loads a model by nothing but its file, and compares how both go on.
#[track_caller]
fn check_loaded(mut model: Model, classes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("a"), folder.path().join("b"));
    model.save(&path).unwrap();
    let mut loaded = Model::load(&path).unwrap();
    loaded.save(&again).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());
    let more = |model: &mut Model| {
        let history = model.fit(&points(classes), Fit { batch_size: 4, ..quiet(2) }).unwrap();
        history.epochs().iter().map(|epoch| (epoch.number, epoch.logs.clone())).collect::<Vec<_>>()
    };
    assert_eq!(more(&mut loaded), more(&mut model));
    assert_eq!(bits(&loaded), bits(&model));
}

#[test]
fn models_are_loaded_with_whatever_they_are_trained_by() {
    let optimizers: Vec<Box<dyn Optimizer>> = vec![
        Box::new(Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(0.01)),
        Box::new(RmsProp::new(StepDecay::new(0.01, 3, 0.5)).rho(0.8).momentum(0.5).epsilon(1e-3).centered()),
        Box::new(Adagrad::new(ExponentialDecay::new(0.1, 7, 0.3)).initial_accumulator(0.2).epsilon(1e-5)),
        Box::new(Adam::new(CosineDecay::new(0.1, 9).floor(0.1)).betas(0.8, 0.99).epsilon(1e-5).amsgrad()),
        Box::new(AdamW::new(WarmUp::new(2, WarmUp::new(3, 0.1))).weight_decay(0.3).betas(0.7, 0.9)),
        Box::new(Clip::by_value(0.1, Clip::by_norm(0.2, Clip::by_global_norm(0.3, Sgd::new(0.1))))),
    ];
    for optimizer in optimizers {
        check_loaded(trained(optimizer, MeanSquaredError, Vec::new(), 1), 1);
    }
    let losses: Vec<Box<dyn Loss>> = vec![
        Box::new(BinaryCrossEntropy::new().label_smoothing(0.1)),
        Box::new(Hinge),
        Box::new(Huber::new(0.3)),
        Box::new(MeanAbsoluteError),
        Box::new(CrossEntropy::from_logits().label_smoothing(0.2)),
    ];
    for loss in losses {
        let metrics: Vec<Box<dyn Metric>> = vec![
            Box::new(Precision::new().threshold(0.3)),
            Box::new(Precision::new().named("precise").named("doubly named")),
            Box::new(Precision::new()),
            Box::new(Recall::new()),
            Box::new(Auc::new().thresholds(17).precision_recall()),
        ];
        check_loaded(trained(Sgd::new(0.1), loss, metrics, 1), 1);
    }
    let metrics: Vec<Box<dyn Metric>> = vec![
        Box::new(Accuracy),
        Box::new(Accuracy),
        Box::new(TopKAccuracy::new(2)),
        Box::new(Auc::new().of_class(1)),
    ];
    check_loaded(trained(Sgd::new(0.1), SparseCrossEntropy::new(), metrics, 3), 3);
}

#[test]
fn kinds_that_are_not_known_say_how_they_are_made_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let metrics: Vec<Box<dyn Metric>> = vec![Box::new(Auc::new().named("area"))];
    let rate = WarmUp::new(2, CosineDecay::new(0.125, 9));
    trained(Clip::by_norm(1.0, Sgd::new(rate)), Huber::new(0.5), metrics, 1).save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let error = |from: &str, to: &str| {
        fs::write(&path, with_header(&whole, from, to)).unwrap();
        let error = Model::load_with(&path, &Registry::new()).unwrap_err();
        assert!(!matches!(error.problem, CheckpointProblem::Damaged(_)), "{error}");
        error.problem.to_string()
    };
    let cases = [
        (
            "Sgd",
            "Sad",
            "the optimizer is a Sad, which is not registered; `Registry::add_optimizer(\"Sad\", ..)`",
        ),
        (
            "Huber",
            "Hubris",
            "the loss is a Hubris, which is not registered; `Registry::add_loss(\"Hubris\", ..)`",
        ),
        (
            "Auc",
            "Aucs",
            "the metric is a Aucs, which is not registered; `Registry::add_metric(\"Aucs\", ..)`",
        ),
        (
            "CosineDecay",
            "Cosine",
            "the schedule is a Cosine, which is not registered; `Registry::add_schedule(\"Cosine\", ..)`",
        ),
        (
            "Dense",
            "Dance",
            "layer `dense` is a Dance, which is not registered; `Registry::add_layer(\"Dance\")`",
        ),
    ];
    for (from, to, message) in cases {
        let found = error(&format!(r#"\"kind\":\"{from}\""#), &format!(r#"\"kind\":\"{to}\""#));
        assert!(found.starts_with(message) && found.contains("load_with"), "{found}");
    }
    // Settings that make no sense.
    for (from, to, message) in [
        (
            r#"\"limit\":1.0"#,
            r#"\"limit\":-1.0"#,
            "the optimizer (Clip): gradients are clipped to -1, expected a positive",
        ),
        (r#"\"steps\":2"#, r#"\"steps\":0"#, "the schedule (WarmUp): invalid value: integer `0`"),
        (r#"\"steps\":9"#, r#"\"steps\":0"#, "the schedule (CosineDecay): invalid value: integer `0`"),
        (r#"\"thresholds\":200"#, r#"\"thresholds\":1"#, "the metric (Auc): a curve with 1 thresholds"),
        (
            r#"\"thresholds\":200"#,
            r#"\"thresholds\":2000000000000"#,
            "the metric (Auc): a curve with 2000000000000",
        ),
        (r#"\"delta\":0.5"#, r#"\"delta\":null"#, "the loss (Huber): invalid type: null"),
    ] {
        let found = error(from, to);
        assert!(found.starts_with(message), "{found}");
    }
    // A network without a training is no model.
    let mut network = Sequential::new().input([2]).add(Dense::new(1));
    network.build().unwrap().save(&path).unwrap();
    assert!(matches!(Model::load(&path).unwrap_err().problem, CheckpointProblem::NoModel));
}

/// A schedule and an optimizer, each of them made of another one.
#[derive(Debug)]
struct Slower<T>(T);

impl<S: LearningRateSchedule> LearningRateSchedule for Slower<S> {
    fn kind(&self) -> &'static str {
        "SlowerSchedule"
    }
    fn initial(&self) -> f32 {
        self.0.initial()
    }
    fn rate(&self, initial: &Tensor, step: &Tensor) -> Tensor {
        self.0.rate(initial, step) / 2.0
    }
    fn config(&self) -> Value {
        json!({ "of": { "kind": self.0.kind(), "config": self.0.config() } })
    }
}

impl<O: Optimizer> Optimizer for Slower<O> {
    fn kind(&self) -> &'static str {
        "SlowerOptimizer"
    }
    fn learning_rate(&self) -> &dyn LearningRateSchedule {
        self.0.learning_rate()
    }
    fn slots(&self) -> Vec<(&'static str, f64)> {
        self.0.slots()
    }
    fn prepare(&self, gradients: Vec<Tensor>) -> Vec<Tensor> {
        self.0.prepare(gradients.iter().map(|gradient| gradient / 2.0).collect())
    }
    fn update(&self, update: Update<'_>) -> Tensor {
        self.0.update(update)
    }
    fn config(&self) -> Value {
        json!({ "of": { "kind": self.0.kind(), "config": self.0.config() } })
    }
}

#[test]
fn what_is_made_of_another_one_is_loaded_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("a"), folder.path().join("b"));
    let rate = WarmUp::new(2, Slower(WarmUp::new(3, Slower(CosineDecay::new(0.5, 9)))));
    let optimizer = Clip::by_norm(1.0, Slower(Clip::by_value(0.5, Sgd::new(rate).momentum(0.5))));
    let mut model = trained(optimizer, Huber::new(0.5), Vec::new(), 1);
    model.save(&path).unwrap();

    let mut registry = Registry::new();
    let problem = |registry: &Registry| Model::load_with(&path, registry).unwrap_err().problem.to_string();
    assert!(problem(&registry).starts_with("the schedule is a SlowerSchedule, which is not registered"));
    registry.add_schedule_with("SlowerSchedule", |config, registry| {
        Ok(Slower(registry.schedule(&config["of"])?))
    });
    assert!(problem(&registry).starts_with("the optimizer is a SlowerOptimizer, which is not registered"));
    registry.add_optimizer("SlowerOptimizer", |config, rate, registry| {
        Ok(Slower(registry.optimizer(&config["of"], rate)?))
    });
    let mut loaded = Model::load_with(&path, &registry).unwrap();
    loaded.save(&again).unwrap();
    assert!(fs::read(&path).unwrap() == fs::read(&again).unwrap());
    let more = |model: &mut Model| model.fit(&points(1), quiet(2)).unwrap().series("loss");
    assert_eq!(more(&mut loaded), more(&mut model));

    // What is wrong is said of the part that it is wrong with, however deep that is.
    let whole = fs::read(&path).unwrap();
    for (from, to, message) in [
        (r#"\"kind\":\"Sgd\""#, r#"\"kind\":\"Sad\""#, "the optimizer is a Sad, which is not registered"),
        (r#"\"steps\":9"#, r#"\"steps\":0"#, "the schedule (CosineDecay): invalid value: integer `0`"),
        (r#"\"limit\":0.5"#, r#"\"limit\":-0.5"#, "the optimizer (Clip): gradients are clipped to -0.5"),
        (r#"\"then\""#, r#"\"than\""#, "the schedule (WarmUp): missing field `then`"),
        (
            r#"\"kind\":\"CosineDecay\""#,
            r#"\"kin\":\"\""#,
            "its description of the model: a schedule without its kind",
        ),
    ] {
        fs::write(&path, with_header(&whole, from, to)).unwrap();
        let found = problem(&registry);
        assert!(found.starts_with(message), "{found}");
    }
}

#[test]
fn numbers_in_descriptions_keep_all_their_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut number = 0.123_456_789_f64;
    let mut next = || {
        number = (number * 997.0).fract();
        number
    };
    for _ in 0..100 {
        let adam = AdamW::new(ExponentialDecay::new(next() as f32, 3, next()));
        let adam = Clip::by_norm(next(), adam.betas(next(), next()).epsilon(next()).weight_decay(next()));
        let network = Sequential::new().input([1]).add(Dropout::new(next() as f32));
        let mut model = network.compile(adam, Huber::new(next()), ());
        model.build().unwrap().save(&path).unwrap();
        // Settings that differ would be refused.
        model.restore(&path).unwrap();
        Model::load(&path).unwrap();
    }
}
