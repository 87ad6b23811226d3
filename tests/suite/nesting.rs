//! Traced functions that call each other, themselves, or at the same time; and what a failure leaves behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;

use grafito::prelude::*;
use grafito::{Graph, NodeKind, catch};

use crate::support::{both, panic_of, text};

#[graph_fn]
fn square(x: &Tensor) -> Tensor {
    x * x
}

#[graph_fn]
fn sum_of_squares(x: &Tensor, y: &Tensor) -> Tensor {
    (square(x) + square(y)).sum(..)
}

fn num_calls(graph: &Graph) -> usize {
    graph.node_ids().filter(|&id| matches!(graph.node(id).kind(), NodeKind::Call { .. })).count()
}

#[test]
fn nested_calls_become_one_graph() {
    let (x, y) = (Tensor::from([1.0f32, 2.0]), Tensor::from([3.0f32, 4.0]));
    assert_eq!(both(|| sum_of_squares(&x, &y).item::<f32>()), 30.0);
    assert_eq!(num_calls(&sum_of_squares::graph(&x, &y)), 2);
    let optimized = sum_of_squares::optimized(&x, &y);
    assert_eq!(num_calls(&optimized), 0, "{optimized}");
}

#[graph_fn]
fn power(x: &Tensor, n: u32) -> Tensor {
    match n {
        0 => x.ones_like(),
        n if n % 2 == 0 => {
            let half = power(x, n / 2);
            &half * &half
        }
        n => power(x, n - 1) * x,
    }
}

#[graph_fn]
fn countdown(x: &Tensor, n: u32) -> Tensor {
    if n == 0 { x.clone() } else { countdown(&(x + 1), n - 1) }
}

#[graph_fn]
fn is_even(x: &Tensor, n: u32) -> Tensor {
    if n == 0 { x.clone() } else { is_odd(x, n - 1) + 1 }
}

#[graph_fn]
fn is_odd(x: &Tensor, n: u32) -> Tensor {
    if n == 0 { -x } else { is_even(x, n - 1) + 1 }
}

#[test]
fn recursion_on_host_integers_ends() {
    let x = Tensor::scalar(3i64);
    both(|| {
        assert_eq!(power(&x, 10).item::<i64>(), 59049);
        assert_eq!(countdown(&x, 100).item::<i64>(), 103);
        assert_eq!(is_even(&x, 7).item::<i64>(), 4);
    });
}

#[graph_fn]
fn endless(x: &Tensor) -> Tensor {
    endless(&(x + 1))
}

#[graph_fn]
fn ping(x: &Tensor) -> Tensor {
    pong(x) + 1
}

#[graph_fn]
fn pong(x: &Tensor) -> Tensor {
    ping(x) + 1
}

#[graph_fn]
fn ever_deeper(x: &Tensor, n: u64) -> Tensor {
    ever_deeper(x, n + 1) + 1
}

#[test]
fn endless_recursion_is_an_error() {
    let x = Tensor::scalar(1i64);
    with_mode(Mode::Lazy, || {
        let message = text(endless::try_call(&x));
        assert!(message.contains("tracing would not end: endless -> endless;"), "{message}");
        let message = text(ping::try_call(&x));
        assert!(message.contains("tracing would not end: ping -> pong -> ping;"), "{message}");
        let message = text(ever_deeper::try_call(&x, 0));
        let says = "call each other more than 128 deep: ever_deeper -> ever_deeper -> ever_deeper";
        assert!(message.contains(says), "{message}");
        assert!(message.len() < 500, "a long chain is abbreviated: {message}");
        assert_eq!(square(&x).item::<i64>(), 1, "the thread is usable afterwards");
    });
}

mod inner {
    use grafito::prelude::*;

    #[graph_fn]
    pub(super) fn same_name(x: &Tensor) -> Tensor {
        x + 1
    }
}

#[graph_fn]
fn same_name(x: &Tensor) -> Tensor {
    inner::same_name(x) * 2
}

#[test]
fn functions_of_one_name_are_different_functions() {
    let x = Tensor::scalar(1i64);
    assert_eq!(both(|| same_name(&x).item::<i64>()), 4);
}

#[graph_fn]
fn contended(x: &Tensor, n: i64) -> Tensor {
    std::thread::sleep(std::time::Duration::from_millis(5));
    square(&(x + n)).sum(..)
}

#[test]
fn first_calls_from_many_threads() {
    const THREADS: usize = 8;
    let barrier = Barrier::new(THREADS);
    let x = Tensor::from([1i64, 2, 3]);
    let results: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    with_mode(Mode::Lazy, || {
                        (0..20).map(|i| contended(&x, i % 4).item::<i64>()).collect::<Vec<_>>()
                    })
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let expected: Vec<i64> = (0..20).map(|i| (1..=3).map(|x| (x + i % 4) * (x + i % 4)).sum()).collect();
    assert!(results.iter().all(|result| *result == expected), "{results:?}");
    let cache = contended::cache();
    assert_eq!(cache.signatures.len(), 4, "one trace for each signature is kept: {cache}");
    assert_eq!(cache.hits + cache.misses, (THREADS * 20) as u64);
}

/// A panic of the user's own, deep inside nested traces and gradients.
#[graph_fn]
fn panics(x: &Tensor, when: i64) -> Tensor {
    let (value, _) = value_and_grad(x, |x| {
        assert!(when > 0, "the user's own panic");
        square(x).sum(..)
    });
    value
}

#[graph_fn]
fn calls_panics(x: &Tensor, when: i64) -> Tensor {
    panics(x, when) + 1
}

#[test]
fn a_panic_leaves_everything_usable() {
    let x = Tensor::from([1.0f32, 2.0]);
    both(|| {
        let message = panic_of(|| calls_panics(&x, 0)).message;
        assert_eq!(message, "the user's own panic");
        // Neither a trace nor a tape is left on the thread, no lock is poisoned.
        assert!(x.try_item::<f32>().is_err());
        assert_eq!((&x + 1).to_vec::<f32>(), [2.0, 3.0]);
        assert_eq!(calls_panics(&x, 1).item::<f32>(), 6.0);
        assert_eq!(panics(&x, 1).item::<f32>(), 5.0);
    });
    // A panic passes through `catch` as it is, whatever it carries.
    let payload = catch_unwind(AssertUnwindSafe(|| catch(|| std::panic::panic_any(7i32)))).unwrap_err();
    assert_eq!(payload.downcast_ref::<i32>(), Some(&7));
}

#[test]
fn an_error_leaves_everything_usable() {
    #[graph_fn]
    fn mismatched(x: &Tensor, y: &Tensor) -> Tensor {
        square(x).matmul(y)
    }
    let x = Tensor::from([[1.0f32, 2.0]]);
    both(|| {
        for _ in 0..3 {
            assert!(mismatched::try_call(&x, &x).is_err());
            assert_eq!(mismatched::try_call(&x, &x.t()).unwrap().item::<f32>(), 9.0);
        }
    });
    assert_eq!(mismatched::cache().signatures.len(), 1, "a failed trace is not kept");
}

#[test]
fn a_body_may_handle_an_error_of_its_own() {
    #[graph_fn]
    fn tries(x: &Tensor, y: &Tensor) -> Tensor {
        catch(|| x + y).unwrap_or_else(|_| x.clone())
    }
    let (x, y) = (Tensor::from([1i64, 2]), Tensor::from([1i64, 2, 3]));
    both(|| {
        assert_eq!(tries(&x, &y).to_vec::<i64>(), [1, 2]);
        assert_eq!(tries(&x, &x).to_vec::<i64>(), [2, 4]);
    });
}
