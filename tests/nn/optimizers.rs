//! Optimizers go the ways that those of Keras go, and training that is resumed goes on along them.

use grafito::datasets::Dataset;
use grafito::nn::{
    Adagrad, Adam, AdamW, Clip, CosineDecay, Dense, Dropout, Fit, MeanSquaredError, Model, ModelCheckpoint,
    Optimizer, OptimizerState, Relu, RmsProp, Sequential, Sgd, WarmUp,
};
use grafito::prelude::*;

use crate::support::{Losses, bits, close, quiet};
use crate::values;

/// The gradients of values.py.
fn gradients(step: i32, dtype: DType) -> (Tensor, Tensor) {
    let first = [0.5 - 0.25 * f64::from(step), 2f64.powi(1 - step), 0.001 * f64::from(step - 2)];
    let second = [if step % 2 == 1 { -1.0 } else { 0.375 }];
    (Tensor::from(first).cast(dtype), Tensor::from(second).cast(dtype))
}

/// Follows them, and compares all parameters after each step.
#[track_caller]
fn check(optimizer: impl Optimizer, expected: &[f64]) {
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 2e-6)] {
        for mode in [Mode::Eager, Mode::Lazy] {
            let path = with_mode(mode, || {
                let start = (Tensor::from([1.0, -2.0, 0.5f64]), Tensor::from([0.25f64]));
                let mut w = (start.0.cast(dtype), start.1.cast(dtype));
                let mut state = optimizer.start(&w);
                let mut path = Vec::new();
                for step in 0..6 {
                    optimizer.step(&mut w, &gradients(step, dtype), &mut state);
                    path.extend(w.0.cast(DType::F64).to_vec::<f64>());
                    path.extend(w.1.cast(DType::F64).to_vec::<f64>());
                }
                assert_eq!(state.step.item::<i64>(), 6);
                path
            });
            close(&path, expected, tolerance, &format!("{} of {dtype} {mode:?}", optimizer.kind()));
        }
    }
}

#[test]
fn sgd_goes_the_way_of_keras() {
    check(Sgd::new(0.125), values::SGD);
    check(Sgd::new(0.125).nesterov(), values::SGD);
    check(Sgd::new(0.125).momentum(0.9), values::SGD_MOMENTUM);
    check(Sgd::new(0.125).momentum(0.9).nesterov(), values::SGD_NESTEROV);
    check(Sgd::new(0.125).momentum(0.9).weight_decay(0.01), values::SGD_DECAY);
}

#[test]
fn rms_prop_and_adagrad_go_the_way_of_keras() {
    check(RmsProp::new(0.125), values::RMSPROP);
    let all = RmsProp::new(0.125).rho(0.8).momentum(0.5).epsilon(1e-3).centered();
    check(all, values::RMSPROP_CENTERED);
    check(Adagrad::new(0.125), values::ADAGRAD);
    check(Adagrad::new(0.125).initial_accumulator(1.0).epsilon(1e-3), values::ADAGRAD_FROM_1);
}

#[test]
fn adam_goes_the_way_of_keras() {
    check(Adam::new(0.125), values::ADAM);
    check(Adam::new(0.125).betas(0.8, 0.99).epsilon(1e-3), values::ADAM_BETAS);
    check(Adam::new(0.125).amsgrad(), values::AMSGRAD);
    check(AdamW::new(0.125), values::ADAMW);
    check(AdamW::new(0.125).weight_decay(0.25), values::ADAMW_DECAY);
}

#[test]
fn clipped_gradients_go_the_way_of_keras() {
    check(Clip::by_norm(0.75, Sgd::new(0.125)), values::CLIP_NORM);
    check(Clip::by_global_norm(0.75, Sgd::new(0.125)), values::CLIP_GLOBAL_NORM);
    check(Clip::by_value(0.3, Sgd::new(0.125)), values::CLIP_VALUE);
    // One within the other: the outer one comes first.
    let both = Clip::by_value(0.3, Clip::by_norm(1e3, Sgd::new(0.125)));
    check(both, values::CLIP_VALUE);
}

#[test]
fn what_is_below_the_limit_keeps_its_bits_and_no_square_overflows() {
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let gradients = || vec![Tensor::from([0.1f32, -0.7]), Tensor::from([0.3f32])];
            for clip in [Clip::by_norm(0.8, Sgd::new(1.0)), Clip::by_global_norm(0.8, Sgd::new(1.0))] {
                for (clipped, own) in clip.prepare(gradients()).iter().zip(gradients()) {
                    assert_eq!(clipped.to_vec::<f32>(), own.to_vec::<f32>());
                }
                let huge = clip.prepare(vec![Tensor::from([3e30f32, -4e30])]);
                close(&huge[0].cast(DType::F64).to_vec::<f64>(), &[0.48, -0.64], 1e-6, "huge");
                let zero = clip.prepare(vec![Tensor::from([0.0f32])]);
                assert_eq!(zero[0].to_vec::<f32>(), [0.0]);
                assert!(clip.prepare(Vec::new()).is_empty());
            }
        });
    }
    assert!(std::panic::catch_unwind(|| Clip::by_norm(0.0, Sgd::new(1.0))).is_err());
}

/// One of each, with a rate that suits the problem below.
fn all() -> Vec<Box<dyn Optimizer>> {
    vec![
        Box::new(Sgd::new(0.1)),
        Box::new(Sgd::new(0.05).momentum(0.9).nesterov()),
        Box::new(RmsProp::new(0.01)),
        Box::new(RmsProp::new(0.005).momentum(0.5).centered()),
        Box::new(Adagrad::new(0.5)),
        Box::new(Adam::new(0.05)),
        Box::new(Adam::new(0.05).amsgrad()),
        Box::new(AdamW::new(0.05).weight_decay(1e-4)),
        Box::new(Clip::by_norm(1.0, Sgd::new(0.1))),
        Box::new(Clip::by_global_norm(1.0, Adam::new(0.05))),
        Box::new(Clip::by_value(0.5, Sgd::new(0.1))),
        Box::new(Adam::new(WarmUp::new(20, CosineDecay::new(0.1, 400)))),
    ]
}

/// `3 a - 2 b + 0.5` at 64 places.
fn plane() -> Dataset {
    let place = |i: usize, prime: usize| ((i * prime) % 64) as f32 / 32.0 - 1.0;
    let x: Vec<f32> = (0..64).flat_map(|i| [place(i, 7), place(i, 29)]).collect();
    let y: Vec<f32> = x.chunks(2).map(|x| 3.0 * x[0] - 2.0 * x[1] + 0.5).collect();
    Dataset::new(Tensor::from_slice([64, 2], &x), Tensor::from_slice([64, 1], &y))
}

fn line(optimizer: Box<dyn Optimizer>) -> Model {
    Sequential::new().seed(1).add(Dense::new(1)).compile(optimizer, MeanSquaredError, ())
}

#[test]
fn each_optimizer_finds_the_plane_in_both_modes() {
    let run = |mode| {
        with_mode(mode, || {
            let end = |optimizer| {
                let history = line(optimizer).fit(&plane(), quiet(200)).unwrap();
                (history.first("loss").unwrap(), history.last("loss").unwrap())
            };
            all().into_iter().map(end).collect::<Vec<_>>()
        })
    };
    let (eager, lazy) = (run(Mode::Eager), run(Mode::Lazy));
    for (optimizer, (eager, lazy)) in all().iter().zip(eager.into_iter().zip(lazy)) {
        let ((first, last), (_, lazy_last)) = (eager, lazy);
        assert!(last < 1e-3 * first, "{optimizer:?}: {first} became {last}");
        assert!(lazy_last < 1e-3 * first, "{optimizer:?}: {first} became {lazy_last}");
    }
}

#[test]
fn both_modes_go_the_same_way() {
    let run = |mode| {
        with_mode(mode, || {
            let way = |optimizer| {
                let mut losses = Losses::default();
                line(optimizer).fit(&plane(), quiet(3).with(&mut losses)).unwrap();
                losses.0
            };
            all().into_iter().map(way).collect::<Vec<_>>()
        })
    };
    for (optimizer, (eager, lazy)) in all().iter().zip(run(Mode::Eager).into_iter().zip(run(Mode::Lazy))) {
        close(&eager, &lazy, 1e-5, &format!("{optimizer:?}"));
    }
}

#[test]
fn weights_and_slots_are_updated_in_their_own_buffers() {
    with_mode(Mode::Lazy, || {
        // A schedule reads the step, so the next one is written elsewhere: one number.
        for optimizer in all().into_iter().filter(|optimizer| optimizer.learning_rate().kind() == "Constant")
        {
            let slots = 2 * optimizer.slots().len();
            let name = format!("{optimizer:?}");
            let (x, y) = (Tensor::ones([32, 2], DType::F32), Tensor::ones([32, 3], DType::F32));
            let mut model = Sequential::new().add(Dense::new(3)).compile(optimizer, MeanSquaredError, ());
            let plan = model.step_plan(&x, &y).unwrap().to_string();
            // Two weights, then step, rate, slots, key, loss, seen. Which of them gets which buffer is the planner's affair.
            let returned =
                plan.lines().find(|line| line.trim().starts_with("return ")).expect("a plan has results");
            let mut places: Vec<&str> = returned.trim().trim_start_matches("return ").split(", ").collect();
            places.sort_by_key(|place| (place.len(), place.to_string()));
            let mut expected: Vec<String> = (0..7 + slots).map(|input| format!("input{input}")).collect();
            expected.insert(0, "fresh0".to_owned());
            expected.sort_by_key(|place| (place.len(), place.clone()));
            assert_eq!(places, expected, "{name}: {plan}");
        }
    });
}

#[graph_fn]
fn scheduled_step(w: &mut Tensor, state: &mut OptimizerState, x: &Tensor) -> Tensor {
    let (loss, gradient) = value_and_grad(&*w, |w| ((w - x) * (w - x)).sum(..));
    let schedule = WarmUp::new(5, CosineDecay::new(0.125, 50).floor(0.1));
    Clip::by_global_norm(1.0, AdamW::new(schedule)).step(w, &gradient, state);
    loss
}

#[test]
fn no_rate_and_no_step_is_traced_anew() {
    with_mode(Mode::Lazy, || {
        let x = Tensor::from([1.0f32, 2.0]);
        let mut w = Tensor::from([0.0f32, 0.0]);
        let mut state = AdamW::new(0.125).start(&w);
        for step in 0..60 {
            if step == 40 {
                state.learning_rate = Tensor::scalar(0.0f32);
                w = w.eval();
            }
            let before = w.to_vec::<f32>();
            scheduled_step(&mut w, &mut state, &x);
            assert_eq!(w.to_vec::<f32>() == before, step >= 40, "step {step}");
        }
        let cache = scheduled_step::cache();
        assert_eq!((cache.misses, cache.hits), (1, 59));
    });
}

fn stateful(optimizer: impl Optimizer) -> Model {
    Sequential::new()
        .seed(2)
        .add(Dense::new(16).activation(Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(1))
        .compile(optimizer, MeanSquaredError, ())
}

#[test]
fn resumed_equals_uninterrupted_whatever_the_slots() {
    type Make = fn() -> Box<dyn Optimizer>;
    let makes: [Make; 3] = [
        || Box::new(Adam::new(0.01)),
        || Box::new(Clip::by_norm(1.0, AdamW::new(WarmUp::new(9, CosineDecay::new(0.1, 20))).amsgrad())),
        || Box::new(RmsProp::new(0.01).momentum(0.5).centered()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for mode in [Mode::Lazy, Mode::Eager] {
        with_mode(mode, || {
            for make in makes {
                let (mut unbroken, mut broken) = (Losses::default(), Losses::default());
                let mut whole = stateful(make());
                whole.fit(&plane(), Fit { batch_size: 10, ..quiet(4) }.with(&mut unbroken)).unwrap();

                let fit = Fit { batch_size: 10, ..quiet(2) }.with(&mut broken);
                stateful(make()).fit(&plane(), fit.with(ModelCheckpoint::last(&path))).unwrap();
                let mut second = stateful(make());
                second.restore(&path).unwrap();
                second.fit(&plane(), Fit { batch_size: 10, ..quiet(2) }.with(&mut broken)).unwrap();

                assert_eq!(broken.0, unbroken.0, "{mode:?}, {:?}", make());
                assert_eq!(bits(&second), bits(&whole), "{mode:?}, {:?}", make());
            }
        });
    }
}

#[test]
fn a_checkpoint_says_which_setting_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let make = |limit, beta_2| {
        let schedule = WarmUp::new(5, CosineDecay::new(0.1, 20));
        stateful(Clip::by_norm(limit, Adam::new(schedule).betas(0.9, beta_2)))
    };
    let (x, y) = plane().batch(8).epoch(0).next().unwrap();
    let mut model = make(1.0, 0.999);
    model.step(&x, &y).unwrap();
    model.save(&path).unwrap();
    let difference = |mut other: Model| {
        other.step(&x, &y).unwrap();
        other.restore(&path).unwrap_err().to_string()
    };
    let error = difference(make(2.0, 0.999));
    assert!(error.contains("optimizer, config, limit is 2.0 here and 1.0 in the file"), "{error}");
    let error = difference(make(1.0, 0.99));
    assert!(error.contains("optimizer, config, optimizer, config, beta_2 is 0.99 here"), "{error}");
    let error = difference(stateful(Clip::by_norm(1.0, Adam::new(WarmUp::new(5, 0.1)))));
    assert!(error.contains("learning rate, config, then, kind is \"Constant\" here"), "{error}");
}
