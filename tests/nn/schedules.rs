//! Schedules give the rates of those of Keras.

use grafito::nn::{CosineDecay, ExponentialDecay, LearningRateSchedule, StepDecay, WarmUp};
use grafito::prelude::*;

use crate::support::close;
use crate::values;

/// The steps of values.py.
const STEPS: [i64; 10] = [0, 1, 4, 5, 9, 10, 15, 20, 25, 1000];

/// The rates at these steps, in both modes.
#[track_caller]
fn rates(schedule: &dyn LearningRateSchedule, initial: f32, steps: &[i64]) -> Vec<f64> {
    let run = |mode| {
        with_mode(mode, || {
            let rate = |&step: &i64| schedule.rate(&Tensor::scalar(initial), &Tensor::scalar(step));
            steps.iter().map(|step| f64::from(rate(step).item::<f32>())).collect::<Vec<_>>()
        })
    };
    assert_eq!(run(Mode::Eager), run(Mode::Lazy));
    run(Mode::Eager)
}

#[test]
fn rates_are_those_of_keras() {
    let check = |schedule: &dyn LearningRateSchedule, expected: &[f64]| {
        close(&rates(schedule, schedule.initial(), &STEPS), expected, 1e-6, schedule.kind());
        // What was set since is where it starts from.
        let halved: Vec<f64> = expected.iter().map(|rate| rate / 2.0).collect();
        close(&rates(schedule, schedule.initial() / 2.0, &STEPS), &halved, 1e-6, schedule.kind());
    };
    check(&ExponentialDecay::new(0.125, 10, 0.5), values::EXPONENTIAL);
    check(&StepDecay::new(0.125, 10, 0.5), values::STEPS);
    check(&CosineDecay::new(0.125, 20), values::COSINE);
    check(&CosineDecay::new(0.125, 20).floor(0.25), values::COSINE_FLOOR);
}

#[test]
fn a_warm_up_rises_and_then_follows_the_other() {
    let steps = StepDecay::new(0.5, 2, 0.5);
    let rising = rates(&WarmUp::new(4, steps), 0.5, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(rising, [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]);
    let constant = rates(&WarmUp::new(2, 0.5), 0.5, &[0, 1, 2, 1 << 40]);
    assert_eq!(constant, [0.25, 0.5, 0.5, 0.5]);
}

#[test]
fn a_schedule_that_takes_no_step_is_refused() {
    for make in [
        (|| _ = WarmUp::new(0, 0.1)) as fn(),
        || _ = CosineDecay::new(0.1, 0),
        || _ = StepDecay::new(0.1, 0, 0.5),
        || _ = ExponentialDecay::new(0.1, 0, 0.5),
    ] {
        let panic = std::panic::catch_unwind(make).unwrap_err();
        let message = panic.downcast_ref::<&str>().expect("a message without arguments");
        assert!(message.ends_with("0 steps, expected at least 1"), "{message}");
    }
}
