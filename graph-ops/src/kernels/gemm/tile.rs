//! The innermost loops: a tile of the destination in registers, and the dot product.

use std::hint::black_box;

use super::super::scalar::Number;
use super::super::vector::{MAX_LANES, Vector};

/// What becomes of the destination's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beta {
    /// They are overwritten, and never read.
    Zero,
    /// The product is added to them.
    One,
}

/// One tile: `c = alpha * a * b + beta * c`, where c has as many rows, and as many registers of columns, as the tile
/// function that it is given to.
#[derive(Debug)]
pub(super) struct Tile<T> {
    /// Length of the sums.
    pub(super) depth: usize,
    pub(super) a: *const T,
    pub(super) a_row: usize,
    pub(super) a_column: usize,
    pub(super) b: *const T,
    pub(super) b_row: usize,
    /// Columns of the last register, at least one.
    pub(super) last: usize,
    pub(super) c: *mut T,
    pub(super) c_row: usize,
    pub(super) alpha: T,
    pub(super) beta: Beta,
    /// Rows of the left matrix that are asked for meanwhile, since they are read next: or `a`, which is there already.
    pub(super) ahead: *const T,
}

/// Computes a tile of `HEIGHT` rows and `WIDTH` registers. Each element is one chain of additions from zero, in the
/// order of the inner dimension. `IS_WHOLE`: the right matrix, or a copy of it, has whole registers of columns, and nothing is
/// asked for ahead. `IS_CLOSE`: the left matrix's rows are one element apart.
///
/// # Safety
/// The processor has the instructions of V, and the caller is compiled for them. The tile's pointers and strides
/// address a left matrix of `HEIGHT` rows and `depth` columns, a right one of `depth` rows, and a destination that
/// overlaps neither.
#[inline(always)]
pub(super) unsafe fn tile<
    V: Vector,
    const HEIGHT: usize,
    const WIDTH: usize,
    const IS_WHOLE: bool,
    const IS_CLOSE: bool,
>(
    tile: &Tile<V::Element>,
) {
    // SAFETY: as the caller promises. `wrapping_add` only spares the development profile a check of each step.
    unsafe {
        // What is added to at the end is there by then.
        if tile.beta == Beta::One {
            for h in 0..HEIGHT {
                for w in 0..WIDTH {
                    V::prefetch(tile.c.wrapping_add(h * tile.c_row + w * V::LANES));
                }
            }
        }
        let mask = V::mask(tile.last);
        let mut sums = [[V::splat(V::Element::default()); WIDTH]; HEIGHT];
        let rows = Rows::<HEIGHT>::new::<V::Element>(if IS_CLOSE { None } else { Some(tile.a_row) });
        let (mut a, mut b, mut ahead) = (tile.a, tile.b, tile.ahead);
        let asks_ahead = !IS_WHOLE && tile.ahead != tile.a;
        let mut left = tile.depth;
        while left > 0 {
            // About a line of the cache, of each row.
            let terms = if asks_ahead { left.min(V::LANES) } else { left };
            if asks_ahead {
                for h in 0..HEIGHT {
                    V::prefetch(rows.at(ahead, h));
                }
                ahead = ahead.wrapping_add(terms * tile.a_column);
            }
            for _ in 0..terms {
                if HEIGHT <= 2 {
                    for w in 0..WIDTH {
                        V::prefetch(b.wrapping_add(ROWS_AHEAD * tile.b_row + w * V::LANES));
                    }
                }
                let mut right = [V::splat(V::Element::default()); WIDTH];
                for (w, right) in right.iter_mut().enumerate() {
                    let from = b.wrapping_add(w * V::LANES);
                    let is_whole = IS_WHOLE || w + 1 < WIDTH;
                    *right = if is_whole { V::load(from) } else { V::load_masked(from, mask) };
                }
                for (h, sums) in sums.iter_mut().enumerate() {
                    let left = V::splat_from(rows.at(a, h));
                    for w in 0..WIDTH {
                        sums[w] = left.times_plus(right[w], sums[w]);
                    }
                }
                a = a.wrapping_add(tile.a_column);
                b = b.wrapping_add(tile.b_row);
            }
            left -= terms;
        }
        // The product is rounded before it is added: as it would be if both were ops of their own.
        let alpha = V::splat(tile.alpha);
        // All of the destination is read before any of it is written: where rows are shorter than a register, one lies in
        // the masked part of the write to the one before it, and would have to wait for it.
        for (h, sums) in sums.iter_mut().enumerate() {
            for (w, sum) in sums.iter_mut().enumerate() {
                let from = tile.c.wrapping_add(h * tile.c_row + w * V::LANES);
                *sum = match tile.beta {
                    Beta::Zero => sum.times(alpha),
                    Beta::One if w + 1 == WIDTH => sum.times(alpha).plus(V::load_masked(from, mask)),
                    Beta::One => sum.times(alpha).plus(V::load(from)),
                };
            }
        }
        for (h, sums) in sums.iter().enumerate() {
            for (w, &sum) in sums.iter().enumerate() {
                let to = tile.c.wrapping_add(h * tile.c_row + w * V::LANES);
                if w + 1 == WIDTH { sum.store_masked(to, mask) } else { sum.store(to) }
            }
        }
    }
}

/// Where each of some rows begins, in bytes from the first.
///
/// Row h is an odd number of rows times a power of two, which an instruction can address in one go: a register, and another
/// one times 1, 2, 4 or 8. So the odd ones are kept. If the compiler knew what they are, it would add up one row's address
/// after the other for each term, which takes the place of arithmetic.
struct Rows<const HEIGHT: usize> {
    /// Those of rows 1, 3, 5, and so on.
    odd: [usize; 7],
}

impl<const HEIGHT: usize> Rows<HEIGHT> {
    /// Rows that are so many elements apart, or else one, which the compiler may know.
    #[inline(always)]
    fn new<T>(apart: Option<usize>) -> Rows<HEIGHT> {
        const { assert!(HEIGHT <= 15, "there are seven odd rows") };
        let mut odd = [0; 7];
        for (i, odd) in odd.iter_mut().enumerate().take(HEIGHT / 2) {
            let bytes = (2 * i + 1) * size_of::<T>();
            *odd = apart.map_or(bytes, |apart| black_box(bytes * apart));
        }
        Rows { odd }
    }

    /// Row h of those whose first is at `first`.
    #[inline(always)]
    fn at<T>(&self, first: *const T, h: usize) -> *const T {
        if h == 0 {
            return first;
        }
        let twos = h.trailing_zeros();
        first.wrapping_byte_add(self.odd[(h >> twos) / 2] << twos)
    }
}

/// Registers of columns that a row is multiplied with at a time, so that one chain of additions need not wait for the
/// other.
pub(super) const GROUPS: usize = 2;

/// How far ahead the right matrix is asked for by tiles of few rows, in its rows.
const ROWS_AHEAD: usize = 8;

/// Multiplies one row by a matrix that is stored transposed: `c = alpha * a * bᵀ + beta * c` for `columns` rows of b,
/// each of `depth` contiguous elements. The sums are those of [`tile`]. Squares of the matrix are transposed where they
/// are needed: each is used once, so a copy of it would be no more than a detour.
///
/// # Safety
/// As for [`tile`], with `b_row` elements from one row of b in memory to the next.
#[inline(always)]
pub(super) unsafe fn row<V: Vector>(tile: &Tile<V::Element>, columns: usize) {
    // SAFETY: as the caller promises: every row of b that is read is one of the first `columns`. The square has room for
    // as many elements as there are lanes, each way.
    unsafe {
        let mut square = [V::Element::default(); MAX_LANES * MAX_LANES];
        let square = square.as_mut_ptr();
        let mut first = 0;
        while first < columns {
            let mut sums = [V::splat(V::Element::default()); GROUPS];
            let whole = tile.depth / V::LANES * V::LANES;
            let mut p = 0;
            while p < whole {
                for (group, sum) in sums.iter_mut().enumerate() {
                    let start = first + group * V::LANES;
                    let rows = |i: usize| {
                        tile.b.wrapping_add((start + i).min(columns - 1) * tile.b_row).wrapping_add(p)
                    };
                    V::turned_square(rows, square, V::LANES);
                    for i in 0..V::LANES {
                        let left = V::splat_from(tile.a.wrapping_add((p + i) * tile.a_column));
                        *sum = left.times_plus(V::load(square.wrapping_add(i * V::LANES)), *sum);
                    }
                }
                p += V::LANES;
            }
            while p < tile.depth {
                for (group, sum) in sums.iter_mut().enumerate() {
                    let start = first + group * V::LANES;
                    for i in 0..V::LANES {
                        let column = (start + i).min(columns - 1);
                        *square.wrapping_add(i) = *tile.b.wrapping_add(column * tile.b_row + p);
                    }
                    let left = V::splat_from(tile.a.wrapping_add(p * tile.a_column));
                    *sum = left.times_plus(V::load(square), *sum);
                }
                p += 1;
            }
            for (group, &sum) in sums.iter().enumerate() {
                let start = first + group * V::LANES;
                if start < columns {
                    let mask = V::mask(V::LANES.min(columns - start));
                    update(sum, tile.c.wrapping_add(start), mask, tile.alpha, tile.beta);
                }
            }
            first += GROUPS * V::LANES;
        }
    }
}

/// Writes a sum to the destination.
///
/// # Safety
/// As for [`tile`]; the destination has the chosen elements.
#[inline(always)]
unsafe fn update<V: Vector>(sum: V, to: *mut V::Element, mask: V::Mask, alpha: V::Element, beta: Beta) {
    // SAFETY: as the caller promises.
    unsafe {
        let alpha = V::splat(alpha);
        let product = match beta {
            Beta::Zero => sum.times(alpha),
            Beta::One => sum.times(alpha).plus(V::load_masked(to, mask)),
        };
        product.store_masked(to, mask);
    }
}

/// Adds up a row of each of `count` blocks' sums, of `len` elements, `apart` elements from one block to the next: each is
/// multiplied by alpha, rounded and added to the row at `to`, in order, as [`tile`] does it.
///
/// # Safety
/// As for [`tile`]: there are so many elements, and none of the rows overlaps `to`.
#[inline(always)]
pub(super) unsafe fn add_blocks<V: Vector>(
    to: *mut V::Element,
    len: usize,
    rows: *const V::Element,
    apart: usize,
    count: usize,
    alpha: V::Element,
    beta: Beta,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let alpha = V::splat(alpha);
        let mut at = 0;
        while at < len {
            let mask = V::mask(V::LANES.min(len - at));
            let (to, from) = (to.wrapping_add(at), rows.wrapping_add(at));
            let first = V::load_masked(from, mask).times(alpha);
            let mut sum = match beta {
                Beta::Zero => first,
                Beta::One => first.plus(V::load_masked(to, mask)),
            };
            for row in 1..count {
                sum = V::load_masked(from.wrapping_add(row * apart), mask).times(alpha).plus(sum);
            }
            sum.store_masked(to, mask);
            at += V::LANES;
        }
    }
}

/// How many registers a dot product is summed in.
const CHAINS: usize = 4;

/// The dot product of `len` elements of each.
///
/// # Safety
/// As for [`tile`]; there are `len` elements at both pointers.
#[inline(always)]
pub(super) unsafe fn dot<V: Vector>(a: *const V::Element, b: *const V::Element, len: usize) -> V::Element {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [V::splat(V::Element::default()); CHAINS];
        let mut at = 0;
        while at + CHAINS * V::LANES <= len {
            for (i, sum) in sums.iter_mut().enumerate() {
                let from = at + i * V::LANES;
                *sum = V::load(a.wrapping_add(from)).times_plus(V::load(b.wrapping_add(from)), *sum);
            }
            at += CHAINS * V::LANES;
        }
        while at < len {
            let mask = V::mask(V::LANES.min(len - at));
            let (x, y) = (a.wrapping_add(at), b.wrapping_add(at));
            sums[0] = V::load_masked(x, mask).times_plus(V::load_masked(y, mask), sums[0]);
            at += V::LANES;
        }
        let sum = sums[0].plus(sums[1]).plus(sums[2].plus(sums[3]));
        let mut lanes = [V::Element::default(); MAX_LANES];
        sum.store(lanes.as_mut_ptr());
        let mut count = V::LANES;
        while count > 1 {
            count /= 2;
            for i in 0..count {
                lanes[i] = lanes[i].plus(lanes[i + count]);
            }
        }
        lanes[0]
    }
}
