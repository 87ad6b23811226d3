//! What an iteration of control flow on tensors costs.
//!
//! ```text
//! cargo bench --bench control_flow
//! ```

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use grafito::prelude::*;

fn main() {
    divan::main();
}

const ITERATIONS: i64 = 1_000_000;

#[graph_fn]
fn decay(n: &Tensor) -> Tensor {
    let mut i = Tensor::scalar(0i64);
    let mut s = Tensor::scalar(0.0f64);
    while i < n {
        i += 1;
        s = s * 0.999999 + 1.0;
    }
    s
}

/// `i += 1; s = s * 0.999999 + 1.0` while `i < n`, with scalar tensors.
#[divan::bench]
fn scalar_while(bencher: Bencher<'_, '_>) {
    let n = Tensor::scalar(ITERATIONS);
    bencher.counter(ItemsCount::new(ITERATIONS as u64)).bench_local(|| black_box(decay(&n).item::<f64>()));
}

#[graph_fn]
fn collatz_steps(n: &Tensor) -> Tensor {
    let mut n = n.clone();
    let mut steps = Tensor::scalar(0i64);
    while n > 1 {
        if &n % 2 == 0 {
            n /= 2
        } else {
            n = n * 3 + 1
        }
        steps += 1;
    }
    steps
}

/// The 111 steps from 27, with a branch in each.
#[divan::bench]
fn collatz(bencher: Bencher<'_, '_>) {
    let n = Tensor::scalar(27i64);
    bencher.counter(ItemsCount::new(111u64)).bench_local(|| black_box(collatz_steps(&n).item::<i64>()));
}

#[graph_fn]
fn sum_of_rows(xs: &Tensor) -> Tensor {
    let mut s = Tensor::zeros([8], DType::F32);
    for x in xs {
        s = s * 0.5 + x;
    }
    s
}

/// A loop along 10,000 rows of eight elements: one row program an iteration.
#[divan::bench]
fn along_rows(bencher: Bencher<'_, '_>) {
    let xs = Tensor::ones([10_000, 8], DType::F32).eval();
    bencher.counter(ItemsCount::new(10_000u64)).bench_local(|| black_box(sum_of_rows(&xs).to_vec::<f32>()));
}
