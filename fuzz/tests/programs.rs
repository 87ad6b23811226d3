//! Random programs, each as plain Rust on numbers and as `#[graph_fn]` on tensors: both modes give the bits that plain
//! Rust gives, and the gradients are those of dual numbers.
//!
//! The programs are written by `build.rs`. More of them, from another seed on:
//!
//! ```text
//! CONTROL_FLOW_FUZZ_SEED=1000 CONTROL_FLOW_FUZZ_COUNT=500 cargo test -p control-flow-fuzz
//! ```

use control_flow_fuzz::Dual;
use grafito::prelude::*;

/// A program in its forms.
struct Program {
    seed: u64,
    source: &'static str,
    plain: fn(i64, i64, f64, f64, i64) -> (i64, f64),
    dual: fn(i64, i64, Dual, Dual, i64) -> (i64, Dual),
    graph: fn(Tensor, Tensor, Tensor, Tensor, i64) -> (Tensor, Tensor),
}

/// What the plain programs are written with.
mod on_numbers {
    pub(crate) use control_flow_fuzz::Real;

    pub(crate) struct Pair<F> {
        pub(crate) whole: i64,
        pub(crate) part: F,
    }

    pub(crate) fn squash<F: Real>(x: F) -> F {
        x / (x.abs() + F::of(1.0))
    }
    pub(crate) fn to_int<F: Real>(x: F) -> i64 {
        (squash(x) * F::of(20.0)).value() as i64
    }
    pub(crate) fn to_real<F: Real>(i: i64) -> F {
        F::of(i as f64)
    }
    pub(crate) fn range(stop: i64) -> impl Iterator<Item = i64> {
        0..stop
    }
    pub(crate) fn range_step(start: i64, stop: i64, step: i64) -> impl Iterator<Item = i64> {
        std::iter::successors(Some(start), move |i| Some(i + step))
            .take_while(move |i| if step > 0 { *i < stop } else { *i > stop })
    }
    pub(crate) fn numbered<F: Real, const N: usize>(values: [F; N]) -> impl Iterator<Item = (i64, F)> {
        (0..).zip(values)
    }
}

/// What the traced programs are written with.
mod on_tensors {
    pub(crate) use grafito::prelude::*;
    pub(crate) use grafito::range_step;

    #[derive(Clone, TensorTree)]
    pub(crate) struct Pair {
        pub(crate) whole: Tensor,
        pub(crate) part: Tensor,
    }

    pub(crate) fn squash(x: Tensor) -> Tensor {
        &x / (x.abs() + 1.0)
    }
    #[graph_fn]
    pub(crate) fn to_int(x: Tensor) -> Tensor {
        (squash(x) * 20.0).cast(DType::I64)
    }
    pub(crate) fn to_real(i: Tensor) -> Tensor {
        i.cast(DType::F64)
    }
    pub(crate) fn int(value: i64) -> Tensor {
        Tensor::scalar(value)
    }
    pub(crate) fn real(value: f64) -> Tensor {
        Tensor::scalar(value)
    }
    pub(crate) fn ints<const N: usize>(values: [i64; N]) -> Tensor {
        Tensor::from(values)
    }
    pub(crate) fn reals<const N: usize>(values: [f64; N]) -> Tensor {
        Tensor::from(values)
    }
}

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

const ARGUMENTS: [(i64, i64, f64, f64, i64); 6] = [
    (0, 0, 0.0, 0.0, 2),
    (1, -1, 1.0, -2.0, 2),
    (7, 3, 0.5, 3.25, 2),
    (-6, 20, -1.5, 0.125, 2),
    (2, 5, 2.5, -0.75, 0),
    (90, -44, -10.0, 7.0, 1),
];

/// Runs `f`; what it panics with, as text.
fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// Runs `check` on every program; fails with those that it finds fault with, and the source of one.
fn all(check: impl Fn(&Program, (i64, i64, f64, f64, i64)) -> Result<(), String>) {
    let mut failures = Vec::new();
    for program in PROGRAMS {
        let first = ARGUMENTS.iter().find_map(|&arguments| {
            let found = caught(|| check(program, arguments)).and_then(|found| found);
            found.err().map(|message| format!("{arguments:?}: {message}"))
        });
        if let Some(message) = first {
            failures.push((program, message));
        }
    }
    let list: Vec<String> =
        failures.iter().map(|(program, message)| format!("seed {}: {message}", program.seed)).collect();
    // The shortest is the easiest to understand.
    let shortest = failures.iter().min_by_key(|(program, _)| program.source.len());
    let source =
        shortest.map_or(String::new(), |(program, _)| format!("seed {}:\n{}", program.seed, program.source));
    assert!(failures.is_empty(), "{} programs fail\n{}\n\n{source}", failures.len(), list.join("\n"));
}

/// The bits of a result; all NaNs are one.
fn bits((int, real): (i64, f64)) -> (i64, u64) {
    (int, if real.is_nan() { f64::NAN.to_bits() } else { real.to_bits() })
}

#[test]
fn both_modes_give_what_plain_rust_gives() {
    all(|program, (a, b, x, y, n)| {
        let expected = (program.plain)(a, b, x, y, n);
        for mode in [Mode::Eager, Mode::Lazy] {
            let found = caught(|| {
                with_mode(mode, || {
                    let [a, b] = [a, b].map(Tensor::scalar);
                    let [x, y] = [x, y].map(Tensor::scalar);
                    let (int, real) = (program.graph)(a, b, x, y, n);
                    (int.item::<i64>(), real.item::<f64>())
                })
            });
            let found = found.map_err(|message| format!("{mode:?}: {message}"))?;
            if bits(found) != bits(expected) {
                return Err(format!("{mode:?}: {found:?} is not {expected:?}"));
            }
        }
        Ok(())
    });
}

/// Whether a gradient is what it should be, given that sums were made in another order.
fn is_close(found: f64, expected: f64, scale: f64) -> bool {
    (found - expected).abs() <= 1e-9 * scale
}

#[test]
fn gradients_are_those_of_dual_numbers() {
    all(|program, (a, b, x, y, n)| {
        let dual = |value: f64, i: usize| Dual { value, by: [0, 1].map(|j| f64::from(u8::from(i == j))) };
        let (_, expected) = (program.dual)(a, b, dual(x, 0), dual(y, 1), n);
        let scale = 1.0 + expected.by[0].abs() + expected.by[1].abs();
        if !(expected.value.is_finite() && scale < 1e6) {
            return Ok(());
        }
        for mode in [Mode::Eager, Mode::Lazy] {
            let found = with_mode(mode, || {
                let [a, b] = [a, b].map(Tensor::scalar);
                let (dx, dy) = grad(&(Tensor::scalar(x), Tensor::scalar(y)), |(x, y)| {
                    (program.graph)(a.clone(), b.clone(), x.clone(), y.clone(), n).1
                });
                [dx.item::<f64>(), dy.item::<f64>()]
            });
            for i in 0..2 {
                if !is_close(found[i], expected.by[i], scale) {
                    return Err(format!("{mode:?}: the gradient {found:?} is not {:?}", expected.by));
                }
            }
        }
        Ok(())
    });
}
