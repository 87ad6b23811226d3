//! `&mut` arguments: written back, updated in their own buffers, never lost, never seen by others.

use grafito::Error;
use grafito::prelude::*;

use crate::support::{Failing, address, both, panic_of};

#[derive(Clone, TensorTree)]
struct State {
    a: Tensor,
    b: Tensor,
    steps: i64,
    #[fixed]
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Warmup,
    Running,
}

fn state() -> State {
    let (a, b) = (Tensor::from([1.0f32, 2.0]), Tensor::from([10.0f32, 20.0]));
    State { a, b, steps: 0, phase: Phase::Warmup }
}

#[graph_fn]
fn step(state: &mut State, x: &Tensor) -> Tensor {
    state.a += x;
    if state.phase == Phase::Running {
        state.b = &state.b * 2.0 + &state.a;
    }
    state.steps += 1;
    if state.steps == 2 {
        state.phase = Phase::Running;
    }
    state.a.sum(..)
}

#[test]
fn host_fields_that_the_body_changes_are_written_back() {
    let x = Tensor::from([1.0f32, 1.0]);
    both(|| {
        let mut state = state();
        let sums: Vec<f32> = (0..4).map(|_| step(&mut state, &x).item()).collect();
        assert_eq!(sums, [5.0, 7.0, 9.0, 11.0]);
        assert_eq!((state.steps, state.phase), (4, Phase::Running));
        assert_eq!((state.a.to_vec::<f32>(), state.b.to_vec::<f32>()), (vec![5.0, 6.0], vec![53.0, 96.0]));
    });
}

#[graph_fn]
fn accumulate(total: &mut Tensor, x: &Tensor) {
    *total += x;
}

#[graph_fn]
fn accumulate_pair(pair: &mut (Tensor, Tensor), x: &Tensor) {
    pair.0 += x;
    pair.1 *= x;
}

#[graph_fn]
fn owned(mut total: Tensor, x: &Tensor) -> Tensor {
    total += x;
    total
}

#[test]
fn mut_and_owned_arguments_are_updated_in_their_own_buffers() {
    with_mode(Mode::Lazy, || {
        let x = Tensor::from([1.0f32; 32]);
        let mut total = Tensor::zeros([32], DType::F32).eval();
        accumulate(&mut total, &x);
        let home = address(&total);
        for _ in 0..5 {
            accumulate(&mut total, &x);
            assert_eq!(address(&total), home);
        }
        for _ in 0..5 {
            total = owned(total, &x);
            assert_eq!(address(&total), home);
        }
        assert_eq!(total.to_vec::<f32>(), [11.0; 32]);
        let plan = accumulate::plan(&mut total, &x);
        assert_eq!(plan.num_in_place_inputs(), 1, "{plan}");
    });
}

#[test]
fn the_other_holder_of_a_buffer_is_unharmed() {
    both(|| {
        let x = Tensor::from([1.0f32, 1.0]);
        let mut total = Tensor::from([5.0f32, 6.0]);
        let keeps = total.clone();
        accumulate(&mut total, &x);
        assert_eq!((keeps.to_vec::<f32>(), total.to_vec::<f32>()), (vec![5.0, 6.0], vec![6.0, 7.0]));
        let result = owned(total.clone(), &x);
        assert_eq!((total.to_vec::<f32>(), result.to_vec::<f32>()), (vec![6.0, 7.0], vec![7.0, 8.0]));
        // The other holder may be a pending value.
        let pending = &keeps * 2.0;
        let mut mine = keeps.clone();
        accumulate(&mut mine, &x);
        assert_eq!(pending.to_vec::<f32>(), [10.0, 12.0]);
        assert_eq!(keeps.to_vec::<f32>(), [5.0, 6.0]);
    });
}

#[test]
fn two_leaves_may_share_one_buffer() {
    both(|| {
        let shared = Tensor::from([3.0f32, 4.0]);
        let x = Tensor::from([2.0f32, 2.0]);
        let mut pair = (shared.clone(), shared.clone());
        for _ in 0..2 {
            accumulate_pair(&mut pair, &x);
        }
        assert_eq!(pair.0.to_vec::<f32>(), [7.0, 8.0]);
        assert_eq!(pair.1.to_vec::<f32>(), [12.0, 16.0]);
        assert_eq!(shared.to_vec::<f32>(), [3.0, 4.0]);
    });
}

#[test]
fn the_same_tensor_by_mut_and_by_reference() {
    both(|| {
        let mut total = Tensor::from([3.0f32, 4.0]);
        let same = total.clone();
        accumulate(&mut total, &same);
        assert_eq!((total.to_vec::<f32>(), same.to_vec::<f32>()), (vec![6.0, 8.0], vec![3.0, 4.0]));
    });
}

#[test]
fn results_and_state_may_be_one_value() {
    #[graph_fn]
    fn returns_state(total: &mut Tensor, x: &Tensor) -> (Tensor, Tensor, Tensor) {
        let before = total.clone();
        *total += x;
        (before, total.clone(), x.clone())
    }
    both(|| {
        let x = Tensor::from([1.0f32]);
        let mut total = Tensor::from([5.0f32]);
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(returns_state(&mut total, &x));
        }
        let seen: Vec<_> = seen.iter().map(|(a, b, c)| [a.item(), b.item(), c.item::<f32>()]).collect();
        assert_eq!(seen, [[5.0, 6.0, 1.0], [6.0, 7.0, 1.0], [7.0, 8.0, 1.0]]);
    });
}

#[test]
fn swapped_state_stays_swapped() {
    #[graph_fn]
    fn swap(pair: &mut (Tensor, Tensor)) {
        std::mem::swap(&mut pair.0, &mut pair.1);
    }
    #[graph_fn]
    fn fibonacci(pair: &mut (Tensor, Tensor)) {
        let next = &pair.0 + &pair.1;
        pair.0 = std::mem::replace(&mut pair.1, next);
    }
    both(|| {
        let mut pair = (Tensor::scalar(1i64), Tensor::scalar(2i64));
        swap(&mut pair);
        assert_eq!((pair.0.item::<i64>(), pair.1.item::<i64>()), (2, 1));
        let mut pair = (Tensor::scalar(0i64), Tensor::scalar(1i64));
        (0..10).for_each(|_| fibonacci(&mut pair));
        assert_eq!((pair.0.item::<i64>(), pair.1.item::<i64>()), (55, 89));
    });
}

#[graph_fn]
fn updates_then_divides(totals: &mut (Tensor, Tensor), divisor: &Tensor) -> Tensor {
    totals.0 += 1;
    totals.1 *= 2;
    totals.1.sum(..) / divisor
}

#[graph_fn]
fn updates_what_it_divides(total: &mut Tensor, divisor: &Tensor) {
    *total += 1;
    *total /= divisor;
}

#[test]
fn a_failure_while_running_loses_nothing() {
    with_mode(Mode::Lazy, || {
        let mut totals = (Tensor::from([1i64, 2]), Tensor::from([3i64, 4]));
        let (zero, two) = (Tensor::scalar(0i64), Tensor::scalar(2i64));
        let seen = |totals: &(Tensor, Tensor)| (totals.0.to_vec::<i64>(), totals.1.to_vec::<i64>());
        let before = seen(&totals);
        let error = updates_then_divides::try_call(&mut totals, &zero).unwrap_err();
        assert!(matches!(error, Error::Op(_)), "{error}");
        assert_eq!(seen(&totals), before, "nothing is updated");
        assert_eq!(updates_then_divides(&mut totals, &two).item::<i64>(), 7);
        assert_eq!(seen(&totals), (vec![2, 3], vec![6, 8]));

        let mut total = Tensor::from([9i64, 19]);
        let divisor = Tensor::from([1i64, 0]);
        assert!(updates_what_it_divides::try_call(&mut total, &divisor).is_err());
        assert_eq!(total.to_vec::<i64>(), [9, 19]);
    });
}

#[test]
fn a_kernel_that_panics_loses_nothing() {
    #[graph_fn]
    fn fails(total: &mut Tensor, op: &Failing) -> Tensor {
        grafito::apply(op.clone(), &[&*total]) + &*total
    }
    with_mode(Mode::Lazy, || {
        let mut total = Tensor::from([1i64, 2]);
        let panicked = panic_of(|| fails(&mut total, &Failing { panics: true }));
        assert_eq!(panicked.message, "the kernel panics");
        assert_eq!(total.to_vec::<i64>(), [1, 2]);
        let panicked = panic_of(|| fails(&mut total, &Failing { panics: false }));
        assert!(panicked.message.contains("failing: the kernel fails"), "{}", panicked.message);
        assert_eq!(total.to_vec::<i64>(), [1, 2]);
    });
}

/// An error of the body's own, while it is traced: nothing has run, nothing is changed.
#[test]
fn a_failure_while_tracing_loses_nothing() {
    #[graph_fn]
    fn mismatched(total: &mut Tensor, x: &Tensor) {
        *total += 1;
        *total += x;
    }
    with_mode(Mode::Lazy, || {
        let mut total = Tensor::from([1i64, 2]);
        assert!(mismatched::try_call(&mut total, &Tensor::from([1i64, 2, 3])).is_err());
        assert_eq!(total.to_vec::<i64>(), [1, 2]);
    });
}

#[test]
fn pending_arguments_are_computed_first() {
    both(|| {
        let x = Tensor::from([1.0f32, 2.0]);
        let mut total = &x * 2.0;
        accumulate(&mut total, &(&x + 1.0));
        assert_eq!(total.to_vec::<f32>(), [4.0, 7.0]);
        assert_eq!(owned(&x * 3.0, &x).to_vec::<f32>(), [4.0, 8.0]);
    });
}

#[test]
fn shapes_and_dtypes_of_state_may_change() {
    #[graph_fn]
    fn grow(x: &mut Tensor) {
        *x = Tensor::concat(&[x.clone(), x.clone()], 0);
    }
    both(|| {
        let mut x = Tensor::from([1i64]);
        (0..3).for_each(|_| grow(&mut x));
        assert_eq!(x.to_vec::<i64>(), [1; 8]);
    });
}
