//! Trains the handwritten-digit network of the notebook: flatten, dense 128 relu, dense 10 softmax, SGD.
//!
//! ```text
//! cargo run --example mnist --features lazy
//! cargo run --example mnist --features eager
//! ```
//!
//! The source is the same for both modes; `model.rs` is all that describes the network and its training step, and
//! `train.rs` is the loop. What goes beyond (`-- --help` lists it) is trained as layers, by `fit`: `layers.rs`.

mod history;
mod layers;
mod model;
mod options;
mod show;
mod train;

use std::process::ExitCode;

use grafito::datasets::mnist;
use grafito::nn::{StopFlag, check_replaceable};

use options::Options;

fn main() -> ExitCode {
    match run(&Options::from_command_line()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    // Before anything that takes long, so that a path that cannot be written is known at once.
    let mut history = history::History::create(options.history.as_deref())?;
    if let Some(path) = &options.checkpoint {
        let cannot = |error| format!("cannot write the checkpoint to {}: {error}", path.display());
        check_replaceable(path).map_err(cannot)?;
    }
    let (data, notes) = mnist::load_or_synthesize(&options.data())?;
    for note in notes {
        println!("{note}");
    }
    let stop = StopFlag::new();
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        if asked.set() {
            std::process::exit(130); // Asked twice.
        }
    })?;
    if options.is_beyond_the_recipe() {
        return layers::run(options, &data, &stop);
    }
    let trained = train::train(options, &data, &stop, &mut history)?;
    show::summary(options, &data, &trained);
    Ok(())
}
