//! What convolutions, pooling and their gradients cost: those of a small network for digits, batch 64.
//!
//! ```text
//! cargo bench -p graph-ops --bench windows
//! ```

use divan::{Bencher, black_box};
use graph_core::{Array, DType, Fact, Op, Source};
use graph_ops::ops::conv::{Conv2d, Conv2dImages, Conv2dKernel};
use graph_ops::ops::pool::{AveragePool2d, MaxPool2d, MaxPool2dImages, Pool};
use graph_ops::ops::windows::Placement;

fn main() {
    divan::main();
}

const BATCH: usize = 64;

/// Numbers in `[-1, 1)` that no branch predictor learns.
fn noise(i: usize) -> f32 {
    (i as u32).wrapping_mul(0x9e37_79b9).reverse_bits().wrapping_mul(0x85eb_ca6b) as i32 as f32
        / (1u32 << 31) as f32
}

/// Runs the op's kernel on operands of these shapes.
fn run(bencher: Bencher<'_, '_>, op: &dyn Op, shapes: &[[usize; 4]]) {
    let operands: Vec<Array> = shapes
        .iter()
        .map(|shape| {
            let elements: Vec<f32> = (0..shape.iter().product()).map(noise).collect();
            Array::from_slice(*shape, &elements).expect("as many as the shape says")
        })
        .collect();
    let facts: Vec<&Fact> = operands.iter().map(Array::fact).collect();
    let output = op.infer(&facts).expect("operands that fit");
    let kernel = op.kernel(&facts, &output).expect("a kernel for f32");
    assert_eq!(output[0].dtype, DType::F32);
    let mut out = Array::zeros(output[0].clone());
    let sources: Vec<Source<'_>> = operands.iter().map(|x| Source::View(x.view())).collect();
    bencher.bench_local(|| kernel.run(&mut [out.view_mut()], black_box(&sources)).expect("computes"));
}

const PLACEMENT: Placement = Placement { strides: [1, 1], dilation: [1, 1], padding: [0; 4] };
const POOL: Pool = Pool { window: [2, 2], placement: Placement { strides: [2, 2], ..PLACEMENT } };

const IMAGES: [usize; 4] = [BATCH, 13, 13, 32];
const KERNEL: [usize; 4] = [3, 3, 32, 64];
const OUTPUT: [usize; 4] = [BATCH, 11, 11, 64];

#[divan::bench]
fn conv2d(bencher: Bencher<'_, '_>) {
    run(bencher, &Conv2d { placement: PLACEMENT }, &[IMAGES, KERNEL]);
}

#[divan::bench]
fn conv2d_images(bencher: Bencher<'_, '_>) {
    run(bencher, &Conv2dImages { placement: PLACEMENT, image: [13, 13] }, &[OUTPUT, KERNEL]);
}

#[divan::bench]
fn conv2d_kernel(bencher: Bencher<'_, '_>) {
    run(bencher, &Conv2dKernel { placement: PLACEMENT, window: [3, 3] }, &[IMAGES, OUTPUT]);
}

#[divan::bench]
fn first_conv2d(bencher: Bencher<'_, '_>) {
    run(bencher, &Conv2d { placement: PLACEMENT }, &[[BATCH, 28, 28, 1], [3, 3, 1, 32]]);
}

#[divan::bench]
fn first_conv2d_kernel(bencher: Bencher<'_, '_>) {
    let op = Conv2dKernel { placement: PLACEMENT, window: [3, 3] };
    run(bencher, &op, &[[BATCH, 28, 28, 1], [BATCH, 26, 26, 32]]);
}

#[divan::bench]
fn max_pool2d(bencher: Bencher<'_, '_>) {
    run(bencher, &MaxPool2d(POOL), &[[BATCH, 26, 26, 32]]);
}

#[divan::bench]
fn max_pool2d_images(bencher: Bencher<'_, '_>) {
    run(bencher, &MaxPool2dImages(POOL), &[[BATCH, 26, 26, 32], [BATCH, 13, 13, 32]]);
}

#[divan::bench]
fn avg_pool2d(bencher: Bencher<'_, '_>) {
    run(bencher, &AveragePool2d(POOL), &[[BATCH, 26, 26, 32]]);
}
