//! Work large enough to be shared gives the same bits on one thread and on several.

use graph_core::{Array, DType, Mode, set_num_threads, with_mode};
use graph_ops::Tensor;

fn large(rows: usize, columns: usize) -> Tensor {
    Tensor::random_uniform([rows, columns], DType::F32, 7) * 4.0 - 2.0
}

#[test]
fn large_operations_do_not_depend_on_the_number_of_threads() {
    type Case = (&'static str, fn(&Tensor) -> Tensor);
    let cases: [Case; 12] = [
        ("pointwise", |x| x.exp() * 0.5 + x),
        ("broadcast", |x| x - x.sum_keep(0)),
        ("sum of rows", |x| x.sum(1)),
        ("sum of columns", |x| x.sum(0)),
        ("sum", |x| x.sum(..)),
        ("largest", |x| x.max(..)),
        ("softmax", |x| x.softmax(-1)),
        ("transpose", |x| x.t() + 1),
        ("cumsum", |x| x.cumsum(1)),
        ("product", |x| x.matmul(&x.t())),
        ("product of a few rows", |x| x.slice_axis(0, ..x.shape()[0].min(20) as isize).matmul(&x.t())),
        ("argmax", |x| x.argmax(-1)),
    ];
    for (rows, columns) in [(300, 1000), (1, 300_000), (20_000, 10)] {
        for (name, compute) in cases {
            if name == "product" && rows > 1000 {
                continue;
            }
            let results: [Array; 4] = [1, 2, 3, 4].map(|threads| {
                set_num_threads(threads);
                with_mode(Mode::Eager, || compute(&large(rows, columns)).try_array().expect("computes"))
            });
            for result in &results[1..] {
                assert!(result.same_bits(&results[0]), "{name} of [{rows}, {columns}]");
            }
        }
    }
}
