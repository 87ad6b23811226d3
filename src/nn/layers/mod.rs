//! The layers, one a file.

mod activation;
mod batch_norm;
mod dense;
mod dropout;
mod embedding;
mod flatten;
mod function;
mod layer_norm;
mod rescaling;

pub use batch_norm::BatchNorm;
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use function::Function;
pub use layer_norm::LayerNorm;
pub use rescaling::Rescaling;
