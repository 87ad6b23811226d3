//! Initial values of parameters.

use grafito::{DType, Tensor};

/// Weights of a dense layer, uniform in `±√(6 / (inputs + outputs))`, f32, the same for the same seed.
///
/// # Shape
/// `[inputs, outputs]`
///
/// # Source
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; the default
/// of `keras.layers.Dense`.
///
/// ```
/// let w = grafito::nn::glorot_uniform(784, 128, 1);
/// assert!(w.abs().max(..).item::<f32>() <= (6.0f32 / 912.0).sqrt());
/// ```
#[track_caller]
pub fn glorot_uniform(inputs: usize, outputs: usize, seed: i64) -> Tensor {
    let limit = (6.0 / (inputs + outputs) as f64).sqrt();
    Tensor::random_uniform([inputs, outputs], DType::F32, seed) * (2.0 * limit) - limit
}
