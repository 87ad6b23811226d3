//! What a training step of a convolutional network costs. (`graph-ops/benches/windows.rs` has its parts.)
//!
//! ```text
//! cargo bench --bench convolution
//! ```

use divan::{Bencher, black_box};
use grafito::nn::{glorot_uniform, sgd_update};
use grafito::prelude::*;

fn main() {
    divan::main();
}

const BATCH: usize = 64;

/// Two convolutions of 3 by 3, with 32 and 64 filters, each followed by pooling; two dense layers.
#[derive(Clone, TensorTree)]
struct Cnn {
    filters: [Tensor; 2],
    offsets: [Tensor; 2],
    dense: [Tensor; 2],
    biases: [Tensor; 2],
}

impl Cnn {
    fn new() -> Cnn {
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
fn logits(net: &Cnn, images: &Tensor) -> Tensor {
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
fn train_step(net: &mut Cnn, images: &Tensor, labels: &Tensor, lr: f32) -> Tensor {
    let (loss, grads) = value_and_grad(&*net, |net| logits(net, images).sparse_cross_entropy(labels));
    sgd_update(net, &grads, lr);
    loss
}

fn images() -> Tensor {
    Tensor::random_uniform([BATCH, 28, 28, 1], DType::F32, 1).eval()
}

#[divan::bench(args = [Mode::Lazy, Mode::Eager])]
fn step(bencher: Bencher<'_, '_>, mode: Mode) {
    with_mode(mode, || {
        let (mut net, images) = (Cnn::new(), images());
        let labels = (Tensor::arange(BATCH, DType::I64) % 10).eval();
        bencher.bench_local(|| black_box(train_step(&mut net, &images, &labels, 0.01).item::<f32>()));
    });
}

/// The same forward only.
#[divan::bench]
fn forward(bencher: Bencher<'_, '_>) {
    with_mode(Mode::Lazy, || {
        let (net, images) = (Cnn::new(), images());
        bencher.bench_local(|| black_box(logits(&net, &images).eval()));
    });
}
