//! Work large enough to be shared gives the same bits on one thread and on several.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use graph_core::{Array, DType, Mode, parallel, with_mode};
use graph_ops::Tensor;

use crate::support::with_threads;

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
                let compute = || compute(&large(rows, columns)).try_array().expect("computes");
                with_threads(threads, || with_mode(Mode::Eager, compute))
            });
            for result in &results[1..] {
                assert!(result.same_bits(&results[0]), "{name} of [{rows}, {columns}]");
            }
        }
    }
}

#[test]
fn parts_are_done_by_as_many_threads_as_were_asked_for() {
    // Each part waits for the others to be begun, as only parts on different threads can. Another test's piece may be open,
    // which leaves this one to its owner, and a helper may be late: then it is tried again.
    let is_shared = |threads: usize| {
        let begun = AtomicUsize::new(0);
        let met = AtomicUsize::new(0);
        parallel(threads, |_| {
            begun.fetch_add(1, Ordering::SeqCst);
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(100) {
                if begun.load(Ordering::SeqCst) == threads {
                    met.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                std::thread::yield_now();
            }
        });
        met.into_inner() == threads
    };
    for threads in [2, 4] {
        let is_shared = with_threads(threads, || (0..300).any(|_| is_shared(threads)));
        assert!(is_shared, "{threads} threads never worked at the same time");
    }
    with_threads(1, || {
        let owner = std::thread::current().id();
        parallel(64, |_| assert_eq!(std::thread::current().id(), owner, "one thread is the caller's"));
    });
}
