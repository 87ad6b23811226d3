//! What `compile` refuses, and what it warns of.

use grafito::nn::{
    Accuracy, Activation, BinaryCrossEntropy, CheckpointProblem, Conv2D, CrossEntropy, Dense, Flatten,
    Function, Linear, Loss, MeanSquaredError, Metric, Model, Relu, Sequential, Sgd, Sigmoid, Softmax,
    SparseCrossEntropy,
};
use grafito::prelude::*;

use crate::support::with_header;

/// Loss, last activation, what is to be written instead; nothing where they go together.
#[test]
fn cross_entropies_object_to_probabilities_and_logits_that_are_taken_for_each_other() {
    let sparse = |from_logits| -> Box<dyn Loss> {
        match from_logits {
            true => Box::new(SparseCrossEntropy::from_logits()),
            false => Box::new(SparseCrossEntropy::new()),
        }
    };
    let whole = |from_logits| -> Box<dyn Loss> {
        match from_logits {
            true => Box::new(CrossEntropy::from_logits().label_smoothing(0.1)),
            false => Box::new(CrossEntropy::new().label_smoothing(0.1)),
        }
    };
    let binary = |from_logits| -> Box<dyn Loss> {
        match from_logits {
            true => Box::new(BinaryCrossEntropy::from_logits()),
            false => Box::new(BinaryCrossEntropy::new()),
        }
    };
    let cases: [(Box<dyn Loss>, Activation, Option<&str>); 18] = [
        (sparse(true), Linear, None),
        (sparse(true), Relu, None),
        (sparse(true), Softmax, Some("`SparseCrossEntropy::new()`, or leave the activation out")),
        (sparse(true), Sigmoid, Some("`SparseCrossEntropy::new()`, or leave the activation out")),
        (sparse(false), Softmax, None),
        (sparse(false), Linear, Some("end with `Softmax`, or write `SparseCrossEntropy::from_logits()`")),
        (sparse(false), Relu, Some("end with `Softmax`, or write `SparseCrossEntropy::from_logits()`")),
        // No sum of a row is 1, so that each class being certain would cost nothing.
        (sparse(false), Sigmoid, Some("end with `Softmax`, or write `SparseCrossEntropy::from_logits()`")),
        (whole(true), Linear, None),
        (whole(true), Softmax, Some("`CrossEntropy::new()`, or leave the activation out")),
        (whole(false), Softmax, None),
        (whole(false), Sigmoid, None),
        (whole(false), Linear, Some("end with `Softmax`, or write `CrossEntropy::from_logits()`")),
        (binary(true), Linear, None),
        (binary(true), Sigmoid, Some("`BinaryCrossEntropy::new()`, or leave the activation out")),
        (binary(false), Sigmoid, None),
        (binary(false), Linear, Some("end with `Sigmoid`, or write `BinaryCrossEntropy::from_logits()`")),
        (Box::new(MeanSquaredError), Softmax, None),
    ];
    for (loss, last, expected) in cases {
        let found = loss.objection(last);
        let is_expected = match (&found, expected) {
            (Some(found), Some(expected)) => found.ends_with(expected),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(is_expected, "{loss:?} after {last:?}: {found:?}");
    }
}

/// Set in the child of the next test.
const CHILD: &str = "GRAFITO_TEST_COMPILES";

#[test]
#[ignore = "a child process of the next test"]
fn compiles_what_does_not_go_together() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let (probabilities, logits) = (SparseCrossEntropy::new, SparseCrossEntropy::from_logits);
    let sgd = || Sgd::new(0.1);
    // These are said.
    let _ =
        Sequential::new().add(Dense::new(3).activation(Softmax)).named("head").compile(sgd(), logits(), ());
    let chosen: Box<dyn Loss> = Box::new(probabilities());
    let _ = Sequential::new().add(Dense::new(3)).compile(sgd(), chosen, ());
    let _ = Sequential::new().add(Dense::new(3)).add(Softmax).compile(sgd(), logits(), ());
    let _ = Sequential::new().add(Conv2D::new(3, [1, 1])).compile(sgd(), probabilities(), ());
    // These are not: they are right, or nothing is known of the last layer.
    let _ = Sequential::new().add(Dense::new(3)).add(Softmax).compile(sgd(), probabilities(), ());
    let _ = Sequential::new().add(Dense::new(3)).compile(sgd(), logits(), ());
    let _ = Sequential::new().add(Dense::new(3)).compile(sgd(), MeanSquaredError, ());
    let softmax = Function::new("softmax", |x: &Tensor| x.softmax(-1));
    let _ = Sequential::new().add(Dense::new(3)).add(softmax).compile(sgd(), probabilities(), ());
    let _ =
        Sequential::new().add(Dense::new(3).activation(Softmax)).add(Flatten).compile(sgd(), logits(), ());
    let _ = Sequential::new().compile(sgd(), probabilities(), ());
}

#[test]
fn a_loss_that_does_not_go_with_the_last_layer_is_said_with_its_name_and_place() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "compiling::compiles_what_does_not_go_together", "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let warnings: Vec<&str> = errors.lines().filter(|line| line.starts_with("warning: ")).collect();
    let expected = [
        (
            "warning: layer `head` (Dense, added at tests/nn/compiling.rs:",
            "ends with softmax, and `SparseCrossEntropy::from_",
        ),
        (
            "warning: layer `dense` (Dense, added at tests/nn/compiling.rs:",
            "has no activation, and `SparseCrossEntropy::new",
        ),
        (
            "warning: layer `activation` (Activation, added at tests/nn/",
            "ends with softmax, and `SparseCrossEntropy::from_",
        ),
        (
            "warning: layer `conv2d` (Conv2D, added at tests/nn/compil",
            "has no activation, and `SparseCrossEntropy::new",
        ),
    ];
    assert_eq!(warnings.len(), expected.len(), "{errors}");
    for (warning, (start, rest)) in warnings.iter().zip(expected) {
        assert!(warning.starts_with(start) && warning.contains(rest), "{warning}");
    }
}

#[test]
fn names_of_metrics_that_would_be_taken_for_something_else_are_refused() {
    let network = || Sequential::new().input([2]).add(Dense::new(3).activation(Softmax));
    for (name, reason) in [
        ("", "is empty"),
        ("val_accuracy", "begins with `val_`, as the figures of validation do"),
        ("top/1", "contains a `/`, which parts the names in checkpoints"),
    ] {
        let metrics = (Accuracy, Accuracy.named(name));
        let compiled =
            grafito::catch(|| network().compile(Sgd::new(0.1), SparseCrossEntropy::new(), metrics));
        let error = compiled.unwrap_err().to_string();
        let expected =
            format!("the name of the metric `{name}` {reason}; `.named(..)` gives it another at tests/nn/");
        assert!(error.starts_with(&expected), "{error}");
    }
    // In a file it is no panic.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let metrics = Accuracy.named("interval");
    let mut model = network().compile(Sgd::new(0.1), SparseCrossEntropy::new(), metrics);
    model.build().unwrap().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, with_header(&bytes, r#"\"name\":\"interval\""#, r#"\"name\":\"val_\""#)).unwrap();
    let error = Model::load(&path).unwrap_err().problem;
    assert!(matches!(error, CheckpointProblem::PartSettings { .. }), "{error}");
    assert!(
        error.to_string().starts_with("the metric (NamedMetric): the name of the metric `val_` begins"),
        "{error}"
    );
}
