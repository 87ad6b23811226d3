//! The natural logarithm, `ln(1 + x)`, and the smooth rectifier made of it.

use super::exp::exp;
use super::{LN_2_HIGH, LN_2_LOW, fused, polynomial};

/// The bits of √½, above which a significand is reduced to.
const SQRT_HALF: u32 = 0x3f35_04f3;

/// `ln x` for positive, finite x that is no subnormal number; plus `extra` times ln 2.
#[inline(always)]
fn ln_of_normal(x: f32, extra: f32) -> f32 {
    // x = 2ᵏ (1 + f) with √½ <= 1 + f < √2.
    let above = x.to_bits().wrapping_sub(SQRT_HALF);
    let k = ((above as i32) >> 23) as f32 + extra;
    let f = f32::from_bits((above & 0x007f_ffff).wrapping_add(SQRT_HALF)) - 1.0;
    let p = polynomial(
        f,
        [
            0.333_333_13,
            -0.250_001_67,
            0.200_022_24,
            -0.166_593_6,
            0.142_095_72,
            -0.125_498_67,
            0.120_851_144,
            -0.109_628_364,
            0.056_037_34,
        ],
    );
    let square = f * f;
    // The small terms first.
    let small = fused(square * f, p, k * LN_2_LOW);
    fused(k, LN_2_HIGH, f + fused(-0.5, square, small))
}

/// `ln x`
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // A subnormal number is brought to where the exponent tells its magnitude.
    let is_subnormal = x < f32::MIN_POSITIVE;
    let scaled = if is_subnormal { x * 8_388_608.0 } else { x };
    let y = ln_of_normal(scaled, if is_subnormal { -23.0 } else { 0.0 });
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}

/// `ln(1 + x)`
#[inline(always)]
pub(crate) fn ln_1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    // What the sum lost, to first order of the logarithm.
    let lost = x - (sum - 1.0);
    let y = ln_of_normal(sum, 0.0) + lost / sum;
    // Where the sum is 1 nothing but x itself is left, and its sign, which 0 + x might lose.
    let y = if sum == 1.0 { x } else { y };
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == -1.0 { f32::NEG_INFINITY } else { y };
    if x >= -1.0 { y } else { f32::NAN }
}

/// `ln(1 + eˣ)`
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    // Of the magnitude, since the exponential must not overflow.
    let e = exp(-x.abs());
    // ln(1 + e) = 2 artanh(s); s is at most a third.
    let s = e / (2.0 + e);
    let square = s * s;
    let p = polynomial(square, [0.333_333_37, 0.199_994_74, 0.143_076_09, 0.107_218_59, 0.121_231_72]);
    let twice = s + s;
    // The larger of x and 0; NaN stays.
    fused(twice, square * p, twice) + if x < 0.0 { 0.0 } else { x }
}
