//! The reduction of columns, some of them side by side: runs of rows, whose totals are added in order.

use std::marker::PhantomData;

use super::super::instructions::Instructions;
use super::super::loops::multiversion;
use super::monoid::{Accumulate, Monoid, RUN};

/// Columns that are reduced together.
pub(super) const COLUMNS: usize = 64;

/// Computes totals of columns with the instructions of this processor.
#[derive(Debug)]
pub(super) struct ColumnReducer<T, M> {
    reduce: Reduce<T>,
    monoid: PhantomData<fn() -> M>,
}

type Reduce<T> = unsafe fn(&[T], usize, usize, &mut [T]);

impl<T: Accumulate, M: Monoid> ColumnReducer<T, M> {
    pub(super) fn new() -> ColumnReducer<T, M> {
        ColumnReducer::with_instructions(Instructions::fastest())
    }

    /// With other instructions than the fastest, which must be present.
    fn with_instructions(instructions: Instructions) -> ColumnReducer<T, M> {
        let reduce = multiversion!(
            Reduce<T>, for instructions, if T::DTYPE.is_float(),
            <T: Accumulate, M: Monoid> |x: &[T], inner: usize, first: usize, out: &mut [T]| {
                reduce_columns::<T, M>(x, inner, first, out);
            }
        );
        ColumnReducer { reduce, monoid: PhantomData }
    }

    /// The totals of up to [`COLUMNS`] columns of a `[len, inner]` array, from column `first`.
    pub(super) fn reduce(&self, x: &[T], inner: usize, first: usize, out: &mut [T]) {
        // SAFETY: the processor has the instructions, and nothing else is asked for.
        unsafe { (self.reduce)(x, inner, first, out) };
    }
}

#[inline(always)]
fn reduce_columns<T: Accumulate, M: Monoid>(x: &[T], inner: usize, first: usize, out: &mut [T]) {
    let width = out.len();
    let mut totals = [M::identity::<T>().widen(); COLUMNS];
    for rows in x.chunks(RUN * inner) {
        let mut sums = [M::identity::<T>(); COLUMNS];
        for row in rows.chunks(inner) {
            for (sum, &x) in sums.iter_mut().zip(&row[first..first + width]) {
                *sum = M::combine(*sum, x);
            }
        }
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = M::combine(*total, sum.widen());
        }
    }
    for (out, total) in out.iter_mut().zip(totals) {
        *out = T::narrow(total);
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::tests::{factor, number};
    use super::super::monoid::{Accumulate, Max, Min, Monoid, Prod, Sum};
    use super::{COLUMNS, ColumnReducer, Instructions};

    /// The definition for one column.
    fn defined<T: Accumulate, M: Monoid>(column: &[T]) -> T {
        let runs =
            column.chunks(32).map(|run| run.iter().fold(M::identity::<T>(), |sum, &x| M::combine(sum, x)));
        T::narrow(runs.fold(M::identity::<T>().widen(), |total, sum| M::combine(total, sum.widen())))
    }

    fn check<T: Accumulate + PartialEq + std::fmt::Debug, M: Monoid>(element: impl Fn(usize) -> T) {
        for (len, inner) in [(1, 2), (31, 63), (32, 64), (33, 65), (100, 130), (1000, 3)] {
            let x: Vec<T> = (0..len * inner).map(&element).collect();
            let column = |j: usize| x.iter().skip(j).step_by(inner).copied().collect::<Vec<T>>();
            let expected: Vec<T> = (0..inner).map(|j| defined::<T, M>(&column(j))).collect();
            for instructions in Instructions::present() {
                let reducer = ColumnReducer::<T, M>::with_instructions(instructions);
                let mut out = vec![T::default(); inner];
                for (tile, out) in out.chunks_mut(COLUMNS).enumerate() {
                    reducer.reduce(&x, inner, tile * COLUMNS, out);
                }
                assert_eq!(out, expected, "{len} rows of {inner}, {instructions:?}");
            }
        }
    }

    #[test]
    fn columns_have_the_bits_of_their_definition() {
        check::<f32, Sum>(|i| number(i) as f32);
        check::<f32, Prod>(|i| factor(i) as f32);
        check::<f32, Max>(|i| number(i) as f32);
        check::<f64, Sum>(number);
        check::<f64, Min>(number);
        check::<i32, Sum>(|i| i as i32 * 7919);
    }
}
