//! The command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
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
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(crate) epochs: usize,

    /// Images in a step
    #[arg(
        long, default_value_t = 32, value_name = "N", value_parser = positive, allow_negative_numbers = true
    )]
    pub(crate) batch_size: usize,

    /// Learning rate [default: 0.01, or 0.001 for rmsprop, adam and adamw]
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    lr: Option<f32>,

    /// Seed of initial weights, order of images and drawn digits
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
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

    /// How the learning rate falls, from step to step, until the last epoch ends
    #[arg(long, value_enum, default_value_t = Schedule::Constant, help_heading = LAYERS)]
    pub(crate) schedule: Schedule,

    /// Let the learning rate rise in equal parts first, over so many epochs (0.5 is half of one)
    #[arg(
        long, default_value_t = 0.0, value_name = "EPOCHS", value_parser = not_negative,
        allow_negative_numbers = true, help_heading = LAYERS
    )]
    pub(crate) warmup: f64,

    /// Scale the gradients down where their norm, taken over all of them, is larger than this
    #[arg(
        long, value_name = "NORM", value_parser = greater_than_0, allow_negative_numbers = true,
        help_heading = LAYERS
    )]
    pub(crate) clip_norm: Option<f64>,

    /// Share of itself that each parameter loses in a step, times the learning rate, with sgd, momentum, nesterov or
    /// adamw [default: 0, or 0.004 for adamw]
    #[arg(
        long, value_name = "SHARE", value_parser = not_negative, allow_negative_numbers = true,
        help_heading = LAYERS
    )]
    pub(crate) weight_decay: Option<f64>,

    /// Share of the hidden units that each step leaves out
    #[arg(
        long, default_value_t = 0.0, value_name = "SHARE", value_parser = share,
        allow_negative_numbers = true, help_heading = LAYERS
    )]
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
    /// The same with momentum 0.9, by where it will lead
    Nesterov,
    /// Gradients divided by how large they have been lately
    #[value(name = "rmsprop")]
    RmsProp,
    /// Gradients divided by how large they have been altogether
    Adagrad,
    /// Averages of gradients, divided as by rmsprop
    Adam,
    /// The same with weight decay
    #[value(name = "adamw")]
    AdamW,
}

/// The schedules to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schedule {
    /// It stays
    Constant,
    /// A tenth after a third of the steps, a hundredth after two thirds
    Step,
    /// By the same factor with each step, to a hundredth
    Exponential,
    /// Along half a cosine, to nothing
    Cosine,
}

impl Options {
    /// The command line; what makes no sense together ends the program with a message.
    pub(crate) fn from_command_line() -> Options {
        let options = Options::parse();
        if let Err(message) = options.check() {
            Options::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        options
    }

    fn check(&self) -> Result<(), String> {
        use Optimizer::{AdamW, Momentum, Nesterov, Sgd};
        if self.weight_decay.is_some() && !matches!(self.optimizer, Sgd | Momentum | Nesterov | AdamW) {
            return Err("--weight-decay goes with --optimizer sgd, momentum, nesterov or adamw".to_owned());
        }
        if self.warmup > self.epochs as f64 {
            return Err(format!("--warmup {} is longer than the {} epochs", self.warmup, self.epochs));
        }
        Ok(())
    }

    /// The learning rate, from which a schedule falls.
    pub(crate) fn lr(&self) -> f32 {
        self.lr.unwrap_or(match self.optimizer {
            Optimizer::RmsProp | Optimizer::Adam | Optimizer::AdamW => 0.001,
            Optimizer::Sgd | Optimizer::Momentum | Optimizer::Nesterov | Optimizer::Adagrad => 0.01,
        })
    }

    /// Whether the loop that is written out does not do.
    pub(crate) fn is_beyond_the_recipe(&self) -> bool {
        self.model != Network::Mlp
            || self.optimizer != Optimizer::Sgd
            || self.schedule != Schedule::Constant
            || self.warmup > 0.0
            || self.clip_norm.is_some()
            || self.weight_decay.is_some()
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

fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "must be a whole number, at least 0".to_owned())
}

fn positive(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "must be a whole number, at least 1".to_owned())
}

fn rate(text: &str) -> Result<f32, String> {
    parsed(text, "must be finite, and at least 0", |number| (0.0..f32::INFINITY).contains(number))
}

fn share(text: &str) -> Result<f32, String> {
    parsed(text, "must be at least 0 and less than 1", |number| (0.0..1.0).contains(number))
}

fn not_negative(text: &str) -> Result<f64, String> {
    parsed(text, "must be finite, and at least 0", |number| (0.0..f64::INFINITY).contains(number))
}

fn greater_than_0(text: &str) -> Result<f64, String> {
    parsed(text, "must be finite, and greater than 0", |number: &f64| *number > 0.0 && number.is_finite())
}

/// A number that is as it should be.
fn parsed<T: FromStr<Err: Display>>(text: &str, rule: &str, holds: impl Fn(&T) -> bool) -> Result<T, String> {
    match text.parse() {
        Ok(number) if holds(&number) => Ok(number),
        Ok(_) => Err(rule.to_owned()),
        Err(error) => Err(format!("{error}")),
    }
}
