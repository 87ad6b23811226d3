//! Logs two short trainings for TensorBoard: curves, histograms, pictures, a note, hyperparameters, graphs, and where
//! the time goes.
//!
//! ```text
//! cargo run --example tensorboard -- logs
//! tensorboard --logdir logs
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Parser;
use grafito::datasets::{Batches, IMAGE_PIXELS, IMAGE_SIDE, Mnist, Split, synthetic_digits};
use grafito::name_scope;
use grafito::nn::{glorot_uniform, sgd_update};
use grafito::prelude::*;
use grafito::tensorboard::Writer;

const EPOCHS: usize = 8;
const BATCH: usize = 32;
/// What the two runs differ in.
const RATES: [f32; 2] = [0.05, 0.2];

#[derive(Clone, TensorTree)]
struct Dense {
    weights: Tensor,
    bias: Tensor,
}

#[derive(Clone, TensorTree)]
struct Mlp {
    hidden: Dense,
    output: Dense,
}

/// A function is a box in the drawing of a graph, and so is a name scope.
#[graph_fn]
fn dense(layer: &Dense, x: &Tensor) -> Tensor {
    x.matmul(&layer.weights) + &layer.bias
}

#[graph_fn]
fn logits(net: &Mlp, pixels: &Tensor) -> Tensor {
    let hidden = name_scope("hidden", || dense(&net.hidden, pixels).relu());
    name_scope("output", || dense(&net.output, &hidden))
}

#[graph_fn]
fn train_step(net: &mut Mlp, pixels: &Tensor, labels: &Tensor, rate: &Tensor) -> Tensor {
    let (loss, grads) = value_and_grad(&*net, |net| {
        let logits = logits(net, pixels);
        name_scope("loss", || logits.sparse_cross_entropy(labels))
    });
    // A bad batch takes smaller steps: a decision of the graph, drawn as a box with both branches.
    name_scope("optimizer", || {
        let mut rate = rate.clone();
        if loss > 2.0 {
            rate /= 2.0;
        }
        sgd_update(net, &grads, &rate);
    });
    loss
}

#[graph_fn]
fn accuracy(net: &Mlp, pixels: &Tensor, labels: &Tensor) -> Tensor {
    logits(net, pixels).argmax(-1).eq(labels.cast(DType::I64)).cast(DType::F32).mean(..)
}

/// Trains a network at several rates, and logs that for TensorBoard.
#[derive(Parser)]
struct Options {
    /// Where the logs go, a folder for each run
    #[arg(default_value = "logs")]
    folder: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Options { folder } = Options::parse();
    let digits = synthetic_digits(1280, 320, 1);
    for rate in RATES {
        let run = folder.join(format!("rate-{rate}"));
        let accuracy = train(&run, &digits, rate)?;
        println!("{}: accuracy {accuracy:.3} on digits not trained on", run.display());
    }
    println!("Now run: tensorboard --logdir {}", folder.display());
    Ok(())
}

fn train(run: &Path, digits: &Mnist, rate: f32) -> Result<f32, Box<dyn Error>> {
    let log = Writer::create(run)?;
    log.hyperparameters([("rate", rate.into()), ("batch", BATCH.into()), ("optimizer", "sgd".into())]);
    log.text("notes", 0, "A network of two layers on digits that the program draws itself.");

    let mut net = Mlp { hidden: layer(IMAGE_PIXELS, 64, 1), output: layer(64, 10, 2) };
    let rate = Tensor::scalar(rate);
    let (test_pixels, test_labels) = batch(&digits.test, &(0..digits.test.len()).collect::<Vec<_>>());
    let mut batches = Batches::new(digits.train.len(), BATCH, 1);
    let (mut step, mut test_accuracy) = (0, 0.0);
    for epoch in 0..EPOCHS {
        for rows in batches.epoch(epoch as u64) {
            let (pixels, labels) = batch(&digits.train, rows);
            if step == 0 {
                log.graph("logits", &logits::graph(&net, &pixels));
                log.graph("train_step/traced", &train_step::graph(&mut net, &pixels, &labels, &rate));
                log.graph("train_step/optimized", &train_step::optimized(&mut net, &pixels, &labels, &rate));
                log.profile("train_step/profile", &train_step::profile(&mut net, &pixels, &labels, &rate));
                log.image("digits", step, &side_by_side(&pixels.slice_axis(0, ..4)));
            }
            let loss = train_step(&mut net, &pixels, &labels, &rate);
            log.scalar("loss/train", step, loss.item::<f32>());
            step += 1;
        }
        test_accuracy = accuracy(&net, &test_pixels, &test_labels).item::<f32>();
        log.scalar("accuracy/test", step, test_accuracy);
        for (name, layer) in [("hidden", &net.hidden), ("output", &net.output)] {
            log.histogram(&format!("{name}/weights"), step, &layer.weights);
            log.histogram(&format!("{name}/bias"), step, &layer.bias);
        }
    }
    // Dropped, the writer writes what it has, too; this tells whether that worked.
    log.flush()?;
    Ok(test_accuracy)
}

/// `[rows, 784]` -> `[28, rows · 28]`
fn side_by_side(pixels: &Tensor) -> Tensor {
    let rows = pixels.shape()[0];
    let images = pixels.reshape([rows, IMAGE_SIDE, IMAGE_SIDE]);
    images.swap_axes(0, 1).reshape([IMAGE_SIDE, rows * IMAGE_SIDE])
}

fn layer(inputs: usize, outputs: usize, seed: i64) -> Dense {
    Dense { weights: glorot_uniform(inputs, outputs, seed), bias: Tensor::zeros([outputs], DType::F32) }
}

/// Pixels `[rows, 784]` and labels `[rows]`.
fn batch(split: &Split, rows: &[usize]) -> (Tensor, Tensor) {
    let pixels = Tensor::from_slice([rows.len(), IMAGE_PIXELS], &split.batch_f32(rows));
    (pixels, Tensor::from_slice([rows.len()], &split.batch_labels(rows)))
}
