//! Control flow by closures: values and gradients, in every mode, against plain Rust and central differences.

use graph_core::{Mode, with_mode};
use graph_ops::{Tensor, catch, cond, grad, scan, value_and_grad, while_loop};

/// The same program in both modes.
fn in_both_modes<R: PartialEq + std::fmt::Debug>(program: impl Fn() -> R) -> R {
    let eager = with_mode(Mode::Eager, &program);
    let lazy = with_mode(Mode::Lazy, &program);
    assert_eq!(eager, lazy, "eager and lazy differ");
    lazy
}

fn scalar(x: f64) -> Tensor {
    Tensor::scalar(x)
}

/// `x²` above zero, `-3x` elsewhere.
fn bent(x: &Tensor) -> Tensor {
    cond(&x.gt(0), || x * x, || x * -3)
}

#[test]
fn a_branch_is_chosen_and_differentiated() {
    let at =
        |x: f64| in_both_modes(|| (bent(&scalar(x)).item::<f64>(), grad(&scalar(x), bent).item::<f64>()));
    assert_eq!(at(2.0), (4.0, 4.0));
    assert_eq!(at(-2.0), (6.0, -3.0));
}

#[test]
fn the_branch_not_taken_is_not_computed() {
    let guarded = |n: i64| {
        in_both_modes(|| {
            let n = Tensor::scalar(n);
            cond(&n.ne(0), || Tensor::scalar(10i64) / &n, || n.clone()).item::<i64>()
        })
    };
    assert_eq!((guarded(0), guarded(5)), (0, 2));
}

#[test]
fn a_gradient_is_not_reached_by_the_nan_of_the_other_branch() {
    let root = |x: &Tensor| cond(&x.gt(0), || x.sqrt(), || x - x);
    assert_eq!(in_both_modes(|| grad(&scalar(-1.0), root).item::<f64>()), 0.0);
}

#[test]
fn branches_that_differ_are_refused_with_both_facts() {
    let x = Tensor::from([1.0f32, 2.0]);
    let error =
        with_mode(Mode::Lazy, || catch(|| cond(&x.sum(..).gt(0), || x.clone(), || x.sum(..)))).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("the branches differ") && message.contains("f32[2]"), "{message}");
    assert!(message.contains("f32[]") && message.contains("control.rs"), "{message}");
}

#[test]
fn a_while_loop_runs_as_rust_does() {
    let collatz = |n: i64| {
        in_both_modes(|| {
            let state = (Tensor::scalar(n), Tensor::scalar(0i64));
            let halved_or_more = |n: &Tensor| cond(&(n % 2).eq(0), || n / 2, || n * 3 + 1);
            let (_, steps) =
                while_loop(state, |(n, _)| n.gt(1), |(n, steps)| (halved_or_more(&n), steps + 1));
            steps.item::<i64>()
        })
    };
    let host = |mut n: i64| {
        let mut steps = 0;
        while n > 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        steps
    };
    for n in [1, 2, 7, 27, 97] {
        assert_eq!(collatz(n), host(n), "{n}");
    }
}

#[test]
fn a_loop_variable_that_changes_is_refused_with_its_name() {
    let error = with_mode(Mode::Lazy, || {
        let state = (Tensor::scalar(1.0f32), Tensor::from([1.0f32]));
        catch(|| while_loop(state, |(n, _)| n.lt(9), |(n, v)| (n + 1, Tensor::concat(&[v.clone(), v], 0))))
    });
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("`[1]`") && message.contains("f32[1]") && message.contains("f32[2]"),
        "{message}"
    );
}

/// A recurrent cell over the rows of `xs`, with weights from around the loop; the last state and the sum of all.
fn recurrent(weight: &Tensor, start: &Tensor, xs: &Tensor) -> Tensor {
    let (last, all) = scan(start.clone(), xs, |state, x| {
        let state = (state * weight + x).tanh();
        (state.clone(), state)
    });
    last.sum(..) * 2 + (&all * &all).sum(..)
}

#[test]
fn a_scan_is_the_loop_written_out() {
    in_both_modes(|| {
        let xs = Tensor::from([[0.1f64, 0.2], [0.3, -0.4], [0.5, 0.6]]);
        let (weight, start) = (Tensor::from([0.7f64, -0.2]), Tensor::from([0.0f64, 1.0]));
        let scanned =
            value_and_grad(&(weight.clone(), start.clone(), xs.clone()), |(w, s, x)| recurrent(w, s, x));
        let unrolled = value_and_grad(&(weight, start, xs), |(w, s, xs)| {
            let mut state = s.clone();
            let mut squares = Tensor::scalar(0.0f64);
            for row in 0..3 {
                state = (state * w + xs.index_axis(0, row)).tanh();
                squares += (&state * &state).sum(..);
            }
            state.sum(..) * 2 + squares
        });
        let close = |a: &Tensor, b: &Tensor| {
            for (a, b) in a.to_vec::<f64>().into_iter().zip(b.to_vec::<f64>()) {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        };
        close(&scanned.0, &unrolled.0);
        close(&scanned.1.0, &unrolled.1.0);
        close(&scanned.1.1, &unrolled.1.1);
        close(&scanned.1.2, &unrolled.1.2);
    });
}

#[test]
fn the_gradient_of_a_scan_is_its_differences_and_so_is_the_second() {
    let xs = || Tensor::from([[0.1f64], [0.3], [0.5], [-0.9]]);
    let f = |w: &Tensor| recurrent(w, &Tensor::from([0.2f64]), &xs());
    let h = 1e-5;
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            let value = |w: f64| f(&Tensor::from([w])).item::<f64>();
            let first = |w: f64| grad(&Tensor::from([w]), f).sum(..).item::<f64>();
            let second = grad(&Tensor::from([0.7f64]), |w| grad(w, f).sum(..)).sum(..).item::<f64>();
            let differences = (
                (value(0.7 + h) - value(0.7 - h)) / (2.0 * h),
                (first(0.7 + h) - first(0.7 - h)) / (2.0 * h),
            );
            assert!((first(0.7) - differences.0).abs() < 1e-8, "{mode:?}: {} {}", first(0.7), differences.0);
            assert!((second - differences.1).abs() < 1e-7, "{mode:?}: {second} {}", differences.1);
        });
    }
}

#[test]
fn control_flow_nests_and_differentiates() {
    // The sum over rows of x² above zero and of -3x below, each through a branch in a loop.
    let f = |xs: &Tensor| {
        let (total, _) = scan(Tensor::scalar(0.0f64), xs, |total, x| (total + bent(&x), ()));
        total
    };
    let gradient = in_both_modes(|| grad(&Tensor::from([2.0f64, -2.0, 0.5]), f).to_vec::<f64>());
    assert_eq!(gradient, [4.0, -3.0, 1.0]);
}

#[test]
fn zero_trips_leave_the_state() {
    with_mode(Mode::Lazy, || {
        let (total, rows) = scan(scalar(5.0), &Tensor::zeros([0, 2], graph_core::DType::F64), |total, x| {
            (total + x.sum(..), x)
        });
        assert_eq!(total.item::<f64>(), 5.0);
        assert_eq!(rows.shape().to_vec(), [0, 2]);
        assert_eq!(while_loop(scalar(3.0), |x| x.lt(0), |x| x * 2).item::<f64>(), 3.0);
    });
}

#[test]
fn a_loop_of_unknown_length_has_gradients_of_any_order() {
    let squares = |x: &Tensor| while_loop(x.clone(), |x| x.lt(8), |x| &x * &x);
    for mode in [Mode::Eager, Mode::Lazy] {
        with_mode(mode, || {
            assert_eq!(grad(&scalar(2.0), squares).item::<f64>(), 32.0);
            assert_eq!(grad(&scalar(2.0), |x| grad(x, squares)).item::<f64>(), 48.0);
            assert_eq!(grad(&scalar(2.0), |x| grad(x, |x| grad(x, squares))).item::<f64>(), 48.0);
            assert_eq!(grad(&scalar(9.0), squares).item::<f64>(), 1.0);
        });
    }
}

#[test]
fn nesting_without_bound_is_an_error_and_not_the_end_of_the_stack() {
    fn nested(x: &Tensor, depth: usize) -> Tensor {
        if depth == 0 { x * 2 } else { cond(&x.gt(0), || nested(x, depth - 1), || x - 1) }
    }
    let value = |depth| with_mode(Mode::Lazy, || catch(|| nested(&scalar(3.0), depth).item::<f64>()));
    assert_eq!(value(60), Ok(6.0));
    let error = value(5000).unwrap_err().to_string();
    assert!(error.contains("nested more than 100 deep") && error.contains("control.rs"), "{error}");
}

#[test]
fn a_tensor_of_a_branch_that_panicked_is_not_usable() {
    with_mode(Mode::Lazy, || {
        let mut kept = None;
        let run = std::panic::AssertUnwindSafe(|| {
            cond(
                &scalar(1.0).gt(0),
                || {
                    kept = Some(scalar(1.0) + 1);
                    panic!("user")
                },
                || scalar(0.0),
            )
        });
        assert!(std::panic::catch_unwind(run).is_err());
        let error = catch(|| kept.expect("kept before the panic") + 1).unwrap_err();
        assert!(error.to_string().contains("kept after the trace of `then` ended"), "{error}");
    });
}

#[test]
fn a_gradient_is_not_reached_by_the_nan_of_a_loop_variable_that_is_not_used() {
    let root_of_zero = || Tensor::from([0.0f64, 4.0]);
    let scanned = in_both_modes(|| {
        let gradient = grad(&root_of_zero(), |x| {
            let (_, doubled) =
                scan(Tensor::scalar(0.0f64), x, |sum: Tensor, row: Tensor| (sum + row.sqrt(), row * 2.0));
            doubled.sum(..)
        });
        gradient.to_vec::<f64>()
    });
    assert_eq!(scanned, [2.0, 2.0]);
    let looped = in_both_modes(|| {
        let gradient = grad(&root_of_zero(), |x| {
            let start = (Tensor::scalar(0i64), x.clone(), x.clone());
            let (_, _, b) = while_loop(start, |(i, ..)| i.lt(3), |(i, a, b)| (i + 1, a.sqrt(), b * 2.0));
            b.sum(..)
        });
        gradient.to_vec::<f64>()
    });
    assert_eq!(looped, [8.0, 8.0]);
}
