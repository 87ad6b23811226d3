//! The training loop, written out: batches in, losses and hits added up, the test images after every epoch.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use grafito::datasets::{Batches, IMAGE_SIDE, Mnist, Split};
use grafito::nn::{Epoch, Logs, StopFlag};
use grafito::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};

use crate::history::History;
use crate::model::{Mlp, evaluate, train_step};
use crate::options::Options;

/// A trained network and how it got there.
pub(crate) struct Trained {
    pub(crate) net: Mlp,
    pub(crate) time: Duration,
    pub(crate) is_interrupted: bool,
    pub(crate) test: Evaluation,
}

/// What a network makes of a set of images.
pub(crate) struct Evaluation {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
    pub(crate) predictions: Vec<u8>,
}

pub(crate) fn train(
    options: &Options,
    data: &Mnist,
    stop: &StopFlag,
    history: &mut History,
) -> Result<Trained, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut net = Mlp::new(options.seed);
    let mut batches = Batches::new(data.train.len(), options.batch_size, options.seed.into());
    let mut test = test_accuracy(&net, &data.test);
    for number in 1..=options.epochs {
        let epoch = run_epoch(options, number, &mut net, &mut batches, data, stop);
        if let Some((seconds, loss, accuracy)) = epoch {
            test = test_accuracy(&net, &data.test);
            let logs = Logs::from_iter([
                ("loss", loss),
                ("accuracy", accuracy),
                ("val_loss", test.loss),
                ("val_accuracy", test.accuracy),
            ]);
            let width = options.epochs.to_string().len();
            println!("epoch {number:>width$}  {seconds:6.2} s  {logs}");
            history.push(Epoch { number, seconds, logs })?;
        }
        if stop.is_set() {
            break;
        }
    }
    let is_interrupted = stop.is_set();
    Ok(Trained { net, time: start.elapsed(), is_interrupted, test })
}

/// One pass over the training images: seconds, mean loss, accuracy. `None` where not one step was made.
fn run_epoch(
    options: &Options,
    number: usize,
    net: &mut Mlp,
    batches: &mut Batches,
    data: &Mnist,
    stop: &StopFlag,
) -> Option<(f64, f64, f64)> {
    let bar = progress_bar(options, number, batches.per_epoch());
    let (mut total_loss, mut total_hits, mut seen) = (0.0, 0, 0);
    let start = Instant::now();
    for rows in batches.epoch(number as u64) {
        if stop.is_set() {
            break;
        }
        let (images, labels) = batch(&data.train, rows);
        let (loss, hits) = train_step(net, &images, &labels, options.lr());
        total_loss += f64::from(loss.item::<f32>()) * rows.len() as f64;
        total_hits += hits.item::<i64>();
        seen += rows.len();
        bar.inc(1);
        if bar.position().is_multiple_of(50) {
            let (loss, accuracy) = (total_loss / seen as f64, total_hits as f64 / seen as f64);
            bar.set_message(format!("loss {loss:.4}  accuracy {accuracy:.4}"));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    (seen > 0).then(|| (seconds, total_loss / seen as f64, total_hits as f64 / seen as f64))
}

/// Loss and accuracy on images that were not trained on.
pub(crate) fn test_accuracy(net: &Mlp, split: &Split) -> Evaluation {
    const CHUNK: usize = 1000;
    let rows: Vec<usize> = (0..split.len()).collect();
    let (mut loss, mut hits, mut predictions) = (0.0, 0, Vec::new());
    for rows in rows.chunks(CHUNK) {
        let (images, labels) = batch(split, rows);
        let (mean, correct, predicted) = evaluate(net, &images, &labels);
        loss += f64::from(mean.item::<f32>()) * rows.len() as f64;
        hits += correct.item::<i64>();
        predictions.extend(predicted.to_vec::<i64>().into_iter().map(|digit| digit as u8));
    }
    let n = split.len().max(1) as f64;
    Evaluation { loss: loss / n, accuracy: hits as f64 / n, predictions }
}

/// Some images and their labels, as tensors.
pub(crate) fn batch(split: &Split, rows: &[usize]) -> (Tensor, Tensor) {
    let pixels: Vec<u8> = rows.iter().flat_map(|&row| split.image(row)).copied().collect();
    let images = Tensor::from_slice([rows.len(), IMAGE_SIDE, IMAGE_SIDE], &pixels);
    (images, Tensor::from(split.batch_labels(rows)))
}

/// A bar on a terminal; nothing elsewhere, where a line for each epoch is what is wanted.
fn progress_bar(options: &Options, number: usize, steps: usize) -> ProgressBar {
    if !std::io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} {bar:20} {pos}/{len} {elapsed} {msg}")
        .expect("the template is valid");
    let bar = ProgressBar::new(steps as u64).with_style(style);
    bar.with_prefix(format!("epoch {number}/{}", options.epochs))
}
