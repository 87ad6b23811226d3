//! Question 1: one network at three levels, as layers, as a function, and as a graph built by hand; same numbers.
//!
//! ```text
//! cargo run --example three_levels
//! ```

use std::error::Error;

use grafito::datasets::{Batches, IMAGE_PIXELS, Mnist, Split, synthetic_digits};
use grafito::nn::{
    Accuracy, Dense, Flatten, Relu, Sequential, Sgd, Softmax, SparseCrossEntropy, glorot_uniform, sgd_update,
};
use grafito::prelude::*;
use grafito::session::GraphBuilder;

const STEPS: usize = 100;
const SHOWN: usize = 5;
const BATCH: usize = 32;
const HIDDEN: usize = 32;
const RATE: f32 = 0.1;
/// The layers' weights start from twice the seed, and one more for each layer.
const SEED: i64 = 1;

/// What a level ends with: the loss of each step, and what it makes of the test images.
struct Outcome {
    losses: Vec<f32>,
    predictions: Vec<i64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let digits = synthetic_digits(STEPS * BATCH, 200, 1);
    let levels = [
        ("Sequential", as_layers(&digits)?),
        ("#[graph_fn]", as_function(&digits)),
        ("by hand", as_graph(&digits)),
    ];

    println!("loss after  {}", levels.each_ref().map(|(name, _)| format!("{name:>12}")).concat());
    for step in (0..STEPS).step_by(STEPS / SHOWN) {
        let losses = levels.each_ref().map(|(_, level)| format!("{:>12.4}", level.losses[step]));
        println!("{step:>3} steps   {}", losses.concat());
    }
    let accuracies = levels.each_ref().map(|(_, level)| format!("{:>12.3}", accuracy(level, &digits.test)));
    println!("accuracy    {}", accuracies.concat());

    let (_, reference) = &levels[0];
    let difference = |(_, level): &(&str, Outcome)| {
        level.losses.iter().zip(&reference.losses).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let largest = levels.iter().map(difference).fold(0.0, f32::max);
    println!("losses differ by less than 0.000001: {}", largest < 1e-6);
    Ok(())
}

/// Level 1: a list of layers. Shapes, weights, gradients and the loop over batches are the library's.
fn as_layers(digits: &Mnist) -> Result<Outcome, Box<dyn Error>> {
    let mut model = Sequential::new()
        .seed(SEED)
        .add(Flatten)
        .add(Dense::new(HIDDEN).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(RATE), SparseCrossEntropy::new(), Accuracy);

    // `fit` does this, and more; here the steps are made one by one so that their losses can be compared.
    let mut losses = Vec::new();
    for (pixels, labels) in batches(&digits.train) {
        losses.push(model.step(&pixels, &labels)? as f32);
    }
    let (pixels, _) = all(&digits.test);
    Ok(Outcome { losses, predictions: model.predict(&pixels)?.argmax(-1).to_vec() })
}

/// Level 2: mathematics. Weights are a struct, the step is a function, gradients come from `value_and_grad`.
#[derive(Clone, TensorTree)]
struct Net {
    w1: Tensor,
    b1: Tensor,
    w2: Tensor,
    b2: Tensor,
}

impl Net {
    fn new() -> Net {
        Net {
            w1: glorot_uniform(IMAGE_PIXELS, HIDDEN, 2 * SEED),
            b1: Tensor::zeros([HIDDEN], DType::F32),
            w2: glorot_uniform(HIDDEN, 10, 2 * SEED + 1),
            b2: Tensor::zeros([10], DType::F32),
        }
    }
}

#[graph_fn]
fn logits(net: &Net, pixels: &Tensor) -> Tensor {
    let hidden = (pixels.matmul(&net.w1) + &net.b1).relu();
    hidden.matmul(&net.w2) + &net.b2
}

#[graph_fn]
fn train_step(net: &mut Net, pixels: &Tensor, labels: &Tensor) -> Tensor {
    let (loss, grads) = value_and_grad(&*net, |net| logits(net, pixels).sparse_cross_entropy(labels));
    sgd_update(net, &grads, RATE);
    loss
}

fn as_function(digits: &Mnist) -> Outcome {
    let mut net = Net::new();
    let losses = batches(&digits.train).map(|(x, y)| train_step(&mut net, &x, &y).item()).collect();
    let (pixels, _) = all(&digits.test);
    Outcome { losses, predictions: logits(&net, &pixels).argmax(-1).to_vec() }
}

/// Level 3: a graph. Placeholders are fed, variables are assigned, and a session runs what is asked for.
fn as_graph(digits: &Mnist) -> Outcome {
    let mut graph = GraphBuilder::new("network");
    let pixels = graph.placeholder("pixels", DType::F32, [BATCH, IMAGE_PIXELS]);
    let labels = graph.placeholder("labels", DType::U8, [BATCH]);
    let start = Net::new();
    let w1 = graph.variable("w1", &start.w1);
    let b1 = graph.variable("b1", &start.b1);
    let w2 = graph.variable("w2", &start.w2);
    let b2 = graph.variable("b2", &start.b2);

    // Forwards …
    let before = pixels.matmul(&w1) + &b1;
    let hidden = before.relu();
    let logits = hidden.matmul(&w2) + &b2;
    let loss = logits.sparse_cross_entropy(&labels);

    // … and backwards, by the chain rule: `d_x` is how the loss changes with `x`.
    let hot = labels.one_hot(10, DType::F32);
    let d_logits = (logits.softmax(-1) - hot) / BATCH as f32;
    let d_hidden = d_logits.matmul(&w2.t());
    let d_before = d_hidden * before.gt(0.0).cast(DType::F32);
    let gradients = [
        (&w1, pixels.t().matmul(&d_before)),
        (&b1, d_before.sum(0)),
        (&w2, hidden.t().matmul(&d_logits)),
        (&b2, d_logits.sum(0)),
    ];
    let updates = gradients.map(|(variable, gradient)| graph.assign(variable, &(variable - gradient * RATE)));

    // The network once more, for all test images at once: shapes are part of a graph.
    let images = graph.placeholder("images", DType::F32, [digits.test.len(), IMAGE_PIXELS]);
    let predictions = ((images.matmul(&w1) + &b1).relu().matmul(&w2) + &b2).argmax(-1);

    let mut session = graph.session();
    let step = [&loss, &updates[0], &updates[1], &updates[2], &updates[3]];
    let losses =
        batches(&digits.train).map(|(x, y)| session.run(&[(&pixels, &x), (&labels, &y)], &step)[0].item());
    let losses = losses.collect();
    let (test, _) = all(&digits.test);
    Outcome { losses, predictions: session.run(&[(&images, &test)], &[&predictions])[0].to_vec() }
}

/// An epoch of pixels `[32, 784]`, from 0 to 1, and labels `[32]`.
fn batches(split: &Split) -> impl Iterator<Item = (Tensor, Tensor)> {
    let mut order = Batches::new(split.len(), BATCH, 1);
    let rows: Vec<Vec<usize>> = order.epoch(1).map(<[usize]>::to_vec).collect();
    rows.into_iter().map(|rows| tensors(split, &rows))
}

fn all(split: &Split) -> (Tensor, Tensor) {
    tensors(split, &(0..split.len()).collect::<Vec<_>>())
}

fn tensors(split: &Split, rows: &[usize]) -> (Tensor, Tensor) {
    let pixels = Tensor::from_slice([rows.len(), IMAGE_PIXELS], &split.batch_f32(rows));
    (pixels, Tensor::from(split.batch_labels(rows)))
}

fn accuracy(level: &Outcome, split: &Split) -> f64 {
    let hits = level.predictions.iter().zip(&split.labels).filter(|&(&a, &b)| a == i64::from(b)).count();
    hits as f64 / split.len() as f64
}
