//! The reduction of a contiguous row, as a whole or chunk by chunk, to the same bits.

use graph_core::{RowFold, RowKernel, RowLoop, RowOperand, RowSpan};

use super::super::instructions::Instructions;
use super::super::lanes::row;
use super::super::loops::multiversion;
use super::super::parallel::for_each_chunk;
use super::block::{BLOCK, Reducer, add_elements};
use super::monoid::{Accumulate, Max, Monoid, Sum};

/// Elements of a long row that one task reduces.
const CHUNK: usize = 1 << 16;
/// Chunks whose totals are kept at a time.
const BAND: usize = 256;

/// The reduction of rows along the last axes, so many of them.
pub(super) fn row_kernel<T: Accumulate, M: Monoid>(axes: usize) -> RowKernel {
    let instructions = Instructions::fastest();
    // Not through a reducer: that would be a second call for each row, and many are short.
    let total_of_row = multiversion!(
        RowLoop, for instructions, if T::DTYPE.is_float(),
        <T: Accumulate, M: Monoid> |destination: *mut u8, operands: &[RowOperand], len: usize| {
            // SAFETY: the contract of a RowLoop: a row of T.
            let row: &[T] = unsafe { row(&operands[0], len) };
            let total = if len <= CHUNK { reduced::<T, M>(row) } else { reduce_row(row, &Reducer::<T, M>::new()) };
            // SAFETY: as above: room for an element.
            unsafe { destination.cast::<T>().write(T::narrow(total)) };
        }
    );
    let add_to_total = multiversion!(
        RowLoop, for instructions, if T::DTYPE.is_float(),
        <T: Accumulate, M: Monoid> |total: *mut u8, operands: &[RowOperand], len: usize| {
            let total = total.cast::<T::Total>();
            // SAFETY: the contract of a RowFold: a row of T, and a total, which was begun.
            unsafe { total.write(add_elements::<T, M>(total.read(), row(&operands[0], len))) };
        }
    );
    let fold = RowFold {
        chunk: CHUNK,
        multiple: BLOCK,
        size: size_of::<T::Total>(),
        begin: begin_total::<T, M>,
        add: add_to_total,
        finish: finish_total::<T, M>,
    };
    // SAFETY: the loop reads a row of T, which is the dtype's, and writes one element of it. So does its fold, with totals
    // of T's.
    unsafe { RowKernel::new(total_of_row, RowSpan::Total { axes }).with_fold(fold) }
}

/// # Safety
/// There is room for a total of `T`.
unsafe fn begin_total<T: Accumulate, M: Monoid>(total: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { total.cast::<T::Total>().write(M::identity::<T>().widen()) };
}

/// # Safety
/// As for a [row loop](graph_core::RowLoop): a row of totals of `T`, and room for one element.
unsafe fn finish_total<T: Accumulate, M: Monoid>(to: *mut u8, operands: &[RowOperand], len: usize) {
    // SAFETY: the caller's promise.
    let totals: &[T::Total] = unsafe { row(&operands[0], len) };
    // SAFETY: as above.
    unsafe { to.cast::<T>().write(T::narrow(combined::<T, M>(None, totals).expect("a row has chunks"))) };
}

/// The total of a contiguous row.
pub(super) fn reduce_row<T: Accumulate, M: Monoid>(row: &[T], reducer: &Reducer<T, M>) -> T::Total {
    if row.len() <= CHUNK {
        return reducer.total(row);
    }
    // Totals of a band of chunks at a time: they fit on the stack.
    let mut result: Option<T::Total> = None;
    for band in row.chunks(CHUNK * BAND) {
        let mut totals = [M::identity::<T>().widen(); BAND];
        let num_chunks = band.len().div_ceil(CHUNK);
        for_each_chunk(&mut totals[..num_chunks], 1, |i, total| {
            let from = i * CHUNK;
            total[0] = reducer.total(&band[from..band.len().min(from + CHUNK)]);
        });
        result = combined::<T, M>(result, &totals[..num_chunks]);
    }
    result.expect("a long row has chunks")
}

/// Totals of the chunks of a row, in order, as one, with those before.
fn combined<T: Accumulate, M: Monoid>(before: Option<T::Total>, totals: &[T::Total]) -> Option<T::Total> {
    let totals = totals.iter().copied();
    totals.fold(before, |before, total| Some(before.map_or(total, |before| M::combine(before, total))))
}

/// The sum of elements that are no more than a chunk, with what was before.
#[inline(always)]
pub(crate) fn sum_with<T: Accumulate>(total: T::Total, elements: &[T]) -> T::Total {
    add_elements::<T, Sum>(total, elements)
}

/// The largest of elements that are no more than a chunk; NaN if any is.
#[inline(always)]
pub(crate) fn largest<T: Accumulate>(elements: &[T]) -> T {
    T::narrow(reduced::<T, Max>(elements))
}

/// The total of elements that are no more than a chunk.
#[inline(always)]
fn reduced<T: Accumulate, M: Monoid>(elements: &[T]) -> T::Total {
    add_elements::<T, M>(M::identity::<T>().widen(), elements)
}

#[cfg(test)]
mod tests {
    use super::super::block::tests::{bits, defined, number};
    use super::super::monoid::{Max, Sum};
    use super::{Reducer, reduce_row};

    #[test]
    fn long_rows_are_the_totals_of_their_chunks() {
        let numbers: Vec<f32> = (0..131_583).map(|i| number(i) as f32).collect();
        for len in [65_535, 65_536, 65_537, 131_583] {
            let row = &numbers[..len];
            let sum = row.chunks(65_536).map(defined::<f32, Sum>).reduce(|a, b| a + b).expect("chunks");
            assert_eq!(bits(reduce_row(row, &Reducer::<f32, Sum>::new())), bits(sum), "{len} elements");
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(reduce_row(row, &Reducer::<f32, Max>::new()), f64::from(most));
        }
    }
}
