//! The optimizers, one a file.

mod sgd;

pub use sgd::Sgd;
