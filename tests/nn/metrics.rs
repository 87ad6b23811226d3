//! Metrics are those of Keras and scikit-learn.

use grafito::Fact;
use grafito::datasets::Dataset;
use grafito::nn::{
    Accuracy, Auc, BinaryCrossEntropy, ConfusionMatrix, Dense, MeanSquaredError, Metric, ModelCheckpoint,
    Precision, Predictions, Recall, Sequential, Sgd, Sigmoid, TopKAccuracy,
};
use grafito::prelude::*;

use crate::support::{close, quiet};
use crate::values;

// Those of values.py.
fn guesses() -> Vec<f64> {
    (0..60).map(|i| f64::from(i * 37 % 65) / 64.0).collect()
}

fn truth() -> Vec<bool> {
    (0..60).map(|i| guesses()[i] + (i * 23 % 19) as f64 / 19.0 > 1.0).collect()
}

fn class_scores() -> Vec<f64> {
    (0..60).flat_map(|i| (0..5).map(move |j| f64::from((i * 7 + j * 11) % 13) / 16.0)).collect()
}

fn labels() -> Vec<i64> {
    (0..60).map(|i| (i * i + i / 7 + 3) % 5).collect()
}

/// After three batches of 20, in both modes and both dtypes.
#[track_caller]
fn check(metric: &dyn Metric, predictions: &Tensor, targets: &Tensor, expected: f64) {
    for dtype in [DType::F32, DType::F64] {
        for mode in [Mode::Eager, Mode::Lazy] {
            let result = with_mode(mode, || {
                let fact = Fact::new(dtype, &predictions.shape()[1..]);
                let mut totals: Vec<Tensor> =
                    metric.start(&fact).into_iter().map(|(_, start)| start).collect();
                let facts: Vec<Fact> = totals.iter().map(|total| total.fact().clone()).collect();
                for from in [0, 20, 40] {
                    let rows = |tensor: &Tensor| tensor.slice_axis(0, from..from + 20);
                    let p = Predictions::new(rows(predictions).cast(dtype));
                    totals = metric.update(&totals, &p, &rows(targets));
                }
                assert!(totals.iter().map(Tensor::fact).eq(&facts), "{metric:?}");
                metric.result(&totals)
            });
            close(&[result], &[expected], 1e-13, &format!("{metric:?}, {dtype}, {mode:?}"));
        }
    }
}

fn binary() -> (Tensor, Tensor) {
    (Tensor::from(guesses()), Tensor::from(truth()))
}

fn classes() -> (Tensor, Tensor) {
    (Tensor::from_slice([60, 5], &class_scores()), Tensor::from(labels()))
}

#[test]
fn shares_are_those_of_keras() {
    let (p, y) = classes();
    check(&TopKAccuracy::new(1), &p, &y, values::TOP_1);
    check(&Accuracy, &p, &y, values::TOP_1);
    check(&TopKAccuracy::new(2), &p, &y, values::TOP_2);
    check(&TopKAccuracy::new(3), &p, &y, values::TOP_3);
    check(&TopKAccuracy::new(9), &p, &y, 1.0);
    let (of_2, recall_of_2) = (Precision::new().of_class(2), Recall::new().of_class(2));
    for y in [y.clone(), y.one_hot(5, DType::F32)] {
        check(&of_2.threshold(0.25), &p, &y, values::PRECISION_OF_2);
        check(&recall_of_2.threshold(0.25), &p, &y, values::RECALL_OF_2);
    }
    let (p, y) = binary();
    for y in [y.clone(), y.cast(DType::F32), y.cast(DType::I64)] {
        check(&Precision::new(), &p, &y, values::PRECISION);
        check(&Precision::new().threshold(0.8), &p, &y, values::PRECISION_AT_80);
        check(&Recall::new(), &p, &y, values::RECALL);
        check(&Recall::new().threshold(0.8), &p, &y, values::RECALL_AT_80);
    }
}

#[test]
fn areas_are_those_of_keras() {
    let (p, y) = binary();
    check(&Auc::new(), &p, &y, values::AUC);
    check(&Auc::new().thresholds(9), &p, &y, values::AUC_9);
    check(&Auc::new().precision_recall(), &p, &y, values::AUC_PR);
    check(&Auc::new().precision_recall().thresholds(9), &p, &y, values::AUC_PR_9);
    let columns = (p.reshape([60, 1]), y.reshape([60, 1]));
    check(&Auc::new(), &columns.0, &columns.1, values::AUC);
    let (p, y) = classes();
    let (p_2, y_2) = (p.index_axis(1, 2), y.eq(2i64));
    let whole = |p: &Tensor, y: &Tensor| {
        let start: Vec<Tensor> = Auc::new().start(p.fact()).into_iter().map(|(_, start)| start).collect();
        Auc::new().result(&Auc::new().update(&start, &Predictions::new(p.clone()), y))
    };
    check(&Auc::new().of_class(2), &p, &y, whole(&p_2, &y_2));
}

/// The result for one batch.
fn of(metric: &dyn Metric, p: Tensor, y: Tensor) -> f64 {
    let totals: Vec<Tensor> = metric.start(p.fact()).into_iter().map(|(_, start)| start).collect();
    metric.result(&metric.update(&totals, &Predictions::new(p), &y))
}

#[test]
fn the_edges_are_as_documented() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let p = || Tensor::from([0.0f32, 0.25, 0.5, 1.0]);
            // Nothing is predicted as yes, or nothing is so, or everything.
            let (none, all) = (Tensor::zeros([4], DType::Bool), Tensor::ones([4], DType::Bool));
            assert_eq!(of(&Precision::new().threshold(1.0), p(), all.clone()), 0.0);
            assert_eq!(of(&Recall::new(), p(), none.clone()), 0.0);
            assert_eq!(of(&Recall::new(), p(), all.clone()), 0.25); // A half is not above a half.
            assert_eq!(of(&Auc::new(), p(), none), 0.0);
            assert_eq!(of(&Auc::new().precision_recall(), p(), all), 1.0);
            // 0 and 1 are in the first and last interval.
            assert_eq!(of(&Auc::new(), p(), Tensor::from([0u8, 0, 1, 1])), 1.0);
            assert_eq!(of(&Auc::new(), p(), Tensor::from([1u8, 1, 0, 0])), 0.0);
            // Equal scores are a half, whatever the order.
            assert_eq!(of(&Auc::new(), Tensor::full([2], 0.5f32), Tensor::from([0u8, 1])), 0.5);
            for outside in [-0.5f32, 1.5] {
                let p = Tensor::from([0.5, outside]);
                let failed = grafito::catch(|| of(&Auc::new(), p, Tensor::from([0u8, 1])));
                assert!(failed.is_err(), "{outside}");
            }
            // A tie at the edge is a hit, a NaN is none.
            let tied = || Tensor::from([[0.5f32, 0.5, 0.0]]);
            assert_eq!(of(&TopKAccuracy::new(1), tied(), Tensor::from([1u8])), 1.0);
            let nan = || Tensor::from([[f32::NAN, 0.5, 0.0]]);
            assert_eq!(of(&TopKAccuracy::new(3), nan(), Tensor::from([0u8])), 0.0);
            assert_eq!(of(&TopKAccuracy::new(1), nan(), Tensor::from([1u8])), 0.0);
            assert_eq!(of(&TopKAccuracy::new(2), nan(), Tensor::from([1u8])), 1.0);
        });
    }
}

#[test]
fn what_metrics_add_up_is_part_of_the_step_and_of_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let x: Vec<f32> = (0..64).map(|i| (i * 37 % 64) as f32 / 32.0 - 1.0).collect();
    let y: Vec<u8> = x.iter().map(|&x| u8::from(x > 0.1)).collect();
    let data = Dataset::new(Tensor::from_slice([64, 1], &x), Tensor::from_slice([64, 1], &y));
    let make = || {
        let metrics = (Precision::new(), Recall::new(), Auc::new(), Auc::new().precision_recall());
        let network = Sequential::new().seed(1).add(Dense::new(1).activation(Sigmoid));
        network.compile(Sgd::new(1.0).momentum(0.9), BinaryCrossEntropy::new(), metrics)
    };
    let run = |mode| {
        with_mode(mode, || {
            let mut model = make();
            let history = model.fit(&data, quiet(30).with(ModelCheckpoint::last(&path))).unwrap();
            for name in ["precision", "recall", "auc", "auc_pr"] {
                assert!(history.last(name).unwrap() > 0.95, "{name}: {:?}", history.last(name));
            }
            let mut restored = make();
            restored.restore(&path).unwrap();
            assert_eq!(restored.figures(), model.figures());
            model.evaluate(&data).unwrap()
        })
    };
    let (eager, lazy) = (run(Mode::Eager), run(Mode::Lazy));
    for name in ["precision", "recall", "auc", "auc_pr"] {
        assert_eq!(eager.get(name), lazy.get(name), "{name}");
    }
}

#[test]
fn a_confusion_matrix_is_that_of_scikit_learn() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let (scores, labels) = classes();
            let counts = ConfusionMatrix::count(&scores, &labels);
            assert_eq!(counts.to_vec::<i64>(), values::CONFUSION);
            let matrix = ConfusionMatrix::from_counts(&counts, ["none"]);
            let each = |f: fn(&ConfusionMatrix, usize) -> f64| {
                (0..5).map(|class| f(&matrix, class)).collect::<Vec<f64>>()
            };
            close(&each(ConfusionMatrix::precision), values::PRECISIONS, 1e-15, "precision");
            close(&each(ConfusionMatrix::recall), values::RECALLS, 1e-15, "recall");
            close(&each(ConfusionMatrix::f1), values::F1_SCORES, 1e-15, "f1");
            close(&[matrix.accuracy()], &[values::TOP_1], 1e-15, "accuracy");
            let outside = grafito::catch(|| ConfusionMatrix::count(&scores, &(labels + 1)).eval());
            assert!(outside.is_err());
        });
    }
}

#[test]
fn a_confusion_matrix_is_a_table() {
    let (scores, labels) = classes();
    let matrix = ConfusionMatrix::from_counts(&ConfusionMatrix::count(&scores, &labels), ["none"]);
    insta::assert_snapshot!(matrix, @"
         │ none    1    2    3    4 │ recall
    none │    9    1    1    1    1 │ 0.6923
       1 │    2    2    2    1    3 │ 0.2000
       2 │    4    2    2    1    1 │ 0.2000
       3 │    7    2    1    3    2 │ 0.2000
       4 │    1    3    4    2    2 │ 0.1667
    ");
}

#[test]
fn a_confusion_matrix_of_a_model_agrees_with_its_accuracy() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let (scores, labels) = classes();
            let data = Dataset::new(scores.cast(DType::F32), labels);
            let loss = grafito::nn::SparseCrossEntropy::from_logits();
            let mut model =
                Sequential::new().seed(1).add(Dense::new(5)).compile(Sgd::new(0.1), loss, Accuracy);
            for data in [data.clone(), data.batch(7)] {
                let matrix = ConfusionMatrix::of_model(&mut model, &data).unwrap();
                assert_eq!(Some(matrix.accuracy()), model.evaluate(&data).unwrap().get("accuracy"));
            }
        });
    }
}

/// A metric that has the name of the loss.
#[derive(Debug)]
struct Loss;

impl Metric for Loss {
    fn kind(&self) -> &'static str {
        "Loss"
    }
    fn name(&self) -> String {
        "loss".to_owned()
    }
    fn start(&self, _: &Fact) -> Vec<(&'static str, Tensor)> {
        vec![("last", Tensor::scalar(0.0f32))]
    }
    fn update(&self, _: &[Tensor], predictions: &Predictions, _: &Tensor) -> Vec<Tensor> {
        vec![predictions.values().sum(..)]
    }
    fn result(&self, totals: &[Tensor]) -> f64 {
        totals[0].item::<f32>().into()
    }
}

#[test]
fn metrics_of_one_name_are_numbered_and_counted_apart() {
    let strict = Precision::new().threshold(0.9);
    // Of the two that are more than 0.1 one is so; the one that is more than 0.9 is.
    let (x, y) = (Tensor::from([[0.5f32], [1.0]]), Tensor::from([[0.0f32], [1.0]]));
    let network = Sequential::new().input([1]).add(grafito::nn::Rescaling::new(1.0));
    let metrics = (Precision::new().threshold(0.1), strict, Loss, strict.named("strict"));
    let mut model = network.compile(Sgd::new(0.1), MeanSquaredError, metrics);
    model.step(&x, &y).unwrap();
    let logs: Vec<(String, f64)> =
        model.figures().iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
    let expected =
        [("loss", 0.125), ("precision", 0.5), ("precision_1", 1.0), ("loss_1", 1.5), ("strict", 1.0)];
    assert_eq!(logs, expected.map(|(name, figure)| (name.to_owned(), figure)));
}

/// Targets of a shape that would broadcast are errors, and those that Keras takes are counted as Keras counts them.
#[test]
fn accuracy_of_targets_of_every_shape() {
    let update = |p: Tensor, y: Tensor| {
        let start = Accuracy.start(p.fact());
        let start: Vec<Tensor> = start.into_iter().map(|(_, total)| total).collect();
        let y = y.clone();
        grafito::catch(std::panic::AssertUnwindSafe(move || {
            Accuracy.result(&Accuracy.update(&start, &Predictions::new(p), &y))
        }))
    };
    let scores = Tensor::from([[0.9f32, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]]);
    assert_eq!(update(scores.clone(), Tensor::from([0i64, 1, 1, 1])).unwrap(), 0.75);
    let one_hot = Tensor::from([[1.0f32, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]);
    assert_eq!(update(scores.clone(), one_hot).unwrap(), 0.75);
    let sides = Tensor::from([[0.9f32], [0.2], [0.6], [0.4]]);
    assert_eq!(update(sides.clone(), Tensor::from([[1i64], [0], [0], [1]])).unwrap(), 0.5);
    for (p, y) in
        [(scores.clone(), Tensor::from([[0i64], [1], [1], [1]])), (sides, Tensor::from([1i64, 0, 0, 1]))]
    {
        let message = update(p, y).unwrap_err().to_string();
        assert!(message.contains("Accuracy: predictions f32[4, "), "{message}");
    }
}
