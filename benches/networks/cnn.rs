//! The network of the `mnist` example's `--model cnn`, as a struct.

use grafito::nn::{glorot_uniform, sgd_update};
use grafito::prelude::*;

/// Examples in a step.
pub(crate) const BATCH: usize = 64;

/// Two convolutions of 3 by 3, with 32 and 64 filters, each followed by pooling; two dense layers.
#[derive(Clone, TensorTree)]
pub(crate) struct Cnn {
    filters: [Tensor; 2],
    offsets: [Tensor; 2],
    dense: [Tensor; 2],
    biases: [Tensor; 2],
}

impl Cnn {
    pub(crate) fn new() -> Cnn {
        let filters = |channels: usize, count: usize| {
            Tensor::random_normal([3, 3, channels, count], DType::F32, 1) * 0.1
        };
        let zeros = |len: usize| Tensor::zeros([len], DType::F32);
        Cnn {
            filters: [filters(1, 32).eval(), filters(32, 64).eval()],
            offsets: [zeros(32), zeros(64)],
            dense: [glorot_uniform(1600, 128, 1), glorot_uniform(128, 10, 2)],
            biases: [zeros(128), zeros(10)],
        }
    }
}

#[graph_fn]
pub(crate) fn logits(net: &Cnn, images: &Tensor) -> Tensor {
    let mut x = images.clone();
    for (filters, offset) in net.filters.iter().zip(&net.offsets) {
        x = (x.conv2d(filters, [1, 1], Padding::Valid) + offset).relu();
        x = x.max_pool2d([2, 2], [2, 2], Padding::Valid);
    }
    let x = x.reshape([images.shape()[0], 1600]);
    let hidden = (x.matmul(&net.dense[0]) + &net.biases[0]).relu();
    hidden.matmul(&net.dense[1]) + &net.biases[1]
}

#[graph_fn]
pub(crate) fn train_step(net: &mut Cnn, images: &Tensor, labels: &Tensor, lr: f32) -> Tensor {
    let (loss, grads) = value_and_grad(&*net, |net| logits(net, images).sparse_cross_entropy(labels));
    sgd_update(net, &grads, lr);
    loss
}

/// Images `[BATCH, 28, 28, 1]` of f32, and labels.
pub(crate) fn batch() -> (Tensor, Tensor) {
    let images = Tensor::random_uniform([BATCH, 28, 28, 1], DType::F32, 1);
    (images.eval(), (Tensor::arange(BATCH, DType::I64) % 10).eval())
}
