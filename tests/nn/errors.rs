//! What does not fit is an error that names the layer.

use grafito::datasets::Dataset;
use grafito::nn::{
    Accuracy, BatchNorm, BinaryCrossEntropy, CrossEntropy, Dense, Dropout, Embedding, Flatten, Function,
    Loss, MeanSquaredError, Metric, ModelError, Predictions, Registry, Sequential, Sgd, Softmax,
    SparseCrossEntropy,
};
use grafito::prelude::*;
use serde_json::json;

use crate::support::{quiet, recipe, some_digits};

fn build_error(network: Sequential) -> String {
    let mut network = network;
    network.build().unwrap_err().to_string()
}

#[test]
fn a_layer_that_refuses_its_input_is_named_with_its_place() {
    let error = build_error(Sequential::new().input([28, 28]).add(Flatten).add(Dense::new(0)));
    assert!(error.starts_with("layer `dense` (Dense, added at "), "{error}");
    assert!(error.contains("errors.rs:"), "{error}");
    assert!(error.ends_with("the number of units is 0, expected at least 1"), "{error}");

    let pixels = Sequential::new().input_of(DType::U8, [28, 28]).add(Flatten).add(Dense::new(3));
    let error = build_error(pixels);
    assert!(error.contains("layer `dense`"), "{error}");
    let told =
        "takes f32, and an example is u8[784]; `Rescaling::new(1.0 / 255.0)` before it makes f32 of pixels";
    assert!(error.ends_with(told), "{error}");

    let doubles = Sequential::new().input_of(DType::F64, [3]).add(Dense::new(3));
    assert!(build_error(doubles).contains("takes f32, and an example is f64[3]; cast the data first"));

    let error = build_error(Sequential::new().input([]).add(Dense::new(3)).add(Dense::new(3)));
    assert!(error.contains("layer `dense`") && error.contains("at least one axis"), "{error}");
    let error = build_error(Sequential::new().input([3]).add(Dropout::new(1.0)));
    assert!(error.contains("layer `dropout`") && error.contains("the rate is 1"), "{error}");
    let error = build_error(Sequential::new().input([3]).add(BatchNorm::new().momentum(1.5)));
    assert!(error.contains("layer `batch_norm`") && error.contains("1.5"), "{error}");
    let error = build_error(Sequential::new().input([3]).add(Embedding::new(5, 2)));
    assert!(error.contains("layer `embedding`") && error.contains("takes integers"), "{error}");
    assert!(error.ends_with("`.input_of(DType::I64, ..)` says that the input is of integers"), "{error}");
    let error = build_error(Sequential::new().input([]).add(Softmax));
    assert!(error.contains("layer `activation`"), "{error}");
    let vast = Sequential::new().input([1 << 40]).add(Dense::new(1 << 40));
    assert!(build_error(vast).contains("`dense/kernel`, f32[1099511627776, 1099511627776], is too large"));
}

#[test]
fn an_operation_that_fails_in_a_layer_names_it_once() {
    let odd = Function::new("halves", |x: &Tensor| x.reshape([x.shape()[0], 2, x.shape()[1] / 2]));
    let error = build_error(Sequential::new().input([5]).add(Dense::new(3)).add(odd).named("fold"));
    assert!(error.starts_with("layer `fold` (halves, added at "), "{error}");
    assert!(error.contains("reshape: "), "{error}");

    // It builds for one example, and fails for two.
    let fixed = Function::new("first", |x: &Tensor| x.slice_axis(0, 0..1));
    let mut network = Sequential::new().input([2]).add(Dense::new(3)).add(fixed);
    let error = network.predict(&Tensor::zeros([2, 2], DType::F32)).map(|y| y.shape()[0]);
    assert_eq!(error.unwrap(), 1, "rows are the network's own affair");
    let fails = Function::new("second", |x: &Tensor| {
        if x.shape()[0] > 1 { x.matmul(&Tensor::zeros([7, 7], DType::F32)) } else { x.clone() }
    });
    let mut network = Sequential::new().input([2]).add(fails);
    let error = network.predict(&Tensor::zeros([2, 2], DType::F32)).unwrap_err().to_string();
    assert!(error.starts_with("layer `second` (second): matmul: inner dimensions differ"), "{error}");
    assert_eq!(error.matches("errors.rs").count(), error.matches(" at ").count() + 2, "{error}");
}

#[test]
fn data_of_another_shape_is_refused_with_both() {
    let mut model = recipe(1);
    model.step(&Tensor::zeros([4, 28, 28], DType::F32), &Tensor::zeros([4], DType::U8)).unwrap();
    let error =
        model.step(&Tensor::zeros([4, 27, 28], DType::F32), &Tensor::zeros([4], DType::U8)).unwrap_err();
    assert_eq!(error.to_string(), "the model takes examples that are f32[28, 28], and was given f32[27, 28]");
    assert!(matches!(model.predict(&Tensor::scalar(1.0f32)), Err(ModelError::Input { .. })));
    let error = model.fit(&some_digits(10), quiet(1)).unwrap_err();
    assert!(error.to_string().contains("was given u8[28, 28]"), "{error}");
}

#[test]
fn targets_that_do_not_fit_are_an_error_of_the_step_and_lose_nothing() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let mut model = recipe(1);
            let x = Tensor::zeros([4, 28, 28], DType::F32);
            let loss = model.step(&x, &Tensor::from([0u8, 1, 2, 3])).unwrap();
            assert!(matches!(model.step(&x, &Tensor::zeros([3], DType::U8)), Err(ModelError::Step(_))));
            // A label out of range is found while the step runs.
            let error = model.step(&x, &Tensor::from([0u8, 1, 2, 10])).unwrap_err().to_string();
            assert!(error.contains("10"), "{error}");
            let after = model.step(&x, &Tensor::from([0u8, 1, 2, 3])).unwrap();
            assert!(after <= loss, "{mode:?}: {after} after {loss}");
        });
    }
}

#[test]
fn names_are_given_once_and_weights_are_checked() {
    let twice = Sequential::new().input([3]).add(Dense::new(3)).named("a").add(Dense::new(3)).named("a");
    assert!(build_error(twice).starts_with("two layers are named `a`"));
    assert!(build_error(Sequential::new().add(Dense::new(3))).contains("not known yet"));
    let mut network = Sequential::new().input([3]).add(Dense::new(3));
    network.build().unwrap();
    let error = network.set_weight("dense/kernel", &Tensor::zeros([3, 4], DType::F32)).unwrap_err();
    assert_eq!(error.to_string(), "the weight `dense/kernel` is f32[3, 3], and was given f32[3, 4]");
    let error = network.set_weight("dense/core", &Tensor::zeros([3, 4], DType::F32)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model has no weight `dense/core`; it has `dense/kernel`, `dense/bias`"
    );
    let many = (0..5).fold(Sequential::new().input([3]), |network, _| network.add(Dense::new(3)));
    let error = { many }.set_weight("", &Tensor::scalar(0.0f32)).unwrap_err().to_string();
    assert!(error.ends_with("`dense_3/kernel`, `dense_3/bias`, and 2 more"), "{error}");
    let mut bare = Sequential::new().input([3]).add(Flatten);
    let error = bare.set_weight("kernel", &Tensor::scalar(0.0f32)).unwrap_err();
    assert_eq!(error.to_string(), "the model has no weight `kernel`; it has none");
}

#[test]
fn a_weight_is_set_before_the_network_is_built_where_its_input_is_known() {
    let kernel = Tensor::ones([3, 1], DType::F32);
    let network = || Sequential::new().add(Dense::new(1));
    let model = |network: Sequential| network.compile(Sgd::new(0.1), MeanSquaredError, ());
    for error in
        [network().set_weight("dense/kernel", &kernel), model(network()).set_weight("dense/kernel", &kernel)]
    {
        let error = error.unwrap_err();
        assert!(matches!(error, ModelError::NotBuilt), "{error}");
        assert!(
            error.to_string().contains("not built") && error.to_string().contains("`.input(..)`"),
            "{error}"
        );
    }
    let mut model = model(network().input([3]));
    model.set_weight("dense/kernel", &kernel).unwrap();
    assert_eq!(model.predict(&Tensor::from([[1.0f32, 2.0, 4.0]])).unwrap().item::<f32>(), 7.0);
}

#[test]
fn a_network_without_layers_is_an_error_of_all_that_is_done_with_it() {
    let x = Tensor::zeros([4, 1], DType::F32);
    let data = Dataset::new(x.clone(), x.clone());
    let mut model = Sequential::new().compile(Sgd::new(0.1), MeanSquaredError, ());
    let errors = [
        model.fit(&data, quiet(1)).err(),
        model.evaluate(&data).err(),
        model.predict(&x).err(),
        model.step(&x, &x).err(),
        Sequential::new().input([1]).build().err(),
        Sequential::new().input([1]).summary().err(),
    ];
    for error in errors {
        assert_eq!(error.unwrap().to_string(), "the network has no layers; `.add(..)` adds one");
    }
}

#[test]
fn no_data_is_an_error() {
    let mut model =
        Sequential::new().input([2]).add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    let none = Dataset::new(Tensor::zeros([0, 2], DType::F32), Tensor::zeros([0, 1], DType::F32));
    assert!(model.fit(&none, quiet(1)).unwrap_err().to_string().contains("there is no batch in it"));
    assert!(model.evaluate(&none).unwrap_err().to_string().contains("there is no batch in it"));
    let one = Dataset::new(Tensor::zeros([1, 2], DType::F32), Tensor::zeros([1, 1], DType::F32));
    let split = grafito::nn::Fit { validation: grafito::nn::Validation::Split(0.1), ..quiet(1) };
    assert!(model.fit(&one, split).unwrap_err().to_string().contains("cannot be split off"));
    assert_eq!(model.predict(&Tensor::zeros([0, 2], DType::F32)).unwrap().shape(), &Shape::from([0, 1]));
}

#[test]
fn a_loss_that_is_for_others_names_itself() {
    let mut model =
        Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), SparseCrossEntropy::new(), ());
    let error = model.step(&Tensor::zeros([4, 2], DType::F32), &Tensor::zeros([4, 1], DType::F32));
    assert!(matches!(error, Err(ModelError::Step(_))), "{error:?}");

    // [4, 1] and [4] would broadcast to [4, 4], and train on nonsense.
    let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ());
    let error = model.step(&Tensor::zeros([4, 2], DType::F32), &Tensor::zeros([4], DType::F32)).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("MeanSquaredError: predictions f32[4, 1] and targets f32[4] (tests/nn/errors.rs:")
    );
    assert!(
        error.contains(") differ in shape (`targets.unsqueeze(-1)` has that shape) at tests/nn/errors.rs:")
    );
}

/// Examples for a network of so many outputs, targets, and what the error says of them.
type Misfit = (Box<dyn Loss>, Tensor, usize, Tensor, &'static str);

#[test]
fn targets_of_another_form_are_told_what_takes_them() {
    let zeros = |shape: &[usize], dtype| Tensor::zeros(shape, dtype);
    let (f32, u8) = (DType::F32, DType::U8);
    let flatten = "a `Flatten` before the first `Dense` makes one row of each example";
    let cases: [Misfit; 13] = [
        (Box::new(SparseCrossEntropy::new()), zeros(&[8, 4], f32), 3, zeros(&[8, 3], f32), "`CrossEntropy`"),
        (
            Box::new(SparseCrossEntropy::from_logits()),
            zeros(&[8, 4], f32),
            3,
            zeros(&[8, 3], u8),
            "argmax(-1)`",
        ),
        (
            Box::new(SparseCrossEntropy::from_logits()),
            zeros(&[8, 4], f32),
            3,
            zeros(&[8, 1], u8),
            "squeeze(-1)`",
        ),
        (
            Box::new(SparseCrossEntropy::from_logits()),
            zeros(&[8, 4], f32),
            3,
            zeros(&[8], f32),
            "cast(DType::I64)`",
        ),
        (Box::new(SparseCrossEntropy::from_logits()), zeros(&[8, 4, 4], f32), 3, zeros(&[8], u8), flatten),
        (Box::new(SparseCrossEntropy::new()), zeros(&[8, 4, 4], f32), 3, zeros(&[8], u8), flatten),
        (Box::new(CrossEntropy::new()), zeros(&[8, 4], f32), 3, zeros(&[8], u8), "`SparseCrossEntropy`"),
        (Box::new(CrossEntropy::new()), zeros(&[8, 4, 4], f32), 3, zeros(&[8, 3], f32), flatten),
        (
            Box::new(BinaryCrossEntropy::new()),
            zeros(&[8, 4], f32),
            1,
            zeros(&[8], u8),
            "targets.unsqueeze(-1)`",
        ),
        (
            Box::new(BinaryCrossEntropy::new()),
            zeros(&[8, 4], f32),
            3,
            zeros(&[8], u8),
            "one_hot(3, DType::F32)`",
        ),
        (Box::new(MeanSquaredError), zeros(&[8, 4, 4], f32), 1, zeros(&[8, 1], f32), flatten),
        (Box::new(MeanSquaredError), zeros(&[8, 4], f32), 1, zeros(&[8, 1, 1], f32), "targets.squeeze(-1)`"),
        // Of another number of classes nothing is known.
        (Box::new(CrossEntropy::new()), zeros(&[8, 4], f32), 3, zeros(&[8, 5], f32), " differ in shape at "),
    ];
    for mode in [Mode::Eager, Mode::Lazy] {
        for (loss, x, classes, y, hint) in &cases {
            let network = Sequential::new().add(Dense::new(*classes).activation(Softmax));
            let loss =
                Registry::new().loss(&json!({ "kind": loss.kind(), "config": loss.config() })).unwrap();
            let mut model = network.compile(Sgd::new(0.1), loss, ());
            let error = with_mode(mode, || model.step(x, y)).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}, expected {hint}");
            // Where the targets are from, and where the model is.
            assert_eq!(error.matches("tests/nn/errors.rs:").count(), 2, "{error}");
        }
    }
    let mut model = Sequential::new().add(Dense::new(3)).compile(Sgd::new(0.1), MeanSquaredError, Accuracy);
    let (x, y) = (zeros(&[8, 4], f32), zeros(&[8, 3], f32));
    model.step(&x, &y).unwrap();
    let scores = Predictions::new(zeros(&[8, 1], f32));
    let accuracy =
        grafito::catch(|| Accuracy.update(&[], &scores, &zeros(&[8], u8))).unwrap_err().to_string();
    assert!(accuracy.contains("`targets.unsqueeze(-1)` has that shape"), "{accuracy}");
}

#[test]
fn labels_that_are_out_of_range_are_named_with_the_place_that_made_them() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let x = Tensor::zeros([6, 4], DType::F32);
            let labels = Tensor::from([0u8, 1, 2, 7, 0, 1]);
            let place = format!("({})", labels.origin());
            let datasets = [
                Dataset::new(x.clone(), labels.clone()),
                Dataset::new(x.clone(), labels.clone()).shuffle(1).batch(2),
                Dataset::new(x.clone(), labels.clone()).prefetch(2).batch(4).prefetch(2),
            ];
            for data in datasets {
                for loss in [SparseCrossEntropy::new(), SparseCrossEntropy::from_logits()] {
                    let model = || Sequential::new().add(Dense::new(3)).compile(Sgd::new(0.1), loss, ());
                    for error in [model().fit(&data, quiet(1)).err(), model().evaluate(&data).err()] {
                        let error = error.unwrap().to_string();
                        assert!(error.contains(" 7 is out of range") && error.contains(&place), "{error}");
                        assert!(!error.contains("src/"), "{error}");
                    }
                }
            }
            // Large rows are gathered by an operation.
            let wide = Tensor::zeros([3, 1 << 16], DType::F32);
            let rows = Dataset::new(wide.clone(), Tensor::zeros([3], DType::U8)).batch(2);
            assert_eq!(rows.epoch(1).next().unwrap().0.origin(), wide.origin());
            // Digits have no tensors of their own before they are a dataset.
            let digits = some_digits(4).batch(2).epoch(1).next().unwrap().1;
            assert!(digits.origin().to_string().starts_with("tests/nn/support.rs:"), "{}", digits.origin());
        });
    }
}
