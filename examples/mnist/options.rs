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

    /// Seed of initial weights, order of images and drawn digits
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u32,

    /// Write losses and accuracies of each epoch to a CSV file
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) history: Option<PathBuf>,

    /// What the network is made of
    #[arg(long, value_enum, default_value_t = Network::Mlp, help_heading = LAYERS)]
    pub(crate) model: Network,

    /// How parameters follow their gradients
    #[arg(long, value_enum, default_value_t = Optimizer::Sgd, help_heading = LAYERS)]
    pub(crate) optimizer: Optimizer,

    /// How the learning rate falls over the epochs
    #[arg(long, value_enum, default_value_t = Schedule::Constant, help_heading = LAYERS)]
    pub(crate) schedule: Schedule,

    /// Share of the hidden units that each step leaves out
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share, help_heading = LAYERS)]
    pub(crate) dropout: f32,

    /// Log curves, weights and graph of the run into a folder: `tensorboard --logdir DIR` shows them
    #[arg(long, value_name = "DIR", help_heading = LAYERS)]
    pub(crate) tensorboard: Option<PathBuf>,

    /// Save the model to a file after each epoch, and when training is interrupted
    #[arg(long, value_name = "FILE", help_heading = LAYERS)]
    pub(crate) checkpoint: Option<PathBuf>,

    /// Go on from the checkpoint, up to the given number of epochs in all, as if training had not been interrupted
    #[arg(long, requires = "checkpoint", help_heading = LAYERS)]
    pub(crate) resume: bool,
}

/// Above the options that make the program train layers.
const LAYERS: &str = "Beyond the recipe (the network is then made of layers, and trained by `fit`)";

/// The networks to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    /// Dense 128 relu, dense 10 softmax
    Mlp,
    /// Convolutions 3 by 3 of 32 and 64 filters, each with pooling, in front of it
    Cnn,
}

/// The optimizers to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Optimizer {
    /// Stochastic gradient descent
    Sgd,
    /// The same with momentum 0.9
    Momentum,
}

/// The schedules to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schedule {
    /// It stays
    Constant,
    /// A tenth after a third of the epochs, a hundredth after two thirds
    Step,
    /// By the same factor with each epoch, to a hundredth
    Exponential,
    /// Along half a cosine, to nothing
    Cosine,
}

impl Options {
    /// Whether the loop that is written out does not do.
    pub(crate) fn is_beyond_the_recipe(&self) -> bool {
        self.model != Network::Mlp
            || self.optimizer != Optimizer::Sgd
            || self.schedule != Schedule::Constant
            || self.dropout > 0.0
            || self.tensorboard.is_some()
            || self.checkpoint.is_some()
    }

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

fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if (0.0..1.0).contains(&number) => Ok(number),
        Ok(_) => Err("must be at least 0 and less than 1".to_owned()),
        Err(error) => Err(format!("{error}")),
    }
}
