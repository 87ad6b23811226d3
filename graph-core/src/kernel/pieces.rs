//! Pieces: how a kernel that computes its output piece by piece says so, so that what follows can be done with a piece
//! while it is in the cache.

use std::ops::Range;

use super::View;

/// Rows and columns of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rectangle {
    /// The rows.
    pub rows: Range<usize>,
    /// The columns.
    pub columns: Range<usize>,
}

/// A kernel of one output that is computed in pieces, each of them at once and for good.
///
/// # Safety
/// The rectangles of the pieces are disjoint, and together they are the output: rows of [`width`](Piecewise::width)
/// elements, one after the other. To compute a piece writes nothing else of the output.
pub unsafe trait Piecewise: Send + Sync {
    /// Elements of a row.
    fn width(&self) -> usize;

    /// Number of pieces, by the shapes alone.
    fn pieces(&self) -> usize;

    /// What a piece consists of. Pieces of whole rows are in the order of their rows.
    fn rectangle(&self, piece: usize) -> Rectangle;

    /// What a piece costs, in additions.
    fn cost(&self) -> usize;

    /// Computes a piece, on this thread, to the bits that [`Kernel::run`](super::Kernel::run) gives.
    ///
    /// # Safety
    /// `output` points to memory for the whole output, which overlaps no operand, and of which nobody else reads or writes
    /// this piece meanwhile. The operands have the facts that the kernel was made for.
    unsafe fn run(&self, piece: usize, output: *mut u8, operands: &[View<'_>]);
}
