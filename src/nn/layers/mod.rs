//! The layers, one a file.

mod activation;
mod batch_norm;
mod conv2d;
mod dense;
mod dropout;
mod embedding;
mod flatten;
mod function;
mod layer_norm;
mod pool2d;
mod rescaling;
mod windows;

pub use batch_norm::BatchNorm;
pub use conv2d::Conv2D;
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use function::Function;
pub use layer_norm::LayerNorm;
pub use pool2d::{AvgPool2D, GlobalAveragePool, MaxPool2D};
pub use rescaling::Rescaling;
