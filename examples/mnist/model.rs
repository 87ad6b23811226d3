//! The network and its training step, in the words of mathematics.

use grafito::nn::{glorot_uniform, sgd_update};
use grafito::prelude::*;
use grafito::value_and_grad_aux;

/// Two dense layers.
#[derive(Clone, TensorTree)]
pub(crate) struct Mlp {
    w1: Tensor,
    b1: Tensor,
    w2: Tensor,
    b2: Tensor,
}

impl Mlp {
    /// 784 pixels, 128 hidden units, 10 digits; started as Keras starts them.
    pub(crate) fn new(seed: u32) -> Mlp {
        let seed = 2 * i64::from(seed);
        Mlp {
            w1: glorot_uniform(784, 128, seed),
            b1: Tensor::zeros([128], DType::F32),
            w2: glorot_uniform(128, 10, seed + 1),
            b2: Tensor::zeros([10], DType::F32),
        }
    }
}

/// The logits of each digit, `[n, 28, 28]` of u8 -> `[n, 10]`. (Softmax is part of the loss.)
#[graph_fn]
pub(crate) fn logits(net: &Mlp, images: &Tensor) -> Tensor {
    let x = images.cast(DType::F32) / 255.0;
    let x = x.reshape([images.shape()[0], 784]);
    let hidden = (x.matmul(&net.w1) + &net.b1).relu();
    hidden.matmul(&net.w2) + &net.b2
}

/// Moves the network a step along the gradient of a batch; gives the batch's mean loss and number of hits.
#[graph_fn]
pub(crate) fn train_step(net: &mut Mlp, images: &Tensor, labels: &Tensor, lr: f32) -> (Tensor, Tensor) {
    let (loss, logits, grads) = value_and_grad_aux(&*net, |net| {
        let logits = logits(net, images);
        (logits.sparse_cross_entropy(labels), logits)
    });
    sgd_update(net, &grads, lr);
    (loss, hits(&logits, labels))
}

/// Mean loss of some images, number of hits, and the predicted digits.
#[graph_fn]
pub(crate) fn evaluate(net: &Mlp, images: &Tensor, labels: &Tensor) -> (Tensor, Tensor, Tensor) {
    let logits = logits(net, images);
    (logits.sparse_cross_entropy(labels), hits(&logits, labels), logits.argmax(-1))
}

fn hits(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.argmax(-1).eq(labels.cast(DType::I64)).cast(DType::I64).sum(..)
}
