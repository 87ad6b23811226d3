//! What a step of the recipe costs in each mode, what the first call costs, and what a call costs at least.
//!
//! ```text
//! cargo bench --bench training_step
//! ```

#[path = "../examples/mnist/model.rs"]
#[allow(dead_code, reason = "the example's other functions are not measured")]
mod model;

use divan::{Bencher, black_box};
use grafito::prelude::*;
use model::{Mlp, train_step};

fn main() {
    divan::main();
}

fn batch() -> (Tensor, Tensor) {
    let images = (Tensor::random_uniform([32, 28, 28], DType::F32, 1) * 255.0).cast(DType::U8);
    let labels = Tensor::arange(32, DType::I64) % 10;
    (images.eval(), labels.cast(DType::U8).eval())
}

/// One step of the recipe: 784-128-10, batch 32. 1875 of them are an epoch.
#[divan::bench(args = [Mode::Lazy, Mode::Eager])]
fn step(bencher: Bencher<'_, '_>, mode: Mode) {
    with_mode(mode, || {
        let mut net = Mlp::new(1);
        let (images, labels) = batch();
        bencher.bench_local(|| black_box(train_step(&mut net, &images, &labels, 0.01)));
    });
}

/// Optimizing and planning the step's graph, after it was traced.
#[divan::bench]
fn optimize(bencher: Bencher<'_, '_>) {
    let (images, labels) = batch();
    let graph = train_step::graph(&mut Mlp::new(1), &images, &labels, 0.01);
    bencher.with_inputs(|| graph.clone()).bench_local_values(|mut graph| {
        grafito::optimize(&mut graph).expect("the passes are sound");
        graph
    });
}

#[graph_fn]
fn add_one(x: &Tensor) -> Tensor {
    x + 1
}

/// A call that does nearly nothing: lookup and replay.
#[divan::bench]
fn call(bencher: Bencher<'_, '_>) {
    with_mode(Mode::Lazy, || {
        let x = Tensor::scalar(1.0f32);
        bencher.bench_local(|| black_box(add_one(&x)));
    });
}
