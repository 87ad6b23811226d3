//! Elementary functions of f32 without branches or tables, so that a loop over them becomes vector instructions.
//!
//! Each is written in sums, products, fused multiply-adds, quotients, comparisons and bits, all of which IEEE 754 defines to
//! the bit: so every processor, and every width of vectors, gives the same. Choices are made by computing both sides and
//! taking one of them. A fused multiply-add is an instruction of nearly all processors; those that lack it (x86-64 without
//! AVX2) call `fmaf` of the system's C library for it, and then a loop over these functions is no vector loop any more.
//!
//! The largest errors over all f32, in units in the last place, against functions of f64:
//!
//! | `exp` | `exp_m1` | `ln` | `ln_1p` | `sigmoid` | `tanh` | `softplus` | `erf` |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | 1.05 | 1.56 | 1.02 | 1.44 | 2.41 | 2.50 | 2.80 | 1.10 |
//!
//! `graph-ops/tests/suite/math.rs` checks this, on a sample of all f32 and about what is special; on all of them when it is
//! asked to. Infinities, NaN, both zeros and subnormal numbers are as the C standard
//! says. `polynomials.py` beside this file made the coefficients.

mod erf;
mod exp;
mod log;

pub(crate) use erf::erf;
pub(crate) use exp::{exp, exp_m1, sigmoid, tanh};
pub(crate) use log::{ln, ln_1p, softplus};

/// ln 2 in two parts: times a whole number of up to 15 bits, the first is exact, and so is what that leaves of a number.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `a · b + c`, rounded once.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// `c[0] + c[1] x + c[2] x² + …`
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = fused(sum, x, coefficients[i]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function's results, by instructions that every processor has.
    fn portable(f: impl Fn(f32) -> f32, operands: &[f32]) -> Vec<u32> {
        operands.iter().map(|&x| f(x).to_bits()).collect()
    }

    /// By vectors with fused multiply-adds.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn fused(f: impl Fn(f32) -> f32, operands: &[f32]) -> Vec<u32> {
        operands.iter().map(|&x| f(x).to_bits()).collect()
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn every_processor_gives_the_same_bits() {
        if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("fma") {
            return;
        }
        let operands: Vec<f32> =
            (0..100_003u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9))).collect();
        macro_rules! compare {
            ($($f:ident)*) => {$(
                // SAFETY: this processor has the instructions.
                let found = unsafe { fused(|x| $f(x), &operands) };
                let expected = portable(|x| $f(x), &operands);
                for ((x, found), expected) in operands.iter().zip(found).zip(expected) {
                    let is_nan = f32::from_bits(found).is_nan() && f32::from_bits(expected).is_nan();
                    assert!(found == expected || is_nan, "{} of {x:e}", stringify!($f));
                }
            )*};
        }
        compare!(exp exp_m1 ln ln_1p sigmoid tanh softplus erf);
    }
}
