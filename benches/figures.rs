//! The figures that Grafito is measured by, each under a fixed name.
//!
//! ```text
//! cargo bench --bench figures              # all of them
//! cargo bench --bench figures -- chain     # those whose names contain a word
//! cargo bench --bench figures -- call      # a figure of that name, and no other
//! ```
//!
//! One line a figure: its name, then the minimum, the median and the maximum of the samples, in the figure's unit.
//! `benches/peers` does the same work with other libraries, and prints the ratios.

#[path = "../examples/mnist/model.rs"]
#[allow(dead_code, reason = "the example's other functions are not measured")]
mod model;

#[path = "networks/cnn.rs"]
mod cnn;

use std::time::Instant;

use cnn::Cnn;
use grafito::Plan;
use grafito::nn::{glorot_uniform, sgd_update};
use grafito::prelude::*;
use model::{Mlp, train_step};

/// A figure: its name, its unit, how many samples are taken, and what takes one, in that unit.
struct Figure {
    name: &'static str,
    unit: &'static str,
    samples: usize,
    measure: fn() -> Box<dyn FnMut() -> f64>,
}

const FIGURES: &[Figure] = &[
    Figure { name: "recipe_lazy", unit: "s/epoch", samples: 9, measure: || recipe(Mode::Lazy) },
    Figure { name: "recipe_epoch", unit: "s/epoch", samples: 9, measure: recipe_epoch },
    Figure { name: "recipe_eager", unit: "s/epoch", samples: 5, measure: || recipe(Mode::Eager) },
    Figure { name: "call", unit: "us", samples: 9, measure: call },
    Figure { name: "first_call", unit: "ms", samples: 9, measure: first_call },
    Figure { name: "graph_1k", unit: "ms", samples: 9, measure: || deep_graph(1_000) },
    Figure { name: "graph_10k", unit: "ms", samples: 5, measure: || deep_graph(10_000) },
    Figure { name: "arena", unit: "x_least", samples: 1, measure: arena },
    Figure { name: "scalar_loop", unit: "ns/iteration", samples: 9, measure: scalar_loop },
    Figure { name: "chain_64k", unit: "ns/element", samples: 15, measure: || chain(1 << 16, 200) },
    Figure { name: "chain_16m", unit: "ns/element", samples: 7, measure: || chain(1 << 24, 1) },
    Figure { name: "transcendental_16m", unit: "ns/element", samples: 7, measure: transcendental },
    Figure { name: "mean_square_16m", unit: "ns/element", samples: 15, measure: mean_square },
    Figure { name: "wide_step", unit: "ms", samples: 9, measure: wide_step },
    Figure { name: "cnn_step", unit: "ms", samples: 9, measure: cnn_step },
];

fn main() {
    // `cargo bench` passes flags of its own.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_name = |word: &String| FIGURES.iter().any(|figure| figure.name == word);
    let selects =
        |word: &String, name: &str| if is_name(word) { name == word } else { name.contains(&**word) };
    let selected = |name: &str| words.is_empty() || words.iter().any(|word| selects(word, name));
    for figure in FIGURES.iter().filter(|figure| selected(figure.name)) {
        with_mode(Mode::Lazy, || {
            let mut sample = (figure.measure)();
            sample();
            let mut samples: Vec<f64> = (0..figure.samples).map(|_| sample()).collect();
            samples.sort_by(f64::total_cmp);
            let (least, most) = (samples[0], samples[samples.len() - 1]);
            let median = samples[samples.len() / 2];
            println!("{:<20} {least:>10.4} {median:>10.4} {most:>10.4}  {}", figure.name, figure.unit);
        });
    }
}

/// Seconds of one run, or of one of `times` runs.
fn seconds(times: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| run());
    start.elapsed().as_secs_f64() / times as f64
}

fn images(examples: usize) -> (Tensor, Tensor) {
    let pixels = (Tensor::random_uniform([examples, 28, 28], DType::F32, 1) * 255.0).cast(DType::U8);
    let labels = Tensor::arange(examples, DType::I64) % 10;
    (pixels.eval(), labels.cast(DType::U8).eval())
}

/// An epoch of the notebook's network, 784-128-10, in 1875 steps of 32 examples, called from Rust.
fn recipe(mode: Mode) -> Box<dyn FnMut() -> f64> {
    let mut net = Mlp::new(1);
    let batches: Vec<(Tensor, Tensor)> = (0..16).map(|_| images(32)).collect();
    Box::new(move || {
        with_mode(mode, || {
            seconds(1, || {
                for step in 0..1875 {
                    let (images, labels) = &batches[step % batches.len()];
                    let (loss, _) = train_step(&mut net, images, labels, 0.01);
                    std::hint::black_box(loss);
                }
            })
        })
    })
}

/// An epoch as one call: a loop over batches, which are gathered from all images by a shuffled list of positions.
#[graph_fn]
fn train_epoch(net: &mut Mlp, images: &Tensor, labels: &Tensor, batches: &Tensor) -> (Tensor, Tensor) {
    let mut total = Tensor::scalar(0.0f32);
    let mut total_hits = Tensor::scalar(0i64);
    for batch in batches {
        let (loss, hits) = train_step(&mut *net, &images.gather(0, &batch), &labels.gather(0, &batch), 0.01);
        total += loss;
        total_hits += hits;
    }
    (total / 1875.0, total_hits)
}

/// The same epoch in one call, on 60,000 resident images.
fn recipe_epoch() -> Box<dyn FnMut() -> f64> {
    let mut net = Mlp::new(1);
    let (images, labels) = images(60_000);
    let batches = ((Tensor::arange(60_000, DType::I64) * 7919) % 60_000).reshape([1875, 32]).eval();
    Box::new(move || {
        seconds(1, || {
            let (loss, hits) = train_epoch(&mut net, &images, &labels, &batches);
            std::hint::black_box((loss.eval(), hits.eval()));
        })
    })
}

#[graph_fn]
fn add_one(x: &Tensor) -> Tensor {
    x + 1
}

/// A call that does nearly nothing: lookup and replay.
fn call() -> Box<dyn FnMut() -> f64> {
    let x = Tensor::scalar(1.0f32);
    Box::new(move || 1e6 * seconds(20_000, || drop(std::hint::black_box(add_one(&x)))))
}

/// Trace, gradient, passes and plan of the recipe's step, up to its first result. Another number of examples is another
/// signature, so each sample is a first call.
fn first_call() -> Box<dyn FnMut() -> f64> {
    let mut net = Mlp::new(1);
    let mut examples = 32;
    Box::new(move || {
        examples += 1;
        let (images, labels) = images(examples);
        1e3 * seconds(1, || drop(train_step(&mut net, &images, &labels, 0.01)))
    })
}

#[graph_fn]
fn deep_train_step(weights: &mut Vec<Tensor>, x: &Tensor) -> Tensor {
    let (loss, grads) = value_and_grad(&*weights, |weights| {
        let mut h = x.clone();
        for weight in weights {
            h = (h.matmul(weight) + 0.5).relu() + &h;
        }
        (&h * &h).mean(..)
    });
    sgd_update(weights, &grads, 0.01);
    loss
}

fn deep_layers(number: usize) -> Vec<Tensor> {
    (0..number).map(|i| glorot_uniform(8, 8, i as i64)).collect()
}

/// Trace, gradient, passes and plan of a deep network's step, up to its first result: how that grows with the number of
/// nodes, of which the traced graph has as many as are asked for, or a few more. The layers are so small that their
/// arithmetic does not count.
fn deep_graph(nodes: usize) -> Box<dyn FnMut() -> f64> {
    let input = |rows: usize| Tensor::ones([rows, 8], DType::F32).eval();
    let size =
        |layer_count: usize| deep_train_step::graph(&mut deep_layers(layer_count), &input(1)).num_nodes();
    let a_layer = size(2) - size(1);
    let mut weights = deep_layers((nodes - size(1)).div_ceil(a_layer) + 1);
    assert!((nodes..nodes + a_layer).contains(&size(weights.len())));
    let mut rows = 1;
    Box::new(move || {
        rows += 1;
        let x = input(rows);
        1e3 * seconds(1, || drop(deep_train_step(&mut weights, &x)))
    })
}

/// How much larger than what is alive at once the arena of a plan is, for the plan where that is worst: a step of the
/// recipe, of the wider network and of a deep one.
fn arena() -> Box<dyn FnMut() -> f64> {
    Box::new(|| {
        let (images, labels) = images(32);
        let (x, wide_labels) = wide_batch();
        let mut deep = deep_layers(100);
        let graphs = [
            train_step::optimized(&mut Mlp::new(1), &images, &labels, 0.01),
            wide_train_step::optimized(&mut Wide::new(), &x, &wide_labels, 0.01),
            deep_train_step::optimized(&mut deep, &Tensor::ones([64, 8], DType::F32)),
        ];
        let ratios = graphs.iter().map(|graph| {
            let plan = Plan::new(graph).expect("a plan");
            plan.arena_bytes() as f64 / plan.least_arena_bytes() as f64
        });
        ratios.fold(0.0, f64::max)
    })
}

#[graph_fn]
fn count(n: &Tensor) -> Tensor {
    let mut i = Tensor::scalar(0i64);
    let mut s = Tensor::scalar(0.0f32);
    while &i < n {
        i += 1;
        s = s * 0.999999 + 1.0;
    }
    s
}

fn scalar_loop() -> Box<dyn FnMut() -> f64> {
    const ITERATIONS: i64 = 1_000_000;
    let n = Tensor::scalar(ITERATIONS);
    Box::new(move || 1e9 * seconds(1, || drop(std::hint::black_box(count(&n)))) / ITERATIONS as f64)
}

#[graph_fn]
fn chained(x: &Tensor) -> Tensor {
    let mut y = x.clone();
    for _ in 0..10 {
        y = y * x + 0.5;
    }
    y.maximum(0.0) - x
}

/// `y = y*x + 0.5` ten times, then `max(y, 0) - x`.
fn chain(elements: usize, times: usize) -> Box<dyn FnMut() -> f64> {
    let x = Tensor::random_uniform([elements], DType::F32, 1).eval();
    Box::new(move || 1e9 * seconds(times, || drop(std::hint::black_box(chained(&x)))) / elements as f64)
}

#[graph_fn]
fn transcended(x: &Tensor) -> Tensor {
    let mut y = x.clone();
    for _ in 0..5 {
        y = (&y / 2.0 + 0.25).tanh() * (-(&y * &y)).exp() + &y;
    }
    y
}

/// Five times `tanh(x/2 + 1/4) · exp(-x²) + x`.
fn transcendental() -> Box<dyn FnMut() -> f64> {
    const ELEMENTS: usize = 1 << 24;
    let x = Tensor::random_uniform([ELEMENTS], DType::F32, 1).eval();
    Box::new(move || 1e9 * seconds(1, || drop(std::hint::black_box(transcended(&x)))) / ELEMENTS as f64)
}

#[graph_fn]
fn squared_mean(x: &Tensor) -> Tensor {
    let y = x * 2.0 - 1.0;
    (&y * &y).mean(..)
}

/// The mean of the squares of `2x - 1`.
fn mean_square() -> Box<dyn FnMut() -> f64> {
    const ELEMENTS: usize = 1 << 24;
    let x = Tensor::random_uniform([ELEMENTS], DType::F32, 1).eval();
    Box::new(move || 1e9 * seconds(1, || drop(std::hint::black_box(squared_mean(&x)))) / ELEMENTS as f64)
}

/// Three dense layers, 784-1024-1024-10.
#[derive(Clone, TensorTree)]
struct Wide {
    weights: [Tensor; 3],
    biases: [Tensor; 3],
}

#[graph_fn]
fn wide_train_step(net: &mut Wide, x: &Tensor, labels: &Tensor, lr: f32) -> Tensor {
    let (loss, grads) = value_and_grad(&*net, |net| {
        let h = (x.matmul(&net.weights[0]) + &net.biases[0]).relu();
        let h = (h.matmul(&net.weights[1]) + &net.biases[1]).relu();
        (h.matmul(&net.weights[2]) + &net.biases[2]).sparse_cross_entropy(labels)
    });
    sgd_update(net, &grads, lr);
    loss
}

impl Wide {
    fn new() -> Wide {
        const SIZES: [usize; 4] = [784, 1024, 1024, 10];
        Wide {
            weights: [0, 1, 2].map(|i| glorot_uniform(SIZES[i], SIZES[i + 1], i as i64)),
            biases: [0, 1, 2].map(|i| Tensor::zeros([SIZES[i + 1]], DType::F32)),
        }
    }
}

fn wide_batch() -> (Tensor, Tensor) {
    let x = Tensor::random_uniform([256, 784], DType::F32, 1).eval();
    (x, (Tensor::arange(256, DType::I64) % 10).eval())
}

/// A step of a wider network on 256 examples.
fn wide_step() -> Box<dyn FnMut() -> f64> {
    let mut net = Wide::new();
    let (x, labels) = wide_batch();
    Box::new(move || {
        1e3 * seconds(5, || drop(std::hint::black_box(wide_train_step(&mut net, &x, &labels, 0.01))))
    })
}

/// A step of the network of convolutions on 64 images of f32.
fn cnn_step() -> Box<dyn FnMut() -> f64> {
    let mut net = Cnn::new();
    let (images, labels) = cnn::batch();
    Box::new(move || {
        1e3 * seconds(3, || drop(std::hint::black_box(cnn::train_step(&mut net, &images, &labels, 0.01))))
    })
}
