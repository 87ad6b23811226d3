//! The quotient by one number: as images are scaled, and means taken. To divide takes a processor some ten times as long as to
//! multiply, so the reciprocal is taken once, and what a product with it lacks is put right by fused multiplications.

use std::mem::MaybeUninit;

use graph_core::{DType, RowLoop, RowOperand};

use super::instructions::Instructions;
use super::loops::{BLOCK, RowBlocks, blocks, multiversion};
use super::scalar::Number;

/// Floats that a quotient by multiplication is defined on.
trait Divisible: Number {
    /// Numbers up to this one, and from its reciprocal, are far from where floats end, and so are their quotients and what
    /// those lack.
    const BOUND: Self;

    /// The product and the sum, rounded once.
    fn times_plus(self, factor: Self, summand: Self) -> Self;

    #[inline(always)]
    fn is_ordinary(self) -> bool {
        (Self::ONE.over(Self::BOUND)..=Self::BOUND).contains(&self.magnitude())
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// The quotient, rounded as that of a division is, of what is ordinary or zero by what is ordinary.
    ///
    /// Two corrections, each by what the quotient lacks: the first leaves an error of little more than half a unit in the
    /// last place, so that what is lacking then is exact, and the second one rounds correctly, since the reciprocal is
    /// correctly rounded, too (Markstein, *Computation of elementary functions on the IBM RISC System/6000 processor*, 1990).
    #[inline(always)]
    fn quotient(self, divisor: Self, reciprocal: Self) -> Self {
        let rough = self.times(reciprocal);
        let near = rough.negated().times_plus(divisor, self).times_plus(reciprocal, rough);
        let quotient = near.negated().times_plus(divisor, self).times_plus(reciprocal, near);
        // The sums above lose the sign of a zero.
        if self.is_zero() { rough } else { quotient }
    }
}

impl Divisible for f32 {
    const BOUND: f32 = (1u64 << 60) as f32;

    #[inline(always)]
    fn times_plus(self, factor: f32, summand: f32) -> f32 {
        self.mul_add(factor, summand)
    }
}

impl Divisible for f64 {
    const BOUND: f64 = (1u128 << 120) as f64;

    #[inline(always)]
    fn times_plus(self, factor: f64, summand: f64) -> f64 {
        self.mul_add(factor, summand)
    }
}

/// Divides a row by a row, or by one element.
///
/// # Safety
/// As for [`RowLoop`], with elements of type `T`.
#[inline(always)]
unsafe fn divide<T: Divisible>(destination: *mut u8, operands: &[RowOperand], len: usize) {
    let mut splats = [MaybeUninit::uninit(); 2];
    let [for_x, for_y] = &mut splats;
    // SAFETY: the caller's promise; positions are within the row.
    unsafe {
        let x = RowBlocks::<T>::new(operands[0], for_x);
        let y = RowBlocks::<T>::new(operands[1], for_y);
        let divisor = if len == 0 { T::default() } else { y.element(0, 0) };
        if !(operands[1].is_splat && divisor.is_ordinary()) {
            return blocks(destination, len, |at, k| x.element(at, k).over(y.element(at, k)));
        }
        let reciprocal = T::ONE.over(divisor);
        let to = destination.cast::<T>();
        let mut at = 0;
        while at + BLOCK <= len {
            let mut is_plain = true;
            for k in 0..BLOCK {
                let x = x.element(at, k);
                is_plain &= x.is_ordinary() | x.is_zero();
            }
            let mut quotients = [T::default(); BLOCK];
            if is_plain {
                for (k, quotient) in quotients.iter_mut().enumerate() {
                    *quotient = x.element(at, k).quotient(divisor, reciprocal);
                }
            } else {
                for (k, quotient) in quotients.iter_mut().enumerate() {
                    *quotient = x.element(at, k).over(divisor);
                }
            }
            to.add(at).cast::<[T; BLOCK]>().write(quotients);
            at += BLOCK;
        }
        while at < len {
            to.add(at).write(x.element(at, 0).over(divisor));
            at += 1;
        }
    }
}

/// The loop that divides floats of this dtype, where fused multiplications are compiled for: elsewhere, each would be a call
/// of a function that takes longer than to divide. `None` for other dtypes.
pub(crate) fn row_loop(dtype: DType) -> Option<RowLoop> {
    macro_rules! divide {
        ($ty:ty) => {
            multiversion!(|destination, operands, len| {
                // SAFETY: the contract of a RowLoop.
                unsafe { divide::<$ty>(destination, operands, len) }
            })
        };
    }
    match dtype {
        _ if Instructions::fastest() == Instructions::Portable => None,
        DType::F32 => Some(divide!(f32)),
        DType::F64 => Some(divide!(f64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In place of the bits of whatever is no number.
    const NAN: u64 = u64::MAX;

    /// Divides all of these by one, apart and in place, and compares the bits with those of divisions: in f32, and in f64
    /// with numbers that need all of its digits.
    fn check(numerators: &[f32], divisor: f32) {
        check_typed(DType::F32, numerators, divisor, |x| if x.is_nan() { NAN } else { x.to_bits().into() });
        let widened = |x: f32| f64::from(x) * (1.0 + 1.0 / f64::from(1 << 30) / 3.0);
        let numerators: Vec<f64> = numerators.iter().copied().map(widened).collect();
        check_typed(
            DType::F64,
            &numerators,
            widened(divisor),
            |x| if x.is_nan() { NAN } else { x.to_bits() },
        );
    }

    fn check_typed<T>(dtype: DType, numerators: &[T], divisor: T, bits: impl Fn(T) -> u64)
    where
        T: Divisible + std::fmt::LowerExp,
    {
        let Some(divide) = row_loop(dtype) else { return };
        for in_place in [false, true] {
            let mut found = if in_place { numerators.to_vec() } else { vec![T::default(); numerators.len()] };
            let to = found.as_mut_ptr();
            let from = if in_place { to.cast_const() } else { numerators.as_ptr() };
            let operands = [
                RowOperand { address: from.cast(), is_splat: false },
                RowOperand { address: (&raw const divisor).cast(), is_splat: true },
            ];
            // SAFETY: the row and both operands are valid for so many elements, and it is the one of them or apart.
            unsafe { divide(to.cast(), &operands, found.len()) };
            for (&x, &found) in numerators.iter().zip(&found) {
                let expected = x.over(divisor);
                let is_same = bits(found) == bits(expected);
                assert!(is_same, "{x:e} / {divisor:e} = {expected:e}, not {found:e}");
            }
        }
    }

    fn random(state: &mut u64) -> u32 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (*state >> 32) as u32
    }

    /// With significands at the edges of what is rounded up or down.
    #[test]
    fn quotients_are_those_of_divisions() {
        let mut state = 1;
        for round in 0..2000 {
            let significand = match round % 4 {
                0 => random(&mut state) & 0x7f_ffff,
                1 => round / 4,
                2 => 0x7f_ffff - round / 4,
                _ => 1 << (random(&mut state) % 23),
            };
            let divisor = f32::from_bits(((127 - 59 + random(&mut state) % 118) << 23) | significand);
            let divisor = if round % 3 == 0 { -divisor } else { divisor };
            let numerators: Vec<f32> = (0..1024)
                .map(|i| {
                    let exponent = (127 - 59 + random(&mut state) % 118) << 23;
                    let near = ((i as f32 + 0.5) * divisor).to_bits() & 0x7f_ffff;
                    let significand = if i % 2 == 0 { random(&mut state) & 0x7f_ffff } else { near };
                    f32::from_bits((random(&mut state) & (1 << 31)) | exponent | significand)
                })
                .collect();
            check(&numerators, divisor);
        }
    }

    #[test]
    fn every_pixel() {
        let pixels: Vec<f32> = (0..256).map(|pixel| pixel as f32).collect();
        for divisor in 1..1000 {
            check(&pixels, divisor as f32);
            check(&pixels, 1.0 / divisor as f32);
        }
    }

    #[test]
    fn zeros_and_what_is_not_ordinary() {
        let edge = (1u64 << 60) as f32;
        let edges = [edge, 1.0 / edge, edge.next_up(), (1.0 / edge).next_down(), -edge];
        let special =
            [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, 1e-45, -3e38, 7.0];
        let others = [255.0, -3.0, 1e18, 1e-19, 1e30, 1e-30];
        for &divisor in special.iter().chain(&edges).chain(&others) {
            // Each in a block of ordinary numbers, and zeros alone, whose signs stay.
            for &numerator in special.iter().chain(&edges) {
                let mut numerators = vec![5.0f32; 3 * BLOCK + 7];
                numerators[BLOCK + 3] = numerator;
                numerators[3 * BLOCK + 2] = numerator;
                check(&numerators, divisor);
                check(&vec![numerator; BLOCK], divisor);
            }
        }
    }
}
