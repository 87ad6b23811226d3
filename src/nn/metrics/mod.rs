//! The metrics, one a file.

mod accuracy;

pub use accuracy::Accuracy;
