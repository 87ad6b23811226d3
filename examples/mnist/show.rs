//! The summary: accuracy, time, what was traced, and some digits with what the network takes them for.

use std::io::IsTerminal;
use std::time::Duration;

use grafito::datasets::Mnist;
use grafito::terminal::{Palette, draw_digits};
use grafito::{Mode, mode};

use crate::model::train_step;
use crate::options::Options;
use crate::train::{Evaluation, Trained};

/// Columns of text that a drawing takes at most.
const WIDTH: usize = 120;
/// How many digits are drawn.
const SHOWN: usize = 8;

/// The columns that a drawing may take; a file is as wide as it likes.
fn columns(is_terminal: bool) -> usize {
    if is_terminal { WIDTH.min(console::Term::stdout().size().1.into()) } else { WIDTH }
}

pub(crate) fn summary(options: &Options, data: &Mnist, trained: &Trained) {
    results(data, &trained.test, trained.time, trained.is_interrupted);
    if mode() == Mode::Lazy && options.epochs > 0 {
        println!("{}", tracing_line(options, data, trained));
    }
}

/// Some digits, accuracy and time.
pub(crate) fn results(data: &Mnist, test: &Evaluation, time: Duration, is_interrupted: bool) {
    let is_terminal = std::io::stdout().is_terminal();
    let shown = SHOWN.min(data.test.len());
    // Mistakes are what people look for: a few, then the first images.
    let is_wrong = |&row: &usize| test.predictions[row] != data.test.labels[row];
    let (mistakes, hits): (Vec<usize>, Vec<usize>) = (0..data.test.len()).partition(is_wrong);
    let wrong = mistakes.len().min(2);
    let right = hits.len().min(shown - wrong);
    let mut rows = [&mistakes[..wrong], &hits[..right]].concat();
    rows.sort_unstable();
    let images: Vec<&[u8]> = rows.iter().map(|&row| data.test.image(row)).collect();
    let predictions: Vec<u8> = rows.iter().map(|&row| test.predictions[row]).collect();
    let labels: Vec<u8> = rows.iter().map(|&row| data.test.labels[row]).collect();
    println!("\nTest digits: the first {right} that are right, and {wrong} of {} mistakes", mistakes.len());
    println!(
        "{}",
        draw_digits(&images, &predictions, &labels, Palette::detect(is_terminal), columns(is_terminal))
    );

    if is_interrupted {
        println!("interrupted: this is the summary so far");
    }
    let mode_name = match mode() {
        Mode::Eager => "eager",
        Mode::Lazy => "lazy",
    };
    let (accuracy, seconds) = (test.accuracy, time.as_secs_f64());
    println!("test accuracy {accuracy:.4} after {seconds:.1} s in {mode_name} mode");
}

/// In one line: how large the training step's graph was and is, and how often its trace was used.
fn tracing_line(options: &Options, data: &Mnist, trained: &Trained) -> String {
    let cache = train_step::cache();
    let rows: Vec<usize> = (0..options.batch_size.min(data.train.len())).collect();
    let (images, labels) = crate::train::batch(&data.train, &rows);
    let report = train_step::report(&mut trained.net.clone(), &images, &labels, options.lr());
    let (before, after) = (report.nodes_before(), report.nodes_after());
    let (traces, hits) = (cache.signatures.len(), cache.hits);
    let noun = if traces == 1 { "trace" } else { "traces" };
    format!(
        "train_step: {before} nodes traced, {after} after optimization; {traces} {noun}, {hits} cache hits"
    )
}
