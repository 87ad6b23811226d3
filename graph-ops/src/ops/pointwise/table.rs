//! The table of pointwise ops: one row is one op.
//!
//! A row gives the op's doc, its variant, its name (also the method of `Tensor`), its domain, the scalar function, and
//! the gradient. From it are made: the enum, the text form, the method, the kernel for every dtype of the domain, and
//! the rule of differentiation. The function is written in the words of [`Number`] and [`Real`]. In a gradient, `g` is
//! the cotangent of the output `y`, and operands have their names; it is an ordinary expression over tensors, of any
//! shape that broadcasts to that of `y`, and `zero` says that no gradient flows.
//!
//! To add a pointwise op, add a row. (Operators such as `+` are bound to theirs in `operators.rs`.)

#![allow(clippy::redundant_closure, clippy::bool_comparison, reason = "rows read alike, for every dtype")]

use graph_core::{DType, Link, Primitive, RowLoop, ScalarFn};

use super::{Domain, Pointwise, binary};
use crate::kernels::chain::LinkOp;
use crate::kernels::loops::{binary_bits, binary_loop, unary_bits, unary_loop};
use crate::kernels::scalar::{Number, Real};
use crate::tensor::{Operand, Tensor, apply};

/// A rule of differentiation: the cotangent of operand `i`, or `None` where no gradient flows.
pub(super) enum Gradient {
    /// From cotangent, operand, output.
    Unary(fn(&Tensor, &Tensor, &Tensor) -> Option<Tensor>),
    /// One for each operand.
    Binary([BinaryRule; 2]),
}

/// From cotangent, both operands, output.
type BinaryRule = fn(&Tensor, &Tensor, &Tensor, &Tensor) -> Option<Tensor>;

impl Gradient {
    pub(super) fn flow(&self, i: usize, g: &Tensor, operands: &[Tensor], y: &Tensor) -> Option<Tensor> {
        match self {
            Gradient::Unary(rule) => rule(g, &operands[0], y),
            Gradient::Binary(rules) => rules[i](g, &operands[0], &operands[1], y),
        }
    }
}

/// `zero`, or an expression.
macro_rules! flow {
    (zero) => {
        None
    };
    ($body:expr) => {
        Some($body)
    };
}

/// The row loop for a dtype of a domain.
macro_rules! loops {
    ($make:ident Float $dtype:ident $f:expr) => {
        loops!(@ $make $dtype $f; F32 wide f32, F64 wide f64)
    };
    ($make:ident Signed $dtype:ident $f:expr) => {
        loops!(@ $make $dtype $f; F32 wide f32, F64 wide f64, I32 plain i32, I64 plain i64)
    };
    ($make:ident Number $dtype:ident $f:expr) => {
        loops!(@ $make $dtype $f; F32 wide f32, F64 wide f64, I32 plain i32, I64 plain i64, U8 plain u8)
    };
    ($make:ident Bits $dtype:ident $f:expr) => {
        loops!(@ $make $dtype $f; I32 plain i32, I64 plain i64, U8 plain u8, Bool plain bool)
    };
    ($make:ident Any $dtype:ident $f:expr) => {
        loops!(@ $make $dtype $f; F32 wide f32, F64 wide f64, I32 plain i32, I64 plain i64, U8 plain u8, Bool plain bool)
    };
    (@ $make:ident $dtype:ident $f:expr; $($variant:ident $width:ident $ty:ty),*) => {
        match $dtype {
            $(DType::$variant => Some($make!($width $ty, $f)),)*
            #[allow(unreachable_patterns, reason = "`Any` has no other dtypes")]
            _ => None,
        }
    };
}

macro_rules! table {
    (
        unary { $(
            $(#[$u_doc:meta])*
            $Unary:ident $unary:ident: $u_domain:ident, $u_f:expr, $(d $u_args:tt $u_grad:tt)?;
        )* }
        binary { $(
            $(#[$b_doc:meta])*
            $Binary:ident $binary:ident: $b_domain:ident, $b_f:expr, $(d $b_args:tt $b_left:tt $b_right:tt)?;
        )* }
    ) => {
        /// A function of scalars, applied element by element: a row of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ScalarOp {
            $($(#[$u_doc])* $Unary,)*
            $($(#[$b_doc])* $Binary,)*
        }

        impl ScalarOp {
            /// Every row, in the order of the table.
            pub const ALL: &'static [ScalarOp] =
                &[$(ScalarOp::$Unary,)* $(ScalarOp::$Binary,)*];

            /// The name in messages and text.
            pub fn name(self) -> &'static str {
                match self {
                    $(ScalarOp::$Unary => stringify!($unary),)*
                    $(ScalarOp::$Binary => stringify!($binary),)*
                }
            }

            /// Number of operands.
            pub fn arity(self) -> usize {
                match self {
                    $(ScalarOp::$Unary => 1,)*
                    $(ScalarOp::$Binary => 2,)*
                }
            }

            /// The dtypes it takes.
            pub fn domain(self) -> Domain {
                match self {
                    $(ScalarOp::$Unary => Domain::$u_domain,)*
                    $(ScalarOp::$Binary => Domain::$b_domain,)*
                }
            }

            /// The loop that applies it to elements of this dtype.
            pub(crate) fn row_loop(self, dtype: DType) -> Option<RowLoop> {
                match self {
                    $(ScalarOp::$Unary => loops!(unary_loop $u_domain dtype $u_f),)*
                    $(ScalarOp::$Binary => loops!(binary_loop $b_domain dtype $b_f),)*
                }
            }

            /// The same function of single elements, on their bits.
            pub(super) fn on_bits(self, dtype: DType) -> Option<ScalarFn> {
                match self {
                    $(ScalarOp::$Unary => loops!(unary_bits $u_domain dtype $u_f),)*
                    $(ScalarOp::$Binary => loops!(binary_bits $b_domain dtype $b_f),)*
                }
            }

            /// The rule of differentiation.
            pub(super) fn gradient(self) -> Gradient {
                match self {
                    $(ScalarOp::$Unary => Gradient::Unary(unary_gradient!($(d $u_args $u_grad)?)),)*
                    $(ScalarOp::$Binary => {
                        Gradient::Binary(binary_gradient!($(d $b_args $b_left $b_right)?))
                    })*
                }
            }
        }

        /// Unary pointwise ops.
        impl Tensor {
            $(
                $(#[$u_doc])*
                #[must_use]
                #[track_caller]
                pub fn $unary(&self) -> Tensor {
                    apply(Pointwise(ScalarOp::$Unary), &[self])
                }
            )*
        }

        /// Binary pointwise ops, with broadcasting. Scalars adapt to the tensor's dtype.
        impl Tensor {
            $(
                $(#[$b_doc])*
                #[must_use]
                #[track_caller]
                pub fn $binary(&self, other: impl Operand) -> Tensor {
                    binary(ScalarOp::$Binary, &mut &*self, other)
                }
            )*
        }
    };
}

macro_rules! unary_gradient {
    () => { |_, _, _| None };
    (d [$g:ident $x:ident $y:ident] {$($grad:tt)*}) => {
        |$g, $x, $y| {
            let _ = ($g, $x, $y); // A rule need not use them all.
            flow!($($grad)*)
        }
    };
}

macro_rules! binary_gradient {
    () => { [|_, _, _, _| None, |_, _, _, _| None] };
    (d [$g:ident $a:ident $b:ident $y:ident] {$($left:tt)*} {$($right:tt)*}) => {
        [
            |$g, $a, $b, $y| {
                let _ = ($g, $a, $b, $y); // A rule need not use them all.
                flow!($($left)*)
            },
            |$g, $a, $b, $y| {
                let _ = ($g, $a, $b, $y);
                flow!($($right)*)
            },
        ]
    };
}

table! {
    unary {
        /// Negation, `-x`. Integers wrap around.
        Neg neg: Signed, |x| x.negated(), d [g x y] { -g };
        /// Absolute value. The gradient at 0 is 0.
        Abs abs: Number, |x| x.magnitude(), d [g x y] { g * x.sign() };
        /// -1, 0 or 1 by sign; NaN for NaN. The gradient is 0.
        Sign sign: Number, |x| x.signum_or_zero(), ;
        /// Square root; NaN below 0.
        Sqrt sqrt: Float, |x| Real::sqrt(x), d [g x y] { g * 0.5 / y };
        /// Reciprocal of the square root, `1 / √x`.
        Rsqrt rsqrt: Float, |x| Real::sqrt(x).reciprocal(), d [g x y] { g * -0.5 * y / x };
        /// Exponential, `eˣ`.
        Exp exp: Float, |x| Real::exp(x), d [g x y] { g * y };
        /// `eˣ - 1`, exact near 0.
        Expm1 expm1: Float, |x| Real::exp_m1(x), d [g x y] { g * (y + 1.0) };
        /// Natural logarithm; -∞ at 0, NaN below.
        Log log: Float, |x| Real::ln(x), d [g x y] { g / x };
        /// `ln(1 + x)`, exact near 0.
        Log1p log1p: Float, |x| Real::ln_1p(x), d [g x y] { g / (x + 1.0) };
        /// Sine, of radians.
        Sin sin: Float, |x| Real::sin(x), d [g x y] { g * x.cos() };
        /// Cosine, of radians.
        Cos cos: Float, |x| Real::cos(x), d [g x y] { -(g * x.sin()) };
        /// Hyperbolic tangent.
        Tanh tanh: Float, |x| Real::tanh(x), d [g x y] { g * (1.0 - y * y) };
        /// Logistic function, `1 / (1 + e⁻ˣ)`.
        Sigmoid sigmoid: Float, |x| Real::sigmoid(x), d [g x y] { g * y * (1.0 - y) };
        /// Softplus, `ln(1 + eˣ)`: a smooth rectifier. Neither overflows for large `x` nor loses small ones.
        Softplus softplus: Float, |x| Real::softplus(x), d [g x y] { g * x.sigmoid() };
        /// Rectifier, `max(x, 0)`; NaN stays. The gradient at 0 is 0.
        Relu relu: Number, |x| x.rectified(),
            d [g x y] { y.gt(0).select(g, 0) };
        /// Error function, `2/√π ∫₀ˣ exp(-t²) dt`.
        Erf erf: Float, |x| Real::erf(x),
            d [g x y] { g * (-(x * x)).exp() * std::f64::consts::FRAC_2_SQRT_PI };
        /// The largest integer not above. The gradient is 0.
        Floor floor: Float, |x| Real::floor(x), ;
        /// The smallest integer not below. The gradient is 0.
        Ceil ceil: Float, |x| Real::ceil(x), ;
        /// The nearest integer; halves away from zero, as Rust's `round`. The gradient is 0.
        Round round: Float, |x| Real::round(x), ;
        /// Negation of truth values, complement of an integer's bits.
        Not not: Bits, |x| !x, ;
    }
    binary {
        /// Sum. Integers wrap around.
        Add add: Number, |x, y| x.plus(y), d [g a b y] { g.clone() } { g.clone() };
        /// Difference. Integers wrap around.
        Sub sub: Number, |x, y| x.minus(y), d [g a b y] { g.clone() } { -g };
        /// Product. Integers wrap around.
        Mul mul: Number, |x, y| x.times(y), d [g a b y] { g * b } { g * a };
        /// Quotient. Integers round towards zero; a zero divisor among integers is an error.
        Div div: Number, |x, y| x.over(y), d [g a b y] { g / b } { -(g * y / b) };
        /// Remainder with the sign of the dividend, as Rust's `%`; a zero divisor among integers is an error.
        Rem rem: Number, |x, y| x.modulo(y),
            d [g a b y] { g.clone() } { -(g * quotient_towards_zero(a, b)) };
        /// Power. An exponent among integers that is negative, or larger than 4294967295, is an error.
        Pow pow: Number, |x, y| x.power(y),
            d [g a b y] { b.eq(0).select(0, g * b * a.pow(b - 1)) } { g * y * a.gt(0).select(a, 1).log() };
        /// The smaller of two; NaN if either is. Where they are equal, the gradient flows to the first.
        Minimum minimum: Number, |x, y| x.least(y),
            d [g a b y] { a.le(b).select(g, 0) } { a.le(b).select(0, g) };
        /// The larger of two; NaN if either is. Where they are equal, the gradient flows to the first.
        Maximum maximum: Number, |x, y| x.greatest(y),
            d [g a b y] { a.ge(b).select(g, 0) } { a.ge(b).select(0, g) };
        /// Conjunction of truth values, bitwise of integers.
        And and: Bits, |x, y| x & y, ;
        /// Disjunction of truth values, bitwise of integers.
        Or or: Bits, |x, y| x | y, ;
        /// Exclusive disjunction of truth values, bitwise of integers.
        Xor xor: Bits, |x, y| x ^ y, ;
        /// Whether both are equal; NaN equals nothing.
        Eq eq: Any, |x, y| x == y, ;
        /// Whether both differ; NaN differs from everything.
        Ne ne: Any, |x, y| x != y, ;
        /// Whether the first is less.
        Lt lt: Any, |x, y| x < y, ;
        /// Whether the first is less or equal.
        Le le: Any, |x, y| x <= y, ;
        /// Whether the first is greater.
        Gt gt: Any, |x, y| x > y, ;
        /// Whether the first is greater or equal.
        Ge ge: Any, |x, y| x >= y, ;
    }
}

impl ScalarOp {
    /// The row of this name.
    pub fn from_name(name: &str) -> Option<ScalarOp> {
        ScalarOp::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// Whether the result is a truth value whatever the operands are.
    pub fn is_comparison(self) -> bool {
        use ScalarOp::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }

    /// What an element costs, in additions: roughly, to decide when threads are worth it.
    pub(crate) fn cost(self, dtype: DType) -> usize {
        use ScalarOp::{Cos, Div, Erf, Exp, Expm1, Log, Log1p, Pow, Rem, Sigmoid, Sin, Softplus, Tanh};
        match self {
            // In vectors of f32, by `kernels::math`.
            Exp | Expm1 | Log | Log1p | Tanh | Sigmoid | Softplus | Erf if dtype == DType::F32 => 4,
            Exp | Expm1 | Log | Log1p | Sin | Cos | Tanh | Sigmoid | Softplus | Erf | Pow | Rem => 16,
            Div => 4,
            _ => 1,
        }
    }

    /// The row as a link of chains, if it is an instruction or few.
    pub(super) fn link(self, dtype: DType) -> Option<Link> {
        let op = match self {
            ScalarOp::Neg => LinkOp::Neg,
            ScalarOp::Abs => LinkOp::Abs,
            ScalarOp::Sqrt => LinkOp::Sqrt,
            ScalarOp::Relu => LinkOp::Relu,
            ScalarOp::Add => LinkOp::Add,
            ScalarOp::Sub => LinkOp::Sub,
            ScalarOp::Mul => LinkOp::Mul,
            ScalarOp::Div => LinkOp::Div,
            ScalarOp::Minimum => LinkOp::Minimum,
            ScalarOp::Maximum => LinkOp::Maximum,
            _ => return None,
        };
        op.link(dtype)
    }

    /// The row as an instruction of a processor, if it is one or few.
    pub(super) fn primitive(self) -> Option<Primitive> {
        Some(match self {
            ScalarOp::Neg => Primitive::Neg,
            ScalarOp::Abs => Primitive::Abs,
            ScalarOp::Sqrt => Primitive::Sqrt,
            ScalarOp::Relu => Primitive::Relu,
            ScalarOp::Not => Primitive::Not,
            ScalarOp::Add => Primitive::Add,
            ScalarOp::Sub => Primitive::Sub,
            ScalarOp::Mul => Primitive::Mul,
            ScalarOp::Div => Primitive::Div,
            ScalarOp::Rem => Primitive::Rem,
            ScalarOp::Minimum => Primitive::Minimum,
            ScalarOp::Maximum => Primitive::Maximum,
            ScalarOp::And => Primitive::And,
            ScalarOp::Or => Primitive::Or,
            ScalarOp::Xor => Primitive::Xor,
            ScalarOp::Eq => Primitive::Eq,
            ScalarOp::Ne => Primitive::Ne,
            ScalarOp::Lt => Primitive::Lt,
            ScalarOp::Le => Primitive::Le,
            ScalarOp::Gt => Primitive::Gt,
            ScalarOp::Ge => Primitive::Ge,
            _ => return None,
        })
    }
}

/// `a / b` rounded towards zero: how often `%` subtracts `b`.
fn quotient_towards_zero(a: &Tensor, b: &Tensor) -> Tensor {
    let quotient = a / b;
    quotient.gt(0).select(quotient.floor(), quotient.ceil())
}
