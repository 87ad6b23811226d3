//! What pulls parameters towards 0, apart from their gradients.

use grafito::Tensor;

/// `p - learning_rate · decay · p`; the parameter itself for no decay.
pub(super) fn decayed(parameter: &Tensor, learning_rate: &Tensor, decay: f64) -> Tensor {
    if decay == 0.0 { parameter.clone() } else { parameter - parameter * (learning_rate * decay) }
}
