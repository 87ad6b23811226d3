//! Stochastic gradient descent.

use grafito::{Operand, TensorTree, leaves};

/// Moves every leaf of `parameters` against its gradient: `p -= learning_rate · g`.
///
/// A learning rate given as a tensor may change without retracing.
///
/// ```
/// use grafito::prelude::*;
/// use grafito::nn::sgd_update;
/// let mut w = Tensor::from([1.0f32, 2.0]);
/// let (_, g) = value_and_grad(&w, |w| (w * w).sum(..));
/// sgd_update(&mut w, &g, 0.25);
/// assert_eq!(w.to_vec::<f32>(), [0.5, 1.0]);
/// ```
///
/// # Panics
/// When the two trees have different numbers of leaves, or a gradient's shape does not broadcast to its parameter's.
///
/// # Source
/// `keras.optimizers.SGD` without momentum.
#[track_caller]
pub fn sgd_update<T: TensorTree>(parameters: &mut T, gradients: &T, learning_rate: impl Operand) {
    let gradients = leaves(gradients);
    let rate = &learning_rate;
    let mut updated = Vec::with_capacity(gradients.len());
    for (parameter, gradient) in leaves(parameters).iter().zip(&gradients) {
        updated.push(parameter - gradient * rate);
    }
    let mut updated = updated.into_iter();
    parameters.for_each_leaf_mut(&mut |parameter| {
        *parameter = updated.next().expect("both trees have the same leaves");
    });
    assert!(updated.next().is_none(), "both trees have the same leaves");
}
