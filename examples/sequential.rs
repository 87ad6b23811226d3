//! The notebook's ten lines of Keras: flatten, dense 128 relu, dense 10 softmax, SGD, 25 epochs on handwritten digits.
//!
//! ```text
//! cargo run --example sequential --features lazy
//! cargo run --example sequential --features eager
//! ```
//!
//! `-- 5 --synthetic` trains for 5 epochs, on digits that the program draws itself; else the digits are those of the
//! `mnist` example. Ctrl-C ends training after the step it is at, and shows what there is.

use clap::Parser;
use grafito::datasets::{Dataset, mnist};
use grafito::nn::{
    Accuracy, Dense, Fit, Flatten, Relu, Rescaling, Sequential, Sgd, Softmax, SparseCrossEntropy, StopFlag,
    Validation,
};

/// Trains the network of Keras' ten-line notebook on handwritten digits.
#[derive(Parser)]
struct Options {
    /// Passes over the data
    #[arg(default_value_t = 25)]
    epochs: usize,
    /// Train on digits that the program draws itself
    #[arg(long)]
    synthetic: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { epochs, synthetic } = Options::parse();
    let (digits, notes) =
        mnist::load_or_synthesize(&mnist::Options { synthetic, ..mnist::Options::default() })?;
    notes.iter().for_each(|note| println!("{note}"));
    let (train, test) = (Dataset::from(&digits.train), Dataset::from(&digits.test));

    let mut model = Sequential::new()
        .seed(1)
        .input_of(grafito::DType::U8, [28, 28])
        .add(Rescaling::new(1.0 / 255.0))
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(Dense::new(10).activation(Softmax))
        .compile(Sgd::new(0.01), SparseCrossEntropy::new(), Accuracy);
    println!("{}", model.summary()?);

    let stop = StopFlag::new();
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        if asked.set() {
            std::process::exit(130); // Asked twice.
        }
    })?;
    let history =
        model.fit(&train, Fit { epochs, validation: Validation::Data(&test), stop, ..Fit::default() })?;
    println!("\n{}", history.plot(&["loss", "val_loss"], 60, 12));
    println!("test: {}", model.evaluate(&test)?);
    Ok(())
}
