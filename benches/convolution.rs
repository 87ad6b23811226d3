//! What a training step of a convolutional network costs. (`graph-ops/benches/windows.rs` has its parts.)
//!
//! ```text
//! cargo bench --bench convolution
//! ```

use divan::{Bencher, black_box};
use grafito::prelude::*;

#[path = "networks/cnn.rs"]
mod cnn;

use cnn::{Cnn, batch, logits, train_step};

fn main() {
    divan::main();
}

#[divan::bench(args = [Mode::Lazy, Mode::Eager])]
fn step(bencher: Bencher<'_, '_>, mode: Mode) {
    with_mode(mode, || {
        let (mut net, (images, labels)) = (Cnn::new(), batch());
        bencher.bench_local(|| black_box(train_step(&mut net, &images, &labels, 0.01).item::<f32>()));
    });
}

/// The same forward only.
#[divan::bench]
fn forward(bencher: Bencher<'_, '_>) {
    with_mode(Mode::Lazy, || {
        let (net, (images, _)) = (Cnn::new(), batch());
        bencher.bench_local(|| black_box(logits(&net, &images).eval()));
    });
}
