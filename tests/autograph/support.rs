//! One source for host integers and for tensors.

use grafito::prelude::*;

/// Functions over integers, each twice: in `host` over `i64`, in `graph` over tensors. A literal that is to be a tensor
/// there is written `num(3)`.
macro_rules! on_integers {
    ($(fn $name:ident($($arg:ident),*) { $($body:tt)* })*) => {
        #[allow(unreachable_code, clippy::all, reason = "the cases are written as people write, in every way")]
        mod host {
            fn num(value: i64) -> i64 { value }
            fn range(stop: i64) -> std::ops::Range<i64> { 0..stop }
            $(pub(super) fn $name($($arg: i64),*) -> i64 { let _ = (num(0), range(0)); $($body)* })*
        }
        #[allow(unreachable_code, clippy::all, reason = "the cases are written as people write, in every way")]
        mod graph {
            use grafito::prelude::*;
            use grafito::range;
            fn num(value: i64) -> Tensor { Tensor::scalar(value) }
            $(#[graph_fn] pub(super) fn $name($($arg: Tensor),*) -> Tensor { let _ = (num(0), range(0)); $($body)* })*
        }
    };
}
pub(crate) use on_integers;

/// Functions with types: in `on_host` an `Int` is an `i64`, a `List` a vector of them and a `Table` a vector of lists; in
/// `in_graph` all are tensors.
macro_rules! on_lists {
    ($(fn $name:ident($($arg:ident: $ty:ty),*) -> $result:ty { $($body:tt)* })*) => {
        #[allow(clippy::all, reason = "the cases are written as people write, in every way")]
        mod on_host {
            use super::Pair;
            use crate::support::host_range_step as range_step;
            type Int = i64;
            type List = Vec<Int>;
            type Table = Vec<List>;
            fn num(value: i64) -> Int { value }
            $(pub(super) fn $name($($arg: $ty),*) -> $result { $($body)* })*
        }
        #[allow(clippy::all, reason = "the cases are written as people write, in every way")]
        mod in_graph {
            use super::Pair;
            use grafito::prelude::*;
            use grafito::range_step;
            type Int = Tensor;
            type List = Tensor;
            type Table = Tensor;
            fn num(value: i64) -> Int { Tensor::scalar(value) }
            $(#[graph_fn] pub(super) fn $name($($arg: $ty),*) -> $result { $($body)* })*
        }
    };
}
pub(crate) use on_lists;

/// `range_step` of numbers.
pub(crate) fn host_range_step(start: i64, stop: i64, step: i64) -> impl Iterator<Item = i64> {
    std::iter::successors(Some(start), move |i| Some(i + step))
        .take_while(move |i| if step > 0 { *i < stop } else { *i > stop })
}

/// Runs a function of `on_integers` in all three ways and compares each with what is expected.
macro_rules! expect_all {
    ($name:ident: $(($($arg:expr),*) => $expected:expr),* $(,)?) => {{
        use grafito::prelude::*;
        $(
            let expected: i64 = $expected;
            let case = format!("{}{:?}", stringify!($name), Vec::<i64>::from([$($arg as i64),*]));
            assert_eq!(host::$name($($arg),*), expected, "plain Rust: {case}");
            for mode in [Mode::Eager, Mode::Lazy] {
                let found = with_mode(mode, || graph::$name($(Tensor::scalar($arg as i64)),*).item::<i64>());
                assert_eq!(found, expected, "{mode:?}: {case}");
            }
        )*
    }};
}
pub(crate) use expect_all;

/// The value of `f` in both modes, which must agree.
#[track_caller]
pub(crate) fn both<R: PartialEq + std::fmt::Debug>(f: impl Fn() -> R) -> R {
    let eager = with_mode(Mode::Eager, &f);
    let lazy = with_mode(Mode::Lazy, &f);
    assert_eq!(eager, lazy, "eager (left) and lazy (right)");
    lazy
}

pub(crate) fn ints(values: &[i64]) -> Tensor {
    Tensor::from(values.to_vec())
}

/// What lazy mode says of a call.
#[track_caller]
pub(crate) fn said<R: std::fmt::Debug>(call: impl FnOnce() -> R) -> String {
    with_mode(Mode::Lazy, || grafito::catch(std::panic::AssertUnwindSafe(call)))
        .expect_err("it cannot be staged")
        .to_string()
}
