//! The layers, one a file.

mod activation;
mod dense;
mod flatten;
mod rescaling;

pub use dense::Dense;
pub use flatten::Flatten;
pub use rescaling::Rescaling;
