//! A register full of numbers: the few operations that products and chains need of it, for each instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::scalar::Real;

/// The lanes of the widest register of all.
pub(crate) const MAX_LANES: usize = 16;

/// A register of `LANES` numbers.
///
/// # Safety
/// Every function may only be called where the processor has the instructions, from a function that is compiled for
/// them. What it reads or writes through a pointer must be memory of that many elements; no alignment is asked for.
pub(crate) trait Vector: Copy {
    type Element: Real;
    /// Chooses the first lanes.
    type Mask: Copy;
    const LANES: usize;
    /// How many elements of a row `turned` reads.
    const TURNED: usize;

    /// The first `count` lanes, at least one.
    unsafe fn mask(count: usize) -> Self::Mask;
    /// The same number in all lanes.
    unsafe fn splat(x: Self::Element) -> Self;
    /// The number at `from` in all lanes.
    unsafe fn splat_from(from: *const Self::Element) -> Self;
    /// Asks for the memory at `from`, which need not exist, to be brought to the first-level cache.
    unsafe fn prefetch_l1(from: *const Self::Element);
    /// The same, to the second-level cache.
    unsafe fn prefetch_l2(from: *const Self::Element);
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Zero in the lanes that are not chosen, whose memory is not read.
    unsafe fn load_masked(from: *const Self::Element, mask: Self::Mask) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    /// Leaves the memory of lanes that are not chosen as it is.
    unsafe fn store_masked(self, to: *mut Self::Element, mask: Self::Mask);
    unsafe fn times(self, other: Self) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn minus(self, other: Self) -> Self;
    unsafe fn over(self, other: Self) -> Self;
    /// The smaller; NaN if either is.
    unsafe fn least(self, other: Self) -> Self;
    /// The larger; NaN if either is.
    unsafe fn greatest(self, other: Self) -> Self;
    unsafe fn negated(self) -> Self;
    unsafe fn magnitude(self) -> Self;
    unsafe fn sqrt(self) -> Self;
    /// The larger of it and 0; NaN stays.
    unsafe fn rectified(self) -> Self;
    /// `self * factor + summand`, rounded once where the instruction set has that.
    unsafe fn times_plus(self, factor: Self, summand: Self) -> Self;
    /// Writes the first `TURNED` columns of `LANES` rows as rows: `rows(i)[j]` goes to `to[j * stride + i]`.
    unsafe fn turned(rows: impl Fn(usize) -> *const Self::Element, to: *mut Self::Element, stride: usize);
    /// As `turned`, but for `LANES` columns, as many as there are rows.
    #[inline(always)]
    unsafe fn turned_square(
        rows: impl Fn(usize) -> *const Self::Element,
        to: *mut Self::Element,
        stride: usize,
    ) {
        let mut column = 0;
        while column < Self::LANES {
            // SAFETY: the caller has so many columns in each row, and room for so many registers.
            unsafe {
                let rows = |i| rows(i).wrapping_add(column);
                Self::turned(rows, to.wrapping_add(column * stride), stride);
            }
            column += Self::TURNED;
        }
    }
}
