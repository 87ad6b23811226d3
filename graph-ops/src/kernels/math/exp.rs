//! The exponential, and what is made of it: `eˣ - 1`, the logistic function and the hyperbolic tangent.

use super::{LN_2_HIGH, LN_2_LOW, fused, polynomial, power_of_two};

/// 1.5 · 2²³: the unit in the last place of numbers about it is 1, so adding it rounds to the nearest integer.
const ROUNDER: f32 = 12_582_912.0;

/// `x = k ln 2 + r` with `|r| <= ln 2 / 2`: gives `eʳ - 1` and `k`. `|x|` is at most 200.
#[inline(always)]
fn reduced(x: f32) -> (f32, i32) {
    let rounded = fused(x, std::f32::consts::LOG2_E, ROUNDER);
    let k = rounded.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32;
    let multiple = rounded - ROUNDER;
    let r = fused(multiple, -LN_2_LOW, fused(multiple, -LN_2_HIGH, x));
    let q = polynomial(r, [0.5, 0.166_665_32, 0.041_666_165, 0.008_368_035, 0.001_397_370_2]);
    (fused(r * r, q, r), k)
}

/// `eˣ`
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Above the first bound the result is infinite, below the second 0; comparisons leave NaN alone.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -105.0 { -105.0 } else { x };
    let (p, k) = reduced(x);
    // Results may be subnormal, or beyond the largest power of two; each half of the power is neither.
    let half = k >> 1;
    (1.0 + p) * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// `e⁻ˣ` for `0 <= x <= 80`.
#[inline(always)]
pub(super) fn exp_of_negated(x: f32) -> f32 {
    let (p, k) = reduced(-x);
    (1.0 + p) * power_of_two(k)
}

/// `eˣ - 1`
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let bounded = if x > 89.0 { 89.0 } else { x };
    let bounded = if bounded < -20.0 { -20.0 } else { bounded };
    let (p, k) = reduced(bounded);
    // 2ᵏ p + (2ᵏ - 1), in halves of the power. What is subtracted is 2⁻ʰ, with h the other half.
    let half = k >> 1;
    let other = k.wrapping_sub(half);
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
    let (p, k) = reduced(-2.0 * bounded);
    let power = power_of_two(k);
    let m = fused(power, p, power - 1.0); // e⁻²ˣ - 1
    (-m / (2.0 + m)).copysign(x)
}
