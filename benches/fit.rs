//! What `fit` costs beside the compiled steps it makes: batches, figures, callbacks.
//!
//! ```text
//! cargo bench --bench fit                  # all ways
//! cargo bench --bench fit -- gathered      # those whose names contain a word
//! ```
//!
//! The ways to make the same steps are timed in turns, in short runs, and the least time of each is shown: what other
//! programs take of the machine falls on all of them alike.

#[path = "../examples/mnist/model.rs"]
#[allow(dead_code, reason = "the example's other functions are not measured")]
mod model;

use std::hint::black_box;
use std::time::{Duration, Instant};

use grafito::datasets::{Dataset, synthetic_digits};
use grafito::nn::{
    Accuracy, Dense, Fit, Flatten, Model, Relu, Rescaling, Sequential, Sgd, Softmax, SparseCrossEntropy,
};
use grafito::prelude::*;
use model::{Mlp, train_step};

const BATCH: usize = 32;
const STEPS: usize = 64;
const ROUNDS: usize = 200;

/// What the others are compared with.
const BARE: &str = "the compiled step of the model, batches at hand";

/// A name, and what makes the steps.
type Way<'a> = (&'static str, Box<dyn FnMut() + 'a>);

fn main() {
    with_mode(Mode::Lazy, measure);
}

fn recipe() -> Model {
    Sequential::new()
        .add(Rescaling::new(1.0 / 255.0))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(0.01), SparseCrossEntropy::new(), Accuracy)
}

fn measure() {
    let data = Dataset::from(&synthetic_digits(BATCH * STEPS, 0, 1).train);
    let batches: Vec<(Tensor, Tensor)> = data.clone().batch(BATCH).epoch(0).collect();
    let (mut net, mut stepped, mut fitted, mut ahead) = (Mlp::new(1), recipe(), recipe(), recipe());
    let quiet = || Fit { batch_size: BATCH, progress: false, ..Fit::default() };
    let prefetched = data.clone().shuffle(0).batch(BATCH).prefetch(4);

    let mut ways: Vec<Way<'_>> = vec![
        (
            "the hand-written step, batches at hand",
            Box::new(|| {
                for (x, y) in &batches {
                    let (loss, _) = train_step(&mut net, x, y, 0.01);
                    black_box(loss.item::<f32>());
                }
            }),
        ),
        (
            BARE,
            Box::new(|| {
                for (x, y) in &batches {
                    black_box(stepped.step(x, y).expect("it fits"));
                }
            }),
        ),
        (
            "the batches alone, gathered",
            Box::new(|| {
                data.clone().shuffle(0).batch(BATCH).epoch(1).for_each(|batch| drop(black_box(batch)))
            }),
        ),
        (
            "fit, batches gathered",
            Box::new(|| {
                fitted.fit(&data, quiet()).expect("it fits");
            }),
        ),
        (
            "fit, batches prefetched",
            Box::new(|| {
                ahead.fit(&prefetched, quiet()).expect("it fits");
            }),
        ),
    ];
    // `cargo bench` passes flags of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    ways.retain(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(&**word)));
    let mut least = vec![Duration::MAX; ways.len()];
    for _ in 0..ROUNDS {
        for ((_, way), least) in ways.iter_mut().zip(&mut least) {
            let start = Instant::now();
            way();
            *least = start.elapsed().min(*least);
        }
    }
    let bare = ways.iter().position(|(name, _)| *name == BARE).map(|bare| least[bare].as_secs_f64());
    for ((name, _), least) in ways.iter().zip(&least) {
        let micros = least.as_secs_f64() * 1e6 / STEPS as f64;
        let more = bare.map(|bare| format!(", {:+.1} %", (least.as_secs_f64() / bare - 1.0) * 100.0));
        println!("{name:<48} {micros:7.2} µs a step{}", more.unwrap_or_default());
    }
}
