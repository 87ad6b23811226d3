//! Scalar arithmetic: what kernels, and the rows of the table of pointwise ops, are written in; the same words for every
//! element type.

use super::math;

/// Arithmetic on floats and integers. Integers wrap around.
pub(crate) trait Number: Copy + PartialOrd + Default {
    /// One.
    const ONE: Self;
    /// Sum.
    fn plus(self, other: Self) -> Self;
    /// Difference.
    fn minus(self, other: Self) -> Self;
    /// Product.
    fn times(self, other: Self) -> Self;
    /// Quotient; of integers rounded towards zero. The divisor of an integer is not zero.
    fn over(self, other: Self) -> Self;
    /// Remainder, with the sign of the dividend. The divisor of an integer is not zero.
    fn modulo(self, other: Self) -> Self;
    /// Negation.
    fn negated(self) -> Self;
    /// Absolute value.
    fn magnitude(self) -> Self;
    /// -1, 0 or 1; NaN for NaN.
    fn signum_or_zero(self) -> Self;
    /// The smaller; NaN if either is.
    fn least(self, other: Self) -> Self;
    /// The larger; NaN if either is.
    fn greatest(self, other: Self) -> Self;
    /// The larger of it and 0; NaN stays.
    #[inline(always)]
    fn rectified(self) -> Self {
        if self < Self::default() { Self::default() } else { self }
    }
    /// Power. The exponent of an integer is not negative.
    fn power(self, exponent: Self) -> Self;
}

/// Functions of real numbers: of f64 those of std and libm, of f32 those of [`super::math`].
pub(crate) trait Real: Number {
    fn reciprocal(self) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn exp_m1(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tanh(self) -> Self;
    fn sigmoid(self) -> Self;
    fn softplus(self) -> Self;
    fn erf(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn round(self) -> Self;
}

macro_rules! floats {
    ($($ty:ident: $($function:ident $path:expr),*;)*) => {$(
        impl Number for $ty {
            const ONE: $ty = 1.0;
            #[inline(always)]
            fn plus(self, other: $ty) -> $ty { self + other }
            #[inline(always)]
            fn minus(self, other: $ty) -> $ty { self - other }
            #[inline(always)]
            fn times(self, other: $ty) -> $ty { self * other }
            #[inline(always)]
            fn over(self, other: $ty) -> $ty { self / other }
            #[inline(always)]
            fn modulo(self, other: $ty) -> $ty { self % other }
            #[inline(always)]
            fn negated(self) -> $ty { -self }
            #[inline(always)]
            fn magnitude(self) -> $ty { self.abs() }
            #[inline(always)]
            fn signum_or_zero(self) -> $ty {
                if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self }
            }
            // A comparison with NaN is false, so the other operand must be the one that is tested for it.
            #[inline(always)]
            fn least(self, other: $ty) -> $ty {
                if self < other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn greatest(self, other: $ty) -> $ty {
                if self > other || self.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn power(self, exponent: $ty) -> $ty { self.powf(exponent) }
        }

        impl Real for $ty {
            #[inline(always)]
            fn reciprocal(self) -> $ty { 1.0 / self }
            #[inline(always)]
            fn sqrt(self) -> $ty { $ty::sqrt(self) }
            $(
                #[inline(always)]
                fn $function(self) -> $ty { $path(self) }
            )*
            #[inline(always)]
            fn floor(self) -> $ty { $ty::floor(self) }
            #[inline(always)]
            fn ceil(self) -> $ty { $ty::ceil(self) }
            #[inline(always)]
            fn round(self) -> $ty { $ty::round(self) }
        }
    )*};
}

/// `1 / (1 + e⁻ˣ)`; where x is negative `eˣ / (1 + eˣ)`, so that the exponential does not overflow.
fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `ln(1 + eˣ)`; neither overflows for large x nor loses small ones.
fn softplus(x: f64) -> f64 {
    x.greatest(0.0) + (-x.abs()).exp().ln_1p()
}

macro_rules! integers {
    ($($ty:ident $sign:expr, $magnitude:expr;)*) => {$(
        impl Number for $ty {
            const ONE: $ty = 1;
            #[inline(always)]
            fn plus(self, other: $ty) -> $ty { self.wrapping_add(other) }
            #[inline(always)]
            fn minus(self, other: $ty) -> $ty { self.wrapping_sub(other) }
            #[inline(always)]
            fn times(self, other: $ty) -> $ty { self.wrapping_mul(other) }
            #[inline(always)]
            fn over(self, other: $ty) -> $ty { self.wrapping_div(other) }
            #[inline(always)]
            fn modulo(self, other: $ty) -> $ty { self.wrapping_rem(other) }
            #[inline(always)]
            fn negated(self) -> $ty { self.wrapping_neg() }
            #[inline(always)]
            fn magnitude(self) -> $ty { $magnitude(self) }
            #[inline(always)]
            fn signum_or_zero(self) -> $ty { $sign(self) }
            #[inline(always)]
            fn least(self, other: $ty) -> $ty { self.min(other) }
            #[inline(always)]
            fn greatest(self, other: $ty) -> $ty { self.max(other) }
            #[inline(always)]
            fn power(self, exponent: $ty) -> $ty { self.wrapping_pow(exponent as u32) }
        }
    )*};
}

floats! {
    f32: exp math::exp, exp_m1 math::exp_m1, ln math::ln, ln_1p math::ln_1p, sin f32::sin, cos f32::cos,
        tanh math::tanh, sigmoid math::sigmoid, softplus math::softplus, erf math::erf;
    f64: exp f64::exp, exp_m1 f64::exp_m1, ln f64::ln, ln_1p f64::ln_1p, sin f64::sin, cos f64::cos,
        tanh f64::tanh, sigmoid sigmoid, softplus softplus, erf libm::erf;
}
integers! {
    i32 i32::signum, i32::wrapping_abs;
    i64 i64::signum, i64::wrapping_abs;
    u8 (|x: u8| x.min(1)), (|x: u8| x);
}
