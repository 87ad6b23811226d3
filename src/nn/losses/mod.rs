//! The losses, one a file.

mod mean_squared_error;
mod sparse_cross_entropy;

pub use mean_squared_error::MeanSquaredError;
pub use sparse_cross_entropy::SparseCrossEntropy;
