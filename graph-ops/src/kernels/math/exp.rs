//! The exponential, and what is made of it: `eˣ - 1`, the logistic function and the hyperbolic tangent.

use super::{LN_2_HIGH, LN_2_LOW, fused, polynomial};

/// 1.5 · 2²³: the unit in the last place of numbers about it is 1, so adding it rounds to the nearest integer.
const ROUNDER: f32 = 12_582_912.0;

/// The bit at which a float's exponent begins.
const EXPONENT: u32 = 23;

/// `x = k ln 2 + r` with `|r| <= ln 2 / 2`: gives `eʳ - 1`, and bits of which the last are those of `k`. `|x|` is at most 200.
#[inline(always)]
fn reduced(x: f32) -> (f32, u32) {
    let rounded = fused(x, std::f32::consts::LOG2_E, ROUNDER);
    let k = rounded - ROUNDER;
    let r = fused(k, -LN_2_LOW, fused(k, -LN_2_HIGH, x));
    let q = polynomial(r, [0.5, 0.166_665_32, 0.041_666_165, 0.008_368_035, 0.001_397_370_2]);
    // The rounder's own bits end in 22 zeros, so the last ones are those of k.
    (fused(r * r, q, r), rounded.to_bits())
}

/// Two exponents that add up to the `k` of these bits, each shifted to where a float has it: `2ᵏ` may be a subnormal number,
/// or beyond the largest; neither of these powers is.
#[inline(always)]
fn halves(bits: u32) -> (u32, u32) {
    let half = (bits << (EXPONENT - 1)) & (u32::MAX << EXPONENT);
    (half, (bits << EXPONENT).wrapping_sub(half))
}

/// `2ᵏ`, given `k` shifted to where a float has its exponent, for `-126 <= k <= 127`; for other `k` some number.
#[inline(always)]
fn power_of_two(shifted: u32) -> f32 {
    f32::from_bits(1f32.to_bits().wrapping_add(shifted))
}

/// `eˣ`
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Above the first bound the result is infinite, below the second 0; comparisons leave NaN alone.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -105.0 { -105.0 } else { x };
    let (p, bits) = reduced(x);
    let (half, other) = halves(bits);
    let power = power_of_two(half);
    fused(power, p, power) * power_of_two(other)
}

/// `e⁻ˣ` for `0 <= x <= 80`.
#[inline(always)]
pub(super) fn exp_of_negated(x: f32) -> f32 {
    let (p, bits) = reduced(-x);
    let power = power_of_two(bits << EXPONENT);
    fused(power, p, power)
}

/// `eˣ - 1`
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let bounded = if x > 89.0 { 89.0 } else { x };
    let bounded = if bounded < -20.0 { -20.0 } else { bounded };
    let (p, bits) = reduced(bounded);
    // 2ᵏ p + (2ᵏ - 1), divided by a part of the power and multiplied by it.
    let (half, other) = halves(bits);
    let power = power_of_two(half);
    let y = fused(power, p, power - power_of_two(other.wrapping_neg())) * power_of_two(other);
    // -0 would have become 0.
    if x == 0.0 { x } else { y }
}

/// `1 / (1 + e⁻ˣ)`
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    // Of the magnitude, since the exponential must not overflow: where x is negative, eˣ / (1 + eˣ).
    let e = exp(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// `(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)`
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    // From here on the result is 1.
    let bounded = if magnitude > 10.0 { 10.0 } else { magnitude };
    let (p, bits) = reduced(-2.0 * bounded);
    let power = power_of_two(bits << EXPONENT);
    let m = fused(power, p, power - 1.0); // e⁻²ˣ - 1
    // `copysign` gives the sign, of zero as well, so m need not be negated.
    (m / (2.0 + m)).copysign(x)
}
