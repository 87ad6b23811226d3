//! What the callback logs of a run of `fit`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use grafito::datasets::{Dataset, synthetic_digits};
use grafito::nn::{
    Accuracy, Adam, Dense, Fit, Flatten, Model, Relu, Rescaling, Sequential, Sgd, Softmax,
    SparseCrossEntropy, TensorBoard, Validation,
};

use crate::reader::{Message, events_of, value};

/// Epochs and values of scalars, by tag.
type Curves = BTreeMap<String, Vec<(i64, f32)>>;

/// The scalars of a run, and how often other tags were logged.
fn logged(folder: &Path) -> (Curves, BTreeMap<String, usize>) {
    let mut files = std::fs::read_dir(folder).expect("a run");
    let file = files.next().expect("a file").expect("a file").path();
    assert!(files.next().is_none(), "one file");
    let (mut scalars, mut others) = (Curves::new(), BTreeMap::new());
    for event in events_of(&file).iter().filter(|event| event.has(5)) {
        let (step, value) = value(event);
        if value.has(2) {
            scalars.entry(value.text(1)).or_default().push((step, value.f32(2)));
        } else {
            *others.entry(value.text(1)).or_default() += 1;
        }
    }
    (scalars, others)
}

fn model() -> Model {
    Sequential::new()
        .add(Rescaling::new(1.0 / 255.0))
        .add(Flatten)
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(0.1), SparseCrossEntropy::new(), Accuracy)
}

fn quiet(epochs: usize, validation: Validation<'_>) -> Fit<'_> {
    Fit { epochs, progress: false, validation, ..Fit::default() }
}

#[test]
fn the_callback_logs_what_the_history_has() {
    let digits = synthetic_digits(96, 32, 1);
    let (train, test) = (Dataset::from(&digits.train), Dataset::from(&digits.test));
    let folder = tempfile::tempdir().expect("a folder");
    let callback = TensorBoard::new(folder.path()).every_step().histograms_every(2);
    let history = model().fit(&train, quiet(3, Validation::Data(&test)).with(callback)).expect("a run");

    let series = |name: &str| -> Vec<(i64, f32)> {
        let figures = history.series(name);
        (1..).zip(figures.iter().map(|&figure| figure as f32)).collect()
    };
    let (scalars, others) = logged(&folder.path().join("train"));
    assert_eq!(scalars["epoch_loss"], series("loss"));
    assert_eq!(scalars["epoch_accuracy"], series("accuracy"));
    assert_eq!(scalars["epoch_learning_rate"], [(1, 0.1), (2, 0.1), (3, 0.1)]);
    let steps: Vec<i64> = scalars["batch_loss"].iter().map(|&(step, _)| step).collect();
    assert_eq!(steps, (1..=9).collect::<Vec<i64>>(), "three batches an epoch");
    assert_eq!(scalars.len(), 4);
    assert_eq!((others["step/traced"], others["step/optimized"]), (1, 1));
    let histograms: Vec<(&String, &usize)> =
        others.iter().filter(|(tag, _)| !tag.starts_with("step/")).collect();
    assert_eq!(histograms.len(), 2, "kernel and bias: {histograms:?}");
    assert!(histograms.iter().all(|(_, count)| **count == 1), "every second epoch of three");

    let (scalars, others) = logged(&folder.path().join("validation"));
    assert_eq!(scalars["epoch_loss"], series("val_loss"));
    assert_eq!(scalars["epoch_accuracy"], series("val_accuracy"));
    assert_eq!((scalars.len(), others.len()), (2, 0));
}

/// The outermost boxes of a graph logged under this tag, those of arguments left out.
fn boxes(folder: &Path, tag: &str) -> BTreeSet<String> {
    let file = std::fs::read_dir(folder).expect("a run").next().expect("a file").expect("a file").path();
    let events = events_of(&file);
    let of_tag = events.iter().filter(|event| event.has(5)).map(|event| value(event).1);
    let tagged = of_tag.into_iter().find(|value| value.text(1) == tag).expect("the graph");
    let graph = Message::parse(&tagged.message(8).bytes(8)).message(4).message(2);
    let ops = graph.messages(1).into_iter().filter(|node| node.text(2) != "Placeholder");
    ops.filter_map(|node| Some(node.text(1).split_once('/')?.0.to_owned())).collect()
}

#[test]
fn layers_loss_optimizer_and_metrics_are_boxes_before_and_after_the_passes() {
    let train = Dataset::from(&synthetic_digits(64, 0, 1).train);
    let folder = tempfile::tempdir().expect("a folder");
    let callback = TensorBoard::new(folder.path()).profile_batch(2);
    let mut model = Sequential::new()
        .add(Rescaling::new(1.0 / 255.0))
        .add(Flatten)
        .add(Dense::new(16).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .compile(Adam::new(0.01), SparseCrossEntropy::new(), Accuracy);
    model.fit(&train, quiet(1, Validation::None).with(callback)).expect("a run");
    let run = folder.path().join("train");
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    let always = ["dense", "dense_1", "gradient", "loss", "metrics", "optimizer", "rescaling"];
    for tag in ["step/traced", "step/optimized", "step/profile"] {
        let boxes = boxes(&run, tag);
        assert!(boxes.is_superset(&named(&always)), "{tag}: {boxes:?}");
        let others = named(&["flatten", "train_step"]);
        assert!(boxes.difference(&named(&always)).all(|name| others.contains(name)), "{tag}: {boxes:?}");
    }
}

#[test]
fn profiling_a_batch_changes_nothing_of_the_training() {
    let train = Dataset::from(&synthetic_digits(96, 0, 1).train);
    let weights = |callback: Option<TensorBoard>| {
        let mut model = model();
        let fit = quiet(2, Validation::None);
        let fit = match callback {
            Some(callback) => fit.with(callback),
            None => fit,
        };
        let history = model.fit(&train, fit).expect("a run");
        let weights: Vec<Vec<f32>> = model.weights().iter().map(|(_, w)| w.to_vec::<f32>()).collect();
        (history.series("loss").to_vec(), weights)
    };
    let folder = tempfile::tempdir().expect("a folder");
    let watched = weights(Some(TensorBoard::new(folder.path()).profile_batch(3).without_graph()));
    assert_eq!(watched, weights(None));
    let (_, others) = logged(&folder.path().join("train"));
    assert_eq!(others["step/profile"], 1);
    let never = tempfile::tempdir().expect("a folder");
    weights(Some(TensorBoard::new(never.path()).profile_batch(7)));
    assert!(!logged(&never.path().join("train")).1.contains_key("step/profile"), "there are six batches");
}

#[test]
fn a_run_without_validation_has_one_folder_and_the_same_weights() {
    let digits = synthetic_digits(64, 0, 1);
    let train = Dataset::from(&digits.train);
    let folder = tempfile::tempdir().expect("a folder");
    let callback = TensorBoard::new(folder.path()).without_graph();
    let (mut watched, mut alone) = (model(), model());
    watched.fit(&train, quiet(2, Validation::None).with(callback)).expect("a run");
    alone.fit(&train, quiet(2, Validation::None)).expect("a run");
    assert!(!folder.path().join("validation").exists());
    let (_, others) = logged(&folder.path().join("train"));
    assert!(!others.contains_key("step/traced"));
    for ((name, one), (_, other)) in watched.weights().iter().zip(alone.weights().iter()) {
        assert_eq!(one.to_vec::<f32>(), other.to_vec::<f32>(), "{name}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_before_anything_is_trained() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let train = Dataset::from(&synthetic_digits(32, 0, 1).train);
    let mut model = model();
    let error =
        model.fit(&train, quiet(1, Validation::None).with(TensorBoard::new(&file))).expect_err("no folder");
    assert!(error.to_string().contains("cannot create"), "{error}");
    assert_eq!(model.epochs(), 0);
}
