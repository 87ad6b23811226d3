//! No instructions in particular: arrays, which the compiler keeps in registers of 16 bytes where there are such.

use std::array::from_fn;

use super::super::scalar::Real;
use super::Vector;

impl<T: Real, const LANES: usize> Vector for [T; LANES] {
    type Element = T;
    type Mask = usize;
    const LANES: usize = LANES;
    const TURNED: usize = LANES;

    #[inline(always)]
    unsafe fn mask(count: usize) -> usize {
        count
    }
    #[inline(always)]
    unsafe fn splat(x: T) -> [T; LANES] {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn splat_from(from: *const T) -> [T; LANES] {
        // SAFETY: the caller has an element at `from`.
        unsafe { [*from; LANES] }
    }
    #[inline(always)]
    unsafe fn prefetch_l1(_: *const T) {}
    #[inline(always)]
    unsafe fn prefetch_l2(_: *const T) {}
    #[inline(always)]
    unsafe fn load(from: *const T) -> [T; LANES] {
        // SAFETY: the caller has `LANES` elements at `from`.
        unsafe { from.cast::<[T; LANES]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const T, count: usize) -> [T; LANES] {
        // SAFETY: the caller has `count` elements at `from`, and no others are read.
        unsafe {
            match count {
                count if count == LANES => Self::load(from),
                count => from_fn(|i| if i < count { *from.wrapping_add(i) } else { T::default() }),
            }
        }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller has room for `LANES` elements at `to`.
        unsafe { to.cast::<[T; LANES]>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn store_masked(self, to: *mut T, count: usize) {
        for (i, x) in self.into_iter().enumerate().take(count) {
            // SAFETY: the caller has room for `count` elements at `to`.
            unsafe { *to.wrapping_add(i) = x }
        }
    }
    #[inline(always)]
    unsafe fn times(self, other: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].times(other[i]))
    }
    #[inline(always)]
    unsafe fn plus(self, other: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].plus(other[i]))
    }
    #[inline(always)]
    unsafe fn minus(self, other: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].minus(other[i]))
    }
    #[inline(always)]
    unsafe fn over(self, other: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].over(other[i]))
    }
    #[inline(always)]
    unsafe fn least(self, other: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].least(other[i]))
    }
    #[inline(always)]
    unsafe fn greatest(self, other: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].greatest(other[i]))
    }
    #[inline(always)]
    unsafe fn negated(self) -> [T; LANES] {
        self.map(T::negated)
    }
    #[inline(always)]
    unsafe fn magnitude(self) -> [T; LANES] {
        self.map(T::magnitude)
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> [T; LANES] {
        self.map(T::sqrt)
    }
    #[inline(always)]
    unsafe fn rectified(self) -> [T; LANES] {
        self.map(T::rectified)
    }
    #[inline(always)]
    unsafe fn times_plus(self, factor: [T; LANES], summand: [T; LANES]) -> [T; LANES] {
        from_fn(|i| self[i].times(factor[i]).plus(summand[i]))
    }
    #[inline(always)]
    unsafe fn turned(rows: impl Fn(usize) -> *const T, to: *mut T, stride: usize) {
        for row in 0..LANES {
            for column in 0..LANES {
                // SAFETY: the caller has `LANES` elements at each of as many rows, and room for as many at each of
                // `LANES`.
                unsafe { *to.wrapping_add(column * stride + row) = *rows(row).wrapping_add(column) }
            }
        }
    }
}
