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
/// asked for ahead. `IS_CLOSE`: what is more, the left matrix's rows are one element apart.
///
/// # Safety
/// - The processor has the instructions of V, and the caller is compiled for them.
/// - The tile's pointers and strides address a left matrix of `HEIGHT` rows and `depth` columns, a right one of `depth` rows,
///   and a destination that overlaps neither.
/// - Each row of the right matrix has `WIDTH - 1` registers of elements and the `last` ones; with `IS_WHOLE`, it has `WIDTH`
///   whole registers of them.
/// - With `IS_CLOSE`, `a_row` is 1.
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
    const { assert!(IS_WHOLE || !IS_CLOSE, "there is no loop for close rows alone") };
    debug_assert!(!IS_CLOSE || tile.a_row == 1, "rows one element apart");
    debug_assert!(!IS_WHOLE || tile.ahead == tile.a, "nothing is asked for ahead");
    // SAFETY: as the caller promises. `wrapping_add` only spares the development profile a check of each step.
    unsafe {
        // The destination is read at the end: asked for now, it is near by then.
        if tile.beta == Beta::One {
            for h in 0..HEIGHT {
                for w in 0..WIDTH {
                    V::prefetch_l2(tile.c.wrapping_add(h * tile.c_row + w * V::LANES));
                }
            }
        }
        let mask = V::mask(tile.last);
        let mut sums = [[V::splat(V::Element::default()); WIDTH]; HEIGHT];
        let rows = match IS_CLOSE {
            true => RowOffsets::<HEIGHT>::one_apart::<V::Element>(),
            false => RowOffsets::<HEIGHT>::apart::<V::Element>(tile.a_row),
        };
        let (mut a, mut b, mut ahead) = (tile.a, tile.b, tile.ahead);
        let asks_ahead = !IS_WHOLE && tile.ahead != tile.a;
        // A line of each row at a time; or, where the rows are neighbours, what they have in common in each term.
        let is_along_rows = tile.a_column == 1;
        let step = match (asks_ahead, is_along_rows) {
            (false, _) => tile.depth,
            (true, true) => LINE / size_of::<V::Element>(),
            (true, false) => 1,
        };
        let mut remaining = tile.depth;
        while remaining > 0 {
            let terms = remaining.min(step);
            if asks_ahead {
                // The last row first: of neighbours, the others are near it, or near the rows that are read now.
                V::prefetch_l2(rows.at(ahead, HEIGHT - 1));
                if is_along_rows {
                    for h in 0..HEIGHT - 1 {
                        V::prefetch_l2(rows.at(ahead, h));
                    }
                }
                ahead = ahead.wrapping_add(terms * tile.a_column);
            }
            for _ in 0..terms {
                if HEIGHT <= 2 {
                    for w in 0..WIDTH {
                        V::prefetch_l2(b.wrapping_add(ROWS_AHEAD * tile.b_row + w * V::LANES));
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
            remaining -= terms;
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

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Where each of `HEIGHT` rows begins, in bytes from the first.
///
/// Row h is an odd number of rows times a power of two, which an instruction can address in one go: a register, and another
/// one times 1, 2, 4 or 8. So the odd ones are kept.
struct RowOffsets<const HEIGHT: usize> {
    /// Those of rows 1, 3, 5, and so on.
    odd: [usize; 7],
}

impl<const HEIGHT: usize> RowOffsets<HEIGHT> {
    /// Rows that begin one element apart.
    #[inline(always)]
    fn one_apart<T>() -> Self {
        RowOffsets::new(|row| row * size_of::<T>())
    }

    /// Rows that begin so many elements apart. If the compiler knew what the odd ones are, it would add up one row's address
    /// after the other for each term, which takes the place of arithmetic. (Whether it knows is a matter of speed alone.)
    #[inline(always)]
    fn apart<T>(elements: usize) -> Self {
        RowOffsets::new(|row| black_box(row * elements * size_of::<T>()))
    }

    #[inline(always)]
    fn new(offset: impl Fn(usize) -> usize) -> Self {
        const { assert!(HEIGHT <= 15, "there are seven odd rows") };
        let mut odd = [0; 7];
        for (i, odd) in odd.iter_mut().enumerate().take(HEIGHT / 2) {
            *odd = offset(2 * i + 1);
        }
        RowOffsets { odd }
    }

    /// Row h of those whose first is at `first`.
    #[inline(always)]
    fn at<T>(&self, first: *const T, h: usize) -> *const T {
        debug_assert!(h < HEIGHT, "row {h} of {HEIGHT}");
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

#[cfg(test)]
mod tests {
    use super::RowOffsets;

    fn check<const HEIGHT: usize>() {
        let first = std::ptr::null::<f32>();
        for h in 0..HEIGHT {
            let close = RowOffsets::<HEIGHT>::one_apart::<f32>();
            assert_eq!(close.at(first, h), first.wrapping_add(h), "row {h} of {HEIGHT}");
            for elements in [0, 1, 3, 784, 1024] {
                let rows = RowOffsets::<HEIGHT>::apart::<f32>(elements);
                assert_eq!(rows.at(first, h), first.wrapping_add(h * elements), "row {h} of {HEIGHT}");
            }
        }
    }

    #[test]
    fn rows_begin_where_they_should() {
        check::<1>();
        check::<2>();
        check::<3>();
        check::<7>();
        check::<8>();
        check::<14>();
        check::<15>();
    }
}
