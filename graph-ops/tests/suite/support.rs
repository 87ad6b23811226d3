//! What several topics need: both modes at once, gradients on a tape, comparisons, random numbers.

use std::sync::{Mutex, PoisonError};

use graph_core::{
    Array, DType, Fact, Mode, Origin, Trace, TraceKind, backward, num_threads, set_num_threads, with_mode,
};
use graph_ops::{Tensor, TensorAlgebra, catch};

/// Computes in both modes, demands the same bits, and gives the array.
pub(crate) fn both(compute: impl Fn() -> Tensor) -> Array {
    let array = |mode| with_mode(mode, || compute().try_array().expect("computes"));
    let (eager, lazy) = (array(Mode::Eager), array(Mode::Lazy));
    assert!(eager.same_bits(&lazy), "eager and lazy differ: {eager:?} {lazy:?}");
    eager
}

/// Computes with so many threads. Tests run side by side in one process, so one at a time says how many.
pub(crate) fn with_threads<R>(threads: usize, compute: impl FnOnce() -> R) -> R {
    static CHOSEN: Mutex<()> = Mutex::new(());
    let _chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = num_threads();
    set_num_threads(threads);
    let result = compute();
    set_num_threads(before);
    result
}

/// The elements of what both modes compute.
pub(crate) fn elements<T: graph_core::Element>(compute: impl Fn() -> Tensor) -> Vec<T> {
    both(compute).as_slice::<T>().expect("the dtype that is expected").to_vec()
}

/// Computes `function` on a tape, and the gradients of the sum of its elements to all arguments that are floats.
pub(crate) fn value_and_gradients(
    arguments: &[Array],
    function: impl Fn(&[Tensor]) -> Tensor,
) -> (Array, Vec<Option<Array>>) {
    with_mode(Mode::Eager, || {
        let tape = Trace::new(TraceKind::Tape, "test");
        let _entered = tape.enter();
        let origin = Origin::caller();
        let variables: Vec<_> =
            arguments.iter().map(|a| tape.add_constant(&with_own_buffer(a), origin)).collect();
        let tensors: Vec<Tensor> = variables.iter().map(|&v| Tensor::from_traced(&tape, v)).collect();
        let y = function(&tensors);
        let seed = y.ones_like().value_in(&tape, origin).expect("concrete");
        let y_value = y.value_in(&tape, origin).expect("of this tape");
        let gradients =
            backward(&tape, &[(y_value, seed)], &variables, &TensorAlgebra).expect("differentiable");
        let gradients =
            gradients.into_iter().map(|g| g.map(|g| tape.array(g).expect("computed on the tape"))).collect();
        (y.try_array().expect("computed"), gradients)
    })
}

fn with_own_buffer(array: &Array) -> Array {
    let mut copy = array.clone();
    copy.make_unique();
    copy
}

/// The message with which an operation fails, with everything up to the last `/` of paths removed.
pub(crate) fn failure(operation: impl Fn() -> Tensor) -> String {
    let message = |mode| {
        let result = with_mode(mode, || catch(|| operation().eval()));
        result.expect_err("must fail").to_string()
    };
    let (eager, lazy) = (message(Mode::Eager), message(Mode::Lazy));
    assert_eq!(eager, lazy);
    without_positions(&eager)
}

/// A message with every `(file:line:column)` as `(..)`, and the last position left out.
fn without_positions(message: &str) -> String {
    let (message, _) = message.rsplit_once(" at ").expect("a position at the end");
    let mut text = String::new();
    for (i, part) in message.split('(').enumerate() {
        match part.split_once(')') {
            Some((inside, after)) if inside.contains(".rs:") => text += &format!("(..){after}"),
            _ if i == 0 => text += part,
            _ => text += &format!("({part}"),
        }
    }
    text
}

#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (i, (&a, &b)) in found.iter().zip(expected).enumerate() {
        let is_close = (a - b).abs() <= tolerance * (1.0 + b.abs()) || (a.is_nan() && b.is_nan()) || a == b;
        assert!(is_close, "at {i}: {a} is not {b}: {found:?} {expected:?}");
    }
}

/// The elements as f64.
pub(crate) fn as_f64(array: &Array) -> Vec<f64> {
    let x = with_mode(Mode::Eager, || Tensor::from_array(array.clone()).cast(DType::F64));
    x.to_vec()
}

/// Pseudorandom numbers for tests: a linear congruential generator, whose high bits are good enough.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Evenly in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An array of numbers evenly in a range, rounded down for integers.
    pub(crate) fn array(&mut self, fact: &Fact, from: f64, to: f64) -> Array {
        let elements: Vec<f64> =
            (0..fact.shape.num_elements()).map(|_| from + (to - from) * self.unit()).collect();
        with_mode(Mode::Eager, || {
            let x = Tensor::from_slice(fact.shape.clone(), &elements);
            let x = if fact.dtype.is_int() { x.floor() } else { x };
            x.cast(fact.dtype).try_array().expect("eager")
        })
    }

    /// A tensor of numbers evenly in `(-1, 1)`.
    pub(crate) fn tensor(&mut self, dtype: DType, shape: &[usize]) -> Tensor {
        Tensor::from_array(self.array(&Fact::new(dtype, shape), -1.0, 1.0))
    }
}
