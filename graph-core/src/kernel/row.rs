//! Row kernels: what a kernel does to one row of its operands, so that several ops can be computed row by row, without
//! their intermediate results ever leaving the cache.

use std::fmt;
use std::sync::Arc;

use super::{Link, View};
use crate::error::OpError;

/// An operand of one row.
#[derive(Debug, Clone, Copy)]
pub struct RowOperand {
    /// Its first element.
    pub address: *const u8,
    /// Whether the row uses one element throughout.
    pub is_splat: bool,
}

/// No loop over rows reads more operands than this.
pub const MOST_OPERANDS: usize = 8;

/// Writes a row at an address from rows of operands; the last argument is the number of elements of a row.
///
/// # Safety
/// The destination is valid for as many elements of the output's type as the [`RowSpan`] says, and each operand for a
/// row of elements of its type (one where it is a splat). An operand starts where the destination does or does not
/// overlap it; the former only for [`RowSpan::Elements`], with elements of one size, and no splat but of a row of one.
pub type RowLoop = unsafe fn(*mut u8, &[RowOperand], usize);

/// Several rows of a destination, and those of the operands that they are written from.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The first row of the destination.
    pub destination: *mut u8,
    /// Bytes from a row of the destination to the next.
    pub step: usize,
    /// The first row of each operand.
    pub operands: &'a [RowOperand],
    /// Bytes from a row of each operand to the next; 0 where all rows use one.
    pub steps: &'a [usize],
    /// Number of rows.
    pub count: usize,
    /// Elements of a row.
    pub len: usize,
}

/// Writes several rows.
///
/// # Safety
/// As for a [`RowLoop`], for each of the rows; and no row of an operand overlaps a row of the destination.
pub type RowsLoop = unsafe fn(Rows<'_>);

/// How what a row kernel writes relates to what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSpan {
    /// Each element from the elements at its (broadcast) position, so that a row may be cut anywhere.
    Elements,
    /// A row from a whole row along the last axes, so many of them. Operands have the output's shape, or an element for
    /// each row.
    Row {
        /// Number of axes that a row runs along.
        axes: usize,
    },
    /// One element from a whole row of the first operand along its last axes. Other operands have its shape, or an
    /// element for each row.
    Total {
        /// Number of axes that a row runs along.
        axes: usize,
    },
}

/// How the total of a row is put together, for rows that are too long to be kept. A row is cut into chunks, each of which
/// has a total of its own, and the elements of a chunk are added to that in order, some at a time.
#[derive(Debug, Clone, Copy)]
pub struct RowFold {
    /// Elements of a chunk, a power of two; the last of a row may be shorter.
    pub chunk: usize,
    /// Of a chunk, a multiple of so many elements is added at a time, but for the last. A power of two that is no more than a
    /// chunk.
    pub multiple: usize,
    /// Bytes of a total: the size of its type, and [`RowFold::MOST_BYTES`] at most.
    pub size: usize,
    /// Writes the total of nothing.
    pub begin: unsafe fn(*mut u8),
    /// Adds some elements, the first operand, to the total that is its destination.
    pub add: RowLoop,
    /// Writes the element of a row from the totals of its chunks, the first operand.
    pub finish: RowLoop,
}

impl RowFold {
    /// Bytes of the largest total, and of the strictest alignment of one.
    pub const MOST_BYTES: usize = 8;
}

/// What must hold of an operand's data before the rows are computed.
pub type DataCheck = Arc<dyn Fn(View<'_>) -> Result<(), OpError> + Send + Sync>;

/// A kernel as a function of rows.
#[derive(Clone)]
pub struct RowKernel {
    pub(crate) function: RowLoop,
    /// The same for several rows at once, where that is faster.
    pub(crate) rows: Option<RowsLoop>,
    pub(crate) span: RowSpan,
    /// What an element costs, in additions.
    pub(crate) cost: usize,
    /// With the operand's number.
    pub(crate) check: Option<(usize, DataCheck)>,
    pub(crate) fold: Option<RowFold>,
    pub(crate) link: Option<Link>,
}

impl RowKernel {
    /// A kernel of this function, which gives the bits that the kernel of whole arrays gives.
    ///
    /// # Safety
    /// The function reads and writes only what the contract of [`RowLoop`] and the span allow, for operands and output of
    /// the dtypes that the kernel was made for.
    pub unsafe fn new(function: RowLoop, span: RowSpan) -> RowKernel {
        RowKernel { function, rows: None, span, cost: 1, check: None, fold: None, link: None }
    }

    /// With elements that cost so many additions.
    #[must_use]
    pub fn with_cost(self, cost: usize) -> RowKernel {
        RowKernel { cost, ..self }
    }

    /// With a faster way for several rows, as short ones need: one alone does not fill a register.
    ///
    /// # Safety
    /// What is said of the function in [`RowKernel::new`] holds of this one for each of its rows, and it gives the same bits.
    ///
    /// # Panics
    /// When the kernel goes by elements: an operand may then be where the destination is.
    #[must_use]
    pub unsafe fn with_rows(self, rows: RowsLoop) -> RowKernel {
        assert_ne!(self.span, RowSpan::Elements, "what goes by elements takes rows as one");
        RowKernel { rows: Some(rows), ..self }
    }

    /// With a way for rows of any length, for a [`RowSpan::Total`].
    ///
    /// # Safety
    /// - A total is a value of a type of [`size`](RowFold::size) bytes, whose alignment divides the size.
    /// - `begin` writes a total, and nothing else, whatever was there.
    /// - `add` reads a total and writes it, and reads a row of elements of the type of the first operand.
    /// - `finish` reads a row of totals, and writes one element of the output's type.
    ///
    /// Together they give the bits that the kernel of whole arrays gives.
    ///
    /// # Panics
    /// When the kernel gives no totals, a total is larger than [`RowFold::MOST_BYTES`], or the lengths are not the powers of
    /// two that the fold is said to have: room for totals and registers is measured by them.
    #[must_use]
    pub unsafe fn with_fold(self, fold: RowFold) -> RowKernel {
        assert!(matches!(self.span, RowSpan::Total { .. }), "what is folded is a total");
        assert!(fold.size <= RowFold::MOST_BYTES, "a total of {} bytes", fold.size);
        assert!(fold.multiple.is_power_of_two() && fold.chunk.is_power_of_two(), "lengths are powers of two");
        assert!(fold.multiple <= fold.chunk, "no more than a chunk is added at a time");
        RowKernel { fold: Some(fold), ..self }
    }

    /// With a way to be computed in one loop with others of a family.
    ///
    /// # Safety
    /// The op has one operand or two, as many as the link's function; they and the output have the family's type. For any
    /// chain that the link is part of, the family's loop gives the bits that its kernels give one after the other.
    ///
    /// # Panics
    /// When the kernel does not go by elements.
    #[must_use]
    pub unsafe fn with_link(self, link: Link) -> RowKernel {
        assert_eq!(self.span, RowSpan::Elements, "a chain goes by elements");
        RowKernel { link: Some(link), ..self }
    }

    /// With a look at the data of an operand before anything is computed.
    #[must_use]
    pub fn with_check(self, operand: usize, check: DataCheck) -> RowKernel {
        RowKernel { check: Some((operand, check)), ..self }
    }
}

impl fmt::Debug for RowKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RowKernel { span, cost, .. } = self;
        f.debug_struct("RowKernel").field("span", span).field("cost", cost).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe fn nothing(_: *mut u8, _: &[RowOperand], _: usize) {}
    unsafe fn begin(_: *mut u8) {}

    fn folded(fold: impl FnOnce(&mut RowFold)) -> RowKernel {
        let mut changed = RowFold { chunk: 64, multiple: 16, size: 8, begin, add: nothing, finish: nothing };
        fold(&mut changed);
        // SAFETY: the functions do nothing, and are never called.
        unsafe { RowKernel::new(nothing, RowSpan::Total { axes: 1 }).with_fold(changed) }
    }

    #[test]
    fn folds_as_they_are_said_to_be() {
        assert!(folded(|_| ()).fold.is_some());
    }

    #[test]
    #[should_panic(expected = "a total of 16 bytes")]
    fn totals_that_there_is_no_room_for() {
        folded(|fold| fold.size = 16);
    }

    #[test]
    #[should_panic(expected = "powers of two")]
    fn chunks_that_blocks_do_not_divide() {
        folded(|fold| fold.chunk = 65);
    }

    #[test]
    #[should_panic(expected = "no more than a chunk is added at a time")]
    fn more_at_a_time_than_a_chunk() {
        folded(|fold| fold.multiple = 128);
    }
}
