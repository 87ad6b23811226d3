//! What is reduced, and how: elements, the types of their totals, and the ways to combine them.

use super::super::scalar::Number;

/// How elements are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Sum; 0 of nothing.
    Sum,
    /// Product; 1 of nothing.
    Prod,
    /// The largest; NaN if any is.
    Max,
    /// The smallest; NaN if any is.
    Min,
    /// Whether any is true; false of nothing.
    Any,
    /// Whether all are true; true of nothing.
    All,
}

impl Reduction {
    /// All of them, in declaration order.
    pub const ALL: [Reduction; 6] =
        [Reduction::Sum, Reduction::Prod, Reduction::Max, Reduction::Min, Reduction::Any, Reduction::All];

    /// The name in messages and text.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::Any => "any",
            Reduction::All => "all",
        }
    }
}

/// An expression with the element type and the monoid of a reduction of this dtype.
macro_rules! with_monoid {
    ($reduction:expr, $dtype:expr, $T:ident, $M:ident => $body:expr) => {{
        use $crate::kernels::reduce::monoid;
        macro_rules! of_element {
            ($element:ty) => {{
                type $T = $element;
                match $reduction {
                    monoid::Reduction::Sum => with_monoid!(@ $M = monoid::Sum, $body),
                    monoid::Reduction::Prod => with_monoid!(@ $M = monoid::Prod, $body),
                    monoid::Reduction::Max | monoid::Reduction::Any => with_monoid!(@ $M = monoid::Max, $body),
                    monoid::Reduction::Min | monoid::Reduction::All => with_monoid!(@ $M = monoid::Min, $body),
                }
            }};
        }
        match $dtype {
            graph_core::DType::F32 => of_element!(f32),
            graph_core::DType::F64 => of_element!(f64),
            graph_core::DType::I32 => of_element!(i32),
            graph_core::DType::I64 => of_element!(i64),
            // A bool is a byte 0 or 1: any is the largest, all the smallest.
            graph_core::DType::U8 | graph_core::DType::Bool => of_element!(u8),
        }
    }};
    (@ $M:ident = $monoid:ty, $body:expr) => {{
        type $M = $monoid;
        $body
    }};
}
pub(super) use with_monoid;

/// Elements that are combined in the element's own type before their total is widened: 32 roundings of an f32 are at most a
/// millionth.
pub(super) const RUN: usize = 32;

/// An element with the type its totals are kept in.
pub(crate) trait Accumulate: Number + Send + Sync + graph_core::Element {
    /// The type of totals.
    type Total: Number + Send + Sync;
    fn widen(self) -> Self::Total;
    fn narrow(total: Self::Total) -> Self;
    /// The smallest and largest values, for the identities of max and min.
    const LEAST: Self;
    const GREATEST: Self;
}

macro_rules! accumulate {
    ($($ty:ty as $total:ty: $least:expr, $greatest:expr;)*) => {$(
        impl Accumulate for $ty {
            type Total = $total;
            #[inline(always)]
            fn widen(self) -> $total { self.into() }
            #[inline(always)]
            fn narrow(total: $total) -> $ty { total as $ty }
            const LEAST: $ty = $least;
            const GREATEST: $ty = $greatest;
        }
    )*};
}

accumulate! {
    f32 as f64: f32::NEG_INFINITY, f32::INFINITY;
    f64 as f64: f64::NEG_INFINITY, f64::INFINITY;
    i32 as i32: i32::MIN, i32::MAX;
    i64 as i64: i64::MIN, i64::MAX;
    u8 as u8: u8::MIN, u8::MAX;
}

/// An associative combination with an identity.
pub(super) trait Monoid {
    fn identity<T: Accumulate>() -> T;
    fn combine<N: Number>(a: N, b: N) -> N;
}

pub(super) struct Sum;
pub(super) struct Prod;
pub(super) struct Max;
pub(super) struct Min;

impl Monoid for Sum {
    #[inline(always)]
    fn identity<T: Accumulate>() -> T {
        T::default()
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.plus(b)
    }
}

impl Monoid for Prod {
    #[inline(always)]
    fn identity<T: Accumulate>() -> T {
        T::ONE
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.times(b)
    }
}

impl Monoid for Max {
    #[inline(always)]
    fn identity<T: Accumulate>() -> T {
        T::LEAST
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.greatest(b)
    }
}

impl Monoid for Min {
    #[inline(always)]
    fn identity<T: Accumulate>() -> T {
        T::GREATEST
    }
    #[inline(always)]
    fn combine<N: Number>(a: N, b: N) -> N {
        a.least(b)
    }
}
