//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use grafito::datasets::mnist;

/// Train a small network on handwritten digits.
///
/// The Cargo features `lazy` and `eager` choose the mode, and so does the environment variable GRAFITO_MODE.
#[derive(Debug, Parser)]
#[command(name = "mnist")]
pub(crate) struct Options {
    /// Folder with the four MNIST files, gzipped or plain [default: $MNIST_DIR, else the user's cache folder, into
    /// which they are downloaded]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Train on digits that the program draws itself
    #[arg(long, conflicts_with = "data")]
    pub(crate) synthetic: bool,

    /// Passes over the training images
    #[arg(long, default_value_t = 25, value_name = "N")]
    pub(crate) epochs: usize,

    /// Images in a step
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = positive)]
    pub(crate) batch_size: usize,

    /// Learning rate
    #[arg(long, default_value_t = 0.01, value_name = "RATE", value_parser = finite)]
    pub(crate) lr: f32,

    /// How parameters follow their gradients
    #[arg(long, value_enum, default_value_t = Optimizer::Sgd)]
    pub(crate) optimizer: Optimizer,

    /// Seed of initial weights, order of images and drawn digits
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u32,

    /// Write losses and accuracies of each epoch to a CSV file
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) history: Option<PathBuf>,
}

/// The optimizers to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Optimizer {
    /// Stochastic gradient descent.
    Sgd,
}

impl Options {
    /// What the dataset needs to know.
    pub(crate) fn data(&self) -> mnist::Options {
        mnist::Options {
            data: self.data.clone(),
            synthetic: self.synthetic,
            seed: self.seed.into(),
            ..mnist::Options::default()
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn finite(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("must be finite".to_owned()),
        Err(error) => Err(format!("{error}")),
    }
}
