//! What is called when, and what the callbacks of the library do.

use std::fs;

use grafito::datasets::Dataset;
use grafito::nn::{
    Accuracy, Batch, Callback, CallbackResult, CsvLogger, Dense, EarlyStopping, Fit, Flatten, History,
    LearningRateScheduler, Logs, MeanSquaredError, Model, ModelCheckpoint, ModelError, Run, Sequential, Sgd,
    StopFlag, TerminateOnNan, Validation,
};
use grafito::prelude::*;

use crate::support::{bits, quiet, some_digits, stateful};

/// Notes what is called.
#[derive(Default)]
struct Notes(Vec<String>);

impl Callback for Notes {
    fn on_train_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        self.0.push(format!("begin {}", run.last_epoch()));
        Ok(())
    }
    fn on_epoch_begin(&mut self, run: &mut Run<'_>) -> CallbackResult {
        self.0.push(format!("epoch {} of {:?} batches", run.epoch(), run.batches()));
        Ok(())
    }
    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        assert!(run.figures().get("accuracy").is_some());
        self.0.push(format!("batch {} of {}", batch.number, batch.examples));
        Ok(())
    }
    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
        self.0.push(format!("end of {}: {}", run.epoch(), names.join(" ")));
        logs.insert("own", run.history().epochs().len() as f64);
        Ok(())
    }
    fn on_train_end(&mut self, run: &mut Run<'_>) -> CallbackResult {
        self.0.push(format!("end after {}", run.history().epochs().len()));
        Ok(())
    }
}

#[test]
fn hooks_are_called_in_order() {
    let mut notes = Notes::default();
    let test = some_digits(10);
    let fit = Fit { validation: Validation::Data(&test), ..quiet(2) }.with(&mut notes);
    let history = stateful().fit(&some_digits(40), fit).unwrap();
    let figures = "loss accuracy val_loss val_accuracy";
    let epoch = |number: usize| {
        [
            format!("epoch {number} of Some(2) batches"),
            "batch 1 of 32".to_owned(),
            "batch 2 of 8".to_owned(),
            format!("end of {number}: {figures}"),
        ]
    };
    let expected = [&["begin 2".to_owned()][..], &epoch(1), &epoch(2), &["end after 2".to_owned()]].concat();
    assert_eq!(notes.0, expected);
    assert_eq!(history.series("own"), [0.0, 1.0]);
}

#[test]
fn a_stop_from_outside_finishes_the_step_and_calls_the_end_hooks() {
    struct Interrupt(StopFlag, Notes);
    impl Callback for Interrupt {
        fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
            if batch.number == 1 {
                self.0.set();
            }
            self.1.on_batch_end(run, batch)
        }
        fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
            self.1.on_epoch_end(run, logs)
        }
        fn on_train_end(&mut self, run: &mut Run<'_>) -> CallbackResult {
            self.1.on_train_end(run)
        }
    }
    let stop = StopFlag::new();
    let mut interrupt = Interrupt(stop.clone(), Notes::default());
    let mut model = stateful();
    let fit = Fit { stop: stop.clone(), ..quiet(9) }.with(&mut interrupt);
    let history = model.fit(&some_digits(70), fit).unwrap();
    assert_eq!(interrupt.1.0, ["batch 1 of 32", "end after 0"]);
    assert_eq!((history.epochs().len(), history.stopped()), (0, Some("interrupted")));
    assert_eq!((model.epochs(), model.batches()), (0, 1));
    assert!(stop.set(), "it was set before");
}

#[test]
fn a_callback_that_fails_ends_training_and_is_named() {
    struct Fails;
    impl Callback for Fails {
        fn on_epoch_end(&mut self, _: &mut Run<'_>, _: &mut Logs) -> CallbackResult {
            Err("nothing works".into())
        }
    }
    let mut notes = Notes::default();
    let fit = quiet(3).with(Fails).with(&mut notes);
    let error = stateful().fit(&some_digits(10), fit).unwrap_err();
    assert_eq!(error.to_string(), "callback `Fails`: nothing works");
    assert_eq!(notes.0.last().unwrap(), "end after 0");
}

/// A line through points, whose loss is the squared distance from where the line should be.
fn line(rate: f32) -> (Model, Dataset) {
    let x = Tensor::from([[0.0f32], [1.0], [2.0]]);
    let data = Dataset::new(x.clone(), x * 2.0 + 1.0);
    (Sequential::new().add(Dense::new(1)).compile(Sgd::new(rate), MeanSquaredError, ()), data)
}

/// Sets a figure to what a list says.
struct Script(Vec<f64>);

impl Callback for Script {
    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        logs.insert("scripted", self.0[run.epoch() - 1]);
        Ok(())
    }
}

#[test]
fn early_stopping_waits_and_restores_the_best() {
    let script = || Script(vec![3.0, 2.0, 2.5, 1.99, 2.5, f64::NAN, 1.0]);
    let run = |stopping: EarlyStopping, epochs: usize| {
        let (mut model, data) = line(0.1);
        let (mut script, mut stopping) = (script(), stopping);
        let fit = quiet(epochs).with(&mut script).with(&mut stopping);
        (model.fit(&data, fit).unwrap().epochs().len(), bits(&model))
    };
    assert_eq!(run(EarlyStopping::new("scripted").patience(2), 7).0, 6);
    assert_eq!(run(EarlyStopping::new("scripted"), 7).0, 3);
    assert_eq!(run(EarlyStopping::new("scripted").patience(2).least_change(0.1), 7).0, 4);
    assert_eq!(run(EarlyStopping::new("scripted").maximize(), 7).0, 2);
    assert_eq!(run(EarlyStopping::new("scripted").patience(9), 7).0, 7);
    // Epoch 4 was the best before the end at 6.
    let restored = run(EarlyStopping::new("scripted").patience(2).restore_best(), 7).1;
    assert_eq!(restored, run(EarlyStopping::new("scripted").patience(9), 4).1);
    assert_ne!(restored, run(EarlyStopping::new("scripted").patience(2), 7).1);

    let (mut model, data) = line(0.1);
    let fit = quiet(2).with(EarlyStopping::new("val_loss"));
    let error = model.fit(&data, fit).unwrap_err().to_string();
    assert_eq!(error, "callback `EarlyStopping`: there is no figure `val_loss`; there are loss");
}

#[test]
fn more_of_a_figure_is_better_where_a_word_of_its_name_says_so() {
    /// Makes a figure grow.
    struct Grows(&'static str);
    impl Callback for Grows {
        fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
            logs.insert(self.0, run.epoch() as f64);
            Ok(())
        }
    }
    let cases = [
        ("accuracy", true),
        ("val_acc", true),
        ("val_top_5_accuracy", true),
        ("recall_1", true),
        ("precision", true),
        ("AUC", true),
        ("val_loss", false),
        ("val_topic_loss", false),
        ("stop_loss", false),
        ("vacuum", false),
        ("inaccuracy", false),
        ("top_loss", false),
    ];
    for (name, grows) in cases {
        let (mut model, data) = line(0.1);
        let history = model.fit(&data, quiet(3).with(Grows(name)).with(EarlyStopping::new(name))).unwrap();
        assert_eq!(history.epochs().len() == 3, grows, "{name}");
    }
}

#[test]
fn what_is_saved_after_each_epoch_watches_no_figure() {
    let changes: [fn(ModelCheckpoint) -> ModelCheckpoint; 3] =
        [ModelCheckpoint::maximize, ModelCheckpoint::minimize, |checkpoint| checkpoint.starting_from(1.0)];
    for change in changes {
        change(ModelCheckpoint::best("best", "loss"));
        let panic = std::panic::catch_unwind(|| change(ModelCheckpoint::last("last"))).unwrap_err();
        let message = panic.downcast_ref::<&str>().unwrap();
        assert!(message.contains("watches no figure"), "{message}");
    }
}

#[test]
fn a_callback_is_named_by_its_type_alone() {
    struct Guard<T>(std::marker::PhantomData<T>);
    impl<T> Callback for Guard<T> {}
    fn name<T>() -> String {
        Guard::<T>(std::marker::PhantomData).name()
    }
    assert_eq!(name::<u8>(), "Guard");
    assert_eq!(name::<Vec<Option<Tensor>>>(), "Guard");
    assert_eq!(name::<fn(Vec<u8>) -> Option<u8>>(), "Guard");
    let boxed: Box<dyn Callback> = Box::new(EarlyStopping::new("loss"));
    assert_eq!(boxed.name(), "EarlyStopping");
    let lent: &mut dyn Callback = &mut TerminateOnNan;
    assert_eq!(lent.name(), "TerminateOnNan");
}

#[test]
fn checkpoints_of_the_best_and_of_each_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let best = folder.path().join("best.safetensors");
    let each = folder.path().join("epoch-{epoch}.safetensors");
    let (mut model, data) = line(0.1);
    let mut script = Script(vec![0.5, 0.9, 0.8, 0.7]);
    let mut save_best = ModelCheckpoint::best(&best, "scripted").maximize();
    let mut save_each = ModelCheckpoint::last(&each);
    let fit = quiet(4).with(&mut script).with(&mut save_best).with(&mut save_each);
    model.fit(&data, fit).unwrap();
    let number = |path| {
        let (mut model, _) = line(0.1);
        model.restore(path).unwrap();
        model.epochs()
    };
    assert_eq!(number(best.clone()), 2);
    for epoch in 1..=4 {
        assert_eq!(number(folder.path().join(format!("epoch-{epoch}.safetensors"))), epoch);
    }
    // A training that goes on does not replace a better checkpoint.
    let mut script = Script(vec![0.0, 0.0, 0.0, 0.0, 0.8, 0.95]);
    let mut save_best = ModelCheckpoint::best(&best, "scripted").maximize().starting_from(0.9);
    model.fit(&data, quiet(2).with(&mut script).with(&mut save_best)).unwrap();
    assert_eq!(number(best), 6);
    // Nor does another run of the same callback.
    let mut script = Script([vec![0.0; 6], vec![0.9, 0.94]].concat());
    model.fit(&data, quiet(2).with(&mut script).with(&mut save_best)).unwrap();
    assert_eq!(number(folder.path().join("best.safetensors")), 6);
    let (mut model, data) = line(0.1);
    // What cannot be written is known before the first step, and nothing is left of finding out.
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    for path in [
        folder.path().join("no/such/folder"),
        folder.path().to_owned(),
        folder.path().join("best.safetensors/inner"),
    ] {
        let checkpoint = ModelCheckpoint::last(&path);
        for (fit, expected) in [
            (quiet(1).with(checkpoint), "ModelCheckpoint"),
            (quiet(1).with(ModelCheckpoint::best(&path, "loss")), "ModelCheckpoint"),
            (quiet(1).with(CsvLogger::new(&path)), "CsvLogger"),
        ] {
            let error = model.fit(&data, fit);
            assert!(
                matches!(&error, Err(ModelError::Callback { name, .. }) if name == expected),
                "{error:?}"
            );
            assert!(error.unwrap_err().to_string().contains(path.to_str().unwrap()));
            assert_eq!((model.epochs(), model.batches()), (0, 0));
        }
    }
    assert_eq!(files(), before);
}

#[test]
fn training_that_diverges_ends() {
    let (mut model, data) = line(1e20);
    let history = model.fit(&data, quiet(50).with(TerminateOnNan)).unwrap();
    assert!(history.epochs().len() < 5);
    assert!(history.stopped().unwrap().starts_with("the loss is "));
}

#[test]
fn csv_files_hold_all_epochs_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, checkpoint) = (folder.path().join("history.csv"), folder.path().join("model.safetensors"));
    let (mut model, data) = line(0.1);
    let mut logger = CsvLogger::new(&csv);
    let fit = quiet(3).with(&mut logger).with(ModelCheckpoint::last(&checkpoint));
    let history = model.fit(&data, fit).unwrap();
    let read = History::read_csv(&csv).unwrap();
    assert_eq!(read.series("loss"), history.series("loss"));
    assert!(fs::read_to_string(&csv).unwrap().starts_with("epoch,seconds,loss\n1,"));

    let (mut model, data) = line(0.1);
    model.restore(&checkpoint).unwrap();
    let mut scheduler = LearningRateScheduler::new(|_, rate| rate);
    let mut logger = CsvLogger::new(&csv).append();
    model.fit(&data, quiet(2).with(&mut scheduler).with(&mut logger)).unwrap();
    let read = History::read_csv(&csv).unwrap();
    let numbers: Vec<usize> = read.epochs().iter().map(|epoch| epoch.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(read.series("learning_rate")[..3].iter().all(|rate| rate.is_nan()));
    assert_eq!(read.epochs()[4].logs.get("learning_rate"), Some(f64::from(0.1f32)));
    // Epochs that are trained again are replaced.
    let (mut model, data) = line(0.1);
    model.fit(&data, quiet(1).with(CsvLogger::new(&csv).append())).unwrap();
    assert_eq!(History::read_csv(&csv).unwrap().epochs().len(), 1);

    fs::write(&csv, "something else\n").unwrap();
    let (mut model, data) = line(0.1);
    let fit = quiet(1).with(CsvLogger::new(&csv).append());
    assert!(model.fit(&data, fit).unwrap_err().to_string().starts_with("callback `CsvLogger`: "));
    assert_eq!(fs::read_to_string(&csv).unwrap(), "something else\n");
}

#[test]
fn a_rate_that_is_no_number_is_refused() {
    let (mut model, data) = line(0.1);
    let mut scheduler = LearningRateScheduler::new(|_, _| f32::NAN);
    let error = model.fit(&data, quiet(1).with(&mut scheduler)).unwrap_err();
    assert_eq!(error.to_string(), "callback `LearningRateScheduler`: the rate for epoch 1 is NaN");
}

#[test]
fn figures_of_an_epoch_are_those_of_its_examples() {
    // A rate of 0: each epoch's figures are those of an evaluation.
    let data = some_digits(45).map(|x, y| (x.cast(DType::F32), y));
    let network = Sequential::new().add(Flatten).add(Dense::new(10));
    let loss = grafito::nn::SparseCrossEntropy::from_logits();
    let mut model = network.compile(Sgd::new(0.0), loss, [Accuracy]);
    let logs = model.fit(&data, quiet(1)).unwrap().epochs()[0].logs.clone();
    let evaluated = model.evaluate(&data).unwrap();
    assert_eq!(logs.get("accuracy"), evaluated.get("accuracy"));
    let (a, b) = (logs.get("loss").unwrap(), evaluated.get("loss").unwrap());
    assert!((a - b).abs() < 1e-5 * b, "{a} and {b}");
}
