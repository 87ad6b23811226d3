//! Losses are those of Keras, have the right gradients, and are exact where probabilities are not.

use grafito::nn::{
    BinaryCrossEntropy, CrossEntropy, Dense, Hinge, Huber, Loss, MeanAbsoluteError, Predictions, Sequential,
    Sgd, Sigmoid, Softmax,
};
use grafito::prelude::*;

use crate::support::close;
use crate::values;

// Those of values.py.
const LOGITS: [[f64; 3]; 3] = [[2.0, -1.0, 0.5], [0.0, 3.0, -20.0], [-0.25, 0.125, 0.0625]];
const SCORES: [[f64; 3]; 3] = [[0.5, 0.25, 0.5], [0.0, 0.25, 0.75], [0.125, 0.875, 0.0]];
const SOFT: [[f64; 3]; 3] = [[0.75, 0.25, 0.0], [0.0, 0.5, 0.5], [0.125, 0.375, 0.5]];
const HARD: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
const TARGETS: [[f64; 3]; 3] = [[1.5, -1.0, 0.0], [0.25, 5.0, -20.0], [0.0, 0.0, 1.0]];

#[graph_fn]
fn mean_of(loss: &Chosen, p: &Predictions, y: &Tensor) -> Tensor {
    loss.0.mean(p, y)
}

/// A loss as a part of a signature.
#[derive(Debug, Clone, Copy)]
struct Chosen(&'static dyn Loss);

impl PartialEq for Chosen {
    fn eq(&self, other: &Chosen) -> bool {
        std::ptr::addr_eq(self.0, other.0)
    }
}

impl Eq for Chosen {}

impl std::hash::Hash for Chosen {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.0.kind().hash(hasher);
    }
}

/// Of plain values, in both modes and both dtypes.
#[track_caller]
fn check(loss: impl Loss, values: [[f64; 3]; 3], targets: [[f64; 3]; 3], expected: f64) {
    let chosen = Chosen(Box::leak(Box::new(loss)));
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 1e-6)] {
        for mode in [Mode::Eager, Mode::Lazy] {
            with_mode(mode, || {
                let p = Predictions::new(Tensor::from(values).cast(dtype));
                let mean = mean_of(&chosen, &p, &Tensor::from(targets));
                assert_eq!(mean.dtype(), dtype);
                let mean = mean.cast(DType::F64).item::<f64>();
                close(&[mean], &[expected], tolerance, &format!("{:?} of {dtype}", chosen.0));
            });
        }
    }
}

#[test]
fn losses_are_those_of_keras() {
    check(CrossEntropy::new(), SCORES, SOFT, values::CROSS_ENTROPY);
    check(CrossEntropy::from_logits(), LOGITS, SOFT, values::CROSS_ENTROPY_LOGITS);
    check(CrossEntropy::new().label_smoothing(0.1), SCORES, HARD, values::CROSS_ENTROPY_SMOOTH);
    let inner = SCORES.map(|row| row.map(|p| p / 2.0 + 0.25));
    check(BinaryCrossEntropy::new(), inner, SOFT, values::BINARY);
    check(BinaryCrossEntropy::from_logits(), LOGITS, SOFT, values::BINARY_LOGITS);
    check(BinaryCrossEntropy::from_logits().label_smoothing(0.1), LOGITS, HARD, values::BINARY_SMOOTH);
    check(MeanAbsoluteError, LOGITS, TARGETS, values::ABSOLUTE);
    check(Huber::default(), LOGITS, TARGETS, values::HUBER);
    check(Huber::new(0.25), LOGITS, TARGETS, values::HUBER_QUARTER);
    check(Hinge, LOGITS, HARD.map(|row| row.map(|y| 2.0 * y - 1.0)), values::HINGE);
    check(Hinge, LOGITS, HARD, values::HINGE_BINARY);
}

#[test]
fn probabilities_of_0_and_1_cost_what_1e_7_does() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let p = || Predictions::new(Tensor::from([[0.0, 1.0]]));
            let most = -1e-7f64.ln();
            let each = BinaryCrossEntropy::new().each(&p(), &Tensor::from([[1u8, 0]])).to_vec::<f64>();
            close(&each, &[most, most], 1e-9, "both are wrong");
            let each = BinaryCrossEntropy::new().each(&p(), &Tensor::from([[0u8, 1]])).to_vec::<f64>();
            close(&each, &[1e-7, 1e-7], 1e-13, "both are right");
            let each = CrossEntropy::new().each(&p(), &Tensor::from([[1u8, 0]])).to_vec::<f64>();
            close(&each, &[most], 1e-13, "the class is wrong");
        });
    }
}

#[test]
fn gradients_are_central_differences() {
    let losses: [(Box<dyn Loss>, _, _); 7] = [
        (Box::new(CrossEntropy::new()), [[0.25, 0.5, 0.5]; 3], SOFT),
        (Box::new(CrossEntropy::from_logits().label_smoothing(0.1)), LOGITS, HARD),
        (Box::new(BinaryCrossEntropy::new()), [[0.25, 0.5, 0.75]; 3], SOFT),
        // One of these logits is 0, where the parts of other forms have corners.
        (Box::new(BinaryCrossEntropy::from_logits()), LOGITS, SOFT),
        (Box::new(MeanAbsoluteError), LOGITS.map(|row| row.map(|x| x + 0.01)), TARGETS),
        (Box::new(Huber::new(0.6)), LOGITS, TARGETS),
        (Box::new(Hinge), LOGITS.map(|row| row.map(|x| x + 0.01)), HARD),
    ];
    for (loss, at, targets) in losses {
        let targets = Tensor::from(targets);
        let mean = |x: &Tensor| loss.mean(&Predictions::new(x.clone()), &targets);
        for mode in [Mode::Eager, Mode::Lazy] {
            with_mode(mode, || {
                let gradient = grad(&Tensor::from(at), mean).to_vec::<f64>();
                for (i, found) in gradient.into_iter().enumerate() {
                    let moved = |by: f64| {
                        let mut at = at;
                        at[i / 3][i % 3] += by;
                        mean(&Tensor::from(at)).item::<f64>()
                    };
                    let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    close(&[found], &[expected], 1e-8, &format!("{loss:?}, element {i}"));
                }
            });
        }
    }
}

/// The loss of a network of one layer with weights of 1, for the input `x`.
fn of_identity(end: Sequential, loss: impl Loss, x: &[f32], y: &Tensor) -> f64 {
    let mut model = end.compile(Sgd::new(0.0), loss, ());
    model.build().unwrap();
    model.set_weight("dense/kernel", &Tensor::eye(x.len(), DType::F32)).unwrap();
    model.step(&Tensor::from_slice([1, x.len()], x), y).unwrap()
}

#[test]
fn the_last_activation_is_recognized() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let dense = |units| Sequential::new().input([units]).add(Dense::new(units).without_bias());
            // Probabilities of e⁻²⁰⁰ are 0 as f32.
            let one_hot = Tensor::from([[0u8, 1]]);
            let ends = || dense(2).add(Softmax);
            assert_eq!(of_identity(ends(), CrossEntropy::new(), &[100.0, -100.0], &one_hot), 200.0);
            let (no, yes) = (Tensor::from([[false]]), Tensor::from([[true]]));
            let ends = || dense(1).add(Sigmoid);
            assert_eq!(of_identity(ends(), BinaryCrossEntropy::new(), &[200.0], &no), 200.0);
            assert_eq!(of_identity(ends(), BinaryCrossEntropy::new(), &[-200.0], &yes), 200.0);
            // What is small is not lost.
            let small = of_identity(ends(), BinaryCrossEntropy::new(), &[20.0], &yes);
            assert!((small / (-20f64).exp() - 1.0).abs() < 1e-5, "{small}");
            // Another activation is none that the loss knows: this is the sigmoid's output, of a softmax of one.
            let other = of_identity(dense(1).add(Softmax), BinaryCrossEntropy::new(), &[3.0], &no);
            assert!((other + 1e-7f64.ln()).abs() < 0.2, "{other}");
        });
    }
}

#[test]
fn targets_of_another_shape_are_refused_by_all() {
    let losses: [Box<dyn Loss>; 5] = [
        Box::new(CrossEntropy::new()),
        Box::new(BinaryCrossEntropy::new()),
        Box::new(MeanAbsoluteError),
        Box::new(Huber::default()),
        Box::new(Hinge),
    ];
    for loss in losses {
        let kind = loss.kind();
        let mut model = Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), loss, ());
        let error =
            model.step(&Tensor::zeros([4, 2], DType::F32), &Tensor::zeros([4], DType::F32)).unwrap_err();
        let expected = format!("{kind}: predictions f32[4, 1] and targets f32[4] (tests/nn/losses.rs:");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
