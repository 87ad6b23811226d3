//! Logs that [TensorBoard](https://www.tensorflow.org/tensorboard) shows: curves, histograms, images, texts,
//! hyperparameters, and graphs before and after the passes.
//!
//! A [`Writer`] writes one run. It knows nothing of how the run is made, so any loop can use it:
//!
//! ```
//! use grafito::tensorboard::Writer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let logs = tempfile::tempdir()?;
//! # let logs = logs.path();
//! let log = Writer::create(logs.join("halving"))?;
//! let mut loss = 1.0;
//! for step in 0..100 {
//!     log.scalar("loss", step, loss);
//!     loss /= 2.0;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Then `tensorboard --logdir logs` serves all runs below `logs`.

mod error;
mod file;
mod graph;
mod histogram;
mod hyperparameter;
mod image;
mod messages;
mod outbox;
mod record;
mod step_stats;
mod writer;

pub use error::TensorBoardError;
pub use hyperparameter::Hyperparameter;
pub use writer::Writer;
