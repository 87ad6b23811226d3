//! Lazy values outside any function: recorded, computed when read, once.

use grafito::prelude::*;

use crate::support::{Counted, panic_of, text};

fn lazily<R>(body: impl FnOnce() -> R) -> R {
    with_mode(Mode::Lazy, body)
}

#[test]
fn debug_before_and_after() {
    lazily(|| {
        let x = Tensor::from([[1.0f32, 2.0]]);
        let y = (&x * 2.0).sum(0);
        assert_eq!(format!("{y:?}"), "Tensor(sum, f32[2], not computed)");
        assert!(!y.is_computed());
        assert_eq!(format!("{y}"), "[2.0, 4.0]", "Display computes");
        assert_eq!(format!("{y:?}"), "Tensor([2.0, 4.0], f32[2])");
        assert!(y.is_computed());
        let z = y.clone() + 1.0;
        let same = z.clone();
        assert!(z.eval().is_computed() && same.is_computed(), "a clone is the same value");
    });
    let eager = with_mode(Mode::Eager, || Tensor::from([1i64, 2]) + 1);
    assert_eq!(format!("{eager:?}"), "Tensor([2, 3], i64[2])");
}

#[test]
fn a_value_still_referred_to_is_computed_once() {
    lazily(|| {
        let (shared, dropped) = (Counted::new(), Counted::new());
        let base = shared.of(&(Tensor::from([1i64, 2]) + 1));
        let gone = dropped.of(&base);
        let (a, b) = (&base + 1, &base * 2 + &gone);
        drop(gone);
        assert_eq!(a.to_vec::<i64>(), [3, 4]);
        assert_eq!((shared.runs(), dropped.runs()), (1, 0), "only what the value read needs");
        assert_eq!(b.to_vec::<i64>(), [6, 9]);
        assert_eq!(base.to_vec::<i64>(), [2, 3]);
        assert_eq!((shared.runs(), dropped.runs()), (1, 1));
        let unread = Counted::new();
        drop(unread.of(&a));
        assert_eq!(unread.runs(), 0);
    });
}

/// Long enough that any recursion over it would overflow the stack of a test's thread.
const LONG: usize = 100_000;

fn long_chain() -> Tensor {
    let mut x = Tensor::scalar(0i64);
    for _ in 0..LONG {
        x += 1;
    }
    x
}

#[test]
fn long_chains_are_evaluated() {
    lazily(|| assert_eq!(long_chain().item::<i64>(), LONG as i64));
}

#[test]
fn long_chains_are_dropped() {
    lazily(|| {
        drop(long_chain());
        // Also one that is held at both ends.
        let mut x = Tensor::scalar(0i64);
        let first = &x + 1;
        x = first.clone();
        for _ in 0..LONG {
            x = &x + &first;
        }
        drop(x);
        assert_eq!(first.item::<i64>(), 1);
    });
}

#[test]
fn long_chains_with_their_values_kept() {
    lazily(|| {
        let mut values = vec![Tensor::scalar(0i64)];
        for i in 0..2000 {
            values.push(&values[i] + 1);
        }
        assert_eq!(values[2000].item::<i64>(), 2000);
        assert!(values.iter().all(Tensor::is_computed));
        assert_eq!(values[1234].item::<i64>(), 1234);
    });
}

#[test]
fn two_threads_read_at_once() {
    let counted = Counted::new();
    let barrier = std::sync::Barrier::new(4);
    for _ in 0..50 {
        let base = lazily(|| counted.of(&(Tensor::from([1i64, 2, 3]) * 2)));
        let values: Vec<Tensor> = lazily(|| (0..4).map(|i| &base + i as i64).collect());
        let read: Vec<Vec<i64>> = std::thread::scope(|scope| {
            let (values, base, barrier) = (&values, &base, &barrier);
            let threads: Vec<_> = (0..4)
                .map(|i| {
                    scope.spawn(move || {
                        barrier.wait();
                        let own = values[i].to_vec::<i64>();
                        assert_eq!(base.to_vec::<i64>(), [2, 4, 6]);
                        assert_eq!(values[(i + 1) % 4].to_vec::<i64>()[0], 2 + ((i + 1) % 4) as i64);
                        own
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (i, values) in read.iter().enumerate() {
            assert_eq!(*values, [2, 4, 6].map(|v| v + i as i64));
        }
    }
}

#[test]
fn an_error_at_reading_names_op_and_line() {
    lazily(|| {
        let x = Tensor::from([6i64, 8]);
        let zero = Tensor::from([1i64, 0]);
        let line = line!() + 1;
        let quotient = &x / &zero;
        let sum = &quotient + &x;
        let message = text(sum.try_to_vec::<i64>());
        assert!(message.starts_with("div: "), "{message}");
        assert!(message.contains(&format!("pending.rs:{line}:")), "{message}");
        // Again the same, and the others are usable.
        assert_eq!(text(quotient.try_array()), message);
        assert_eq!(format!("{sum}"), format!("<{message}>"), "Display never panics");
        assert_eq!((&x + &zero).to_vec::<i64>(), [7, 8]);
        let panicked = panic_of(|| sum.to_vec::<i64>());
        assert_eq!((panicked.message, panicked.line), (message, line!() - 1));
        // A value recorded before the failure, beside it.
        let fine = &x * 2;
        let beside = (&fine + 1, &quotient + &fine);
        assert!(beside.1.try_array().is_err());
        assert_eq!(beside.0.to_vec::<i64>(), [13, 17]);
    });
}

/// Values cross the border between modes.
#[test]
fn pending_values_in_eager_code() {
    let pending = lazily(|| Tensor::from([1.0f32, 2.0]) * 2.0);
    assert!(!pending.is_computed());
    let sum = with_mode(Mode::Eager, || &pending + 1.0);
    assert!(sum.is_computed() && pending.is_computed());
    assert_eq!(sum.to_vec::<f32>(), [3.0, 5.0]);
    let again = lazily(|| Tensor::from([1.0f32, 2.0]) * 2.0);
    let gradient = with_mode(Mode::Eager, || grad(&again, |x| (x * &again).sum(..)));
    assert_eq!(gradient.to_vec::<f32>(), [2.0, 4.0]);
}

#[test]
fn pending_values_in_traced_functions() {
    #[graph_fn]
    fn uses(x: &Tensor, captured: &Holder) -> Tensor {
        x + &captured.0
    }
    /// A host value with a tensor in it: a constant of the trace.
    #[derive(Debug, Clone)]
    struct Holder(Tensor);
    impl PartialEq for Holder {
        fn eq(&self, _: &Holder) -> bool {
            true
        }
    }
    impl Eq for Holder {}
    impl std::hash::Hash for Holder {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    lazily(|| {
        let pending = Tensor::from([1i64, 2]) * 10;
        let y = uses(&Tensor::from([1i64, 1]), &Holder(pending.clone()));
        assert_eq!(y.to_vec::<i64>(), [11, 21]);
        assert!(pending.is_computed(), "a function needs it as a constant");
    });
}
