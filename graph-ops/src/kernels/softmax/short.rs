//! Rows that are shorter than a register, many at once: the elements of all of them that stand in one column are a
//! register. A row's elements are combined in the order in which [`lane`](super::lane) does it, so the bits are the same.

use graph_core::{DType, Rows};

use super::super::reduce::Accumulate;
use super::super::scalar::{Number, Real};
use super::LaneFunction;
use super::lane::{REGISTER, loss_of, shift_of};

/// Rows that are worked on together.
pub(super) const AT_ONCE: usize = 16;

/// Whether rows of so many elements are computed here: exponentials of f64 are calls, which no register helps.
pub(super) fn are_short(len: usize, dtype: DType) -> bool {
    len < REGISTER && dtype == DType::F32
}

/// An element, or a total, of each row.
type Column<T> = [T; AT_ONCE];

/// Some rows, column by column. There are always as many; those that are not there are zeros.
#[derive(Clone, Copy)]
struct Columns<T> {
    all: [Column<T>; REGISTER],
    len: usize,
    count: usize,
}

impl<T> Columns<T>
where
    T: Accumulate<Total: Real> + Real,
{
    /// The rows of the first operand from number `first`.
    ///
    /// # Safety
    /// The contract of a [`RowsLoop`](graph_core::RowsLoop), with rows of `T`, and a row of this number.
    #[inline(always)]
    unsafe fn read(rows: &Rows<'_>, first: usize) -> Columns<T> {
        assert!(rows.len < REGISTER, "a row is shorter than a register");
        let count = AT_ONCE.min(rows.count - first);
        let mut all = [[T::default(); AT_ONCE]; REGISTER];
        for row in 0..count {
            let address = rows.operands[0].address.wrapping_add((first + row) * rows.steps[0]).cast::<T>();
            for (column, elements) in all[..rows.len].iter_mut().enumerate() {
                // SAFETY: the row is one of the operand's, which has an element in this column.
                elements[row] = unsafe { address.add(column).read() };
            }
        }
        Columns { all, len: rows.len, count }
    }

    #[inline(always)]
    fn columns(&self) -> &[Column<T>] {
        &self.all[..self.len]
    }

    /// The largest element of each row; NaN if any is.
    #[inline(always)]
    fn largest(&self) -> Column<T> {
        self.columns().iter().fold([T::LEAST; AT_ONCE], |mut result, column| {
            result.iter_mut().zip(column).for_each(|(result, &x)| *result = result.greatest(x));
            result
        })
    }

    /// Replaces `x` by `f(x, per_row)`.
    #[inline(always)]
    fn map(&mut self, per_row: &Column<T>, f: impl Fn(T, T) -> T) {
        for column in &mut self.all[..self.len] {
            column.iter_mut().zip(per_row).for_each(|(x, &y)| *x = f(*x, y));
        }
    }

    /// Replaces `x` by `exp(x - shift)`; gives the total of each row.
    #[inline(always)]
    fn exponentials(&mut self, shift: &Column<T>) -> Column<T::Total> {
        self.map(shift, |x, shift| x.minus(shift).exp());
        self.columns().iter().fold([T::Total::default(); AT_ONCE], |mut totals, column| {
            totals.iter_mut().zip(column).for_each(|(total, x)| *total = total.plus(x.widen()));
            totals
        })
    }

    /// Writes the rows from number `first` of the destination.
    ///
    /// # Safety
    /// The contract of a [`RowsLoop`](graph_core::RowsLoop), with these rows of `T`.
    #[inline(always)]
    unsafe fn write(&self, rows: &Rows<'_>, first: usize) {
        for row in 0..self.count {
            let address = rows.destination.wrapping_add((first + row) * rows.step).cast::<T>();
            for (column, elements) in self.columns().iter().enumerate() {
                // SAFETY: the row is one of the destination's, which has room for an element in this column.
                unsafe { address.add(column).write(elements[row]) };
            }
        }
    }
}

/// A function of each row.
///
/// # Safety
/// The contract of a [`RowsLoop`](graph_core::RowsLoop): rows of `T` that are shorter than a register.
#[inline(always)]
pub(super) unsafe fn rows<T>(function: LaneFunction, rows: Rows<'_>)
where
    T: Accumulate<Total: Real> + Real,
{
    for first in (0..rows.count).step_by(AT_ONCE) {
        // SAFETY: the caller's promise; there is a row of this number.
        let mut columns = unsafe { Columns::<T>::read(&rows, first) };
        let largest = columns.largest();
        match function {
            LaneFunction::Softmax => {
                let totals = columns.exponentials(&largest);
                columns.map(&totals.map(|total| T::narrow(total.reciprocal())), T::times);
                // SAFETY: as above.
                unsafe { columns.write(&rows, first) };
            }
            LaneFunction::LogSoftmax => {
                let mut shifted = columns;
                let totals = columns.exponentials(&largest);
                shifted.map(&largest, T::minus);
                shifted.map(&totals.map(|total| T::narrow(total.ln())), T::minus);
                // SAFETY: as above.
                unsafe { shifted.write(&rows, first) };
            }
            LaneFunction::LogSumExp => {
                let shift = largest.map(shift_of);
                let totals = columns.exponentials(&shift);
                for (row, (total, shift)) in totals.into_iter().zip(shift).enumerate().take(columns.count) {
                    let to = rows.destination.wrapping_add((first + row) * rows.step).cast::<T>();
                    // SAFETY: as above; a row of the destination is one element.
                    unsafe { to.write(T::narrow(total.ln().plus(shift.widen()))) };
                }
            }
        }
    }
}

/// The cross-entropy of each row of logits with its label, the second operand.
///
/// # Safety
/// As for [`rows`]; the labels are of type `L`, and in range.
#[inline(always)]
pub(super) unsafe fn cross_entropies<T, L>(rows: Rows<'_>, index: impl Fn(L) -> usize)
where
    T: Accumulate<Total: Real> + Real,
{
    for first in (0..rows.count).step_by(AT_ONCE) {
        // SAFETY: the caller's promise; there is a row of this number.
        let mut columns = unsafe { Columns::<T>::read(&rows, first) };
        let largest = columns.largest();
        let totals = columns.exponentials(&largest);
        for row in 0..columns.count {
            let number = first + row;
            let logits = rows.operands[0].address.wrapping_add(number * rows.steps[0]).cast::<T>();
            let label = rows.operands[1].address.wrapping_add(number * rows.steps[1]).cast::<L>();
            let to = rows.destination.wrapping_add(number * rows.step).cast::<T>();
            // SAFETY: the row has a label.
            let label = index(unsafe { label.read() });
            assert!(label < rows.len, "labels are checked before");
            // SAFETY: the row has an element there, and room for one of the result.
            unsafe { to.write(loss_of(totals[row], largest[row], logits.add(label).read())) };
        }
    }
}
