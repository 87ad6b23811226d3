//! Tiles: how a kernel that computes its output tile by tile says so, so that what follows can be done with a tile while it
//! is in the cache.

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

/// Why a kernel has no tiles to do something with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untiled {
    /// It computes its output in another way.
    NoTiles,
    /// No element of its output is there for good before all are: threads share the terms of its sums.
    SharedSums,
    /// It copies an operand before it computes the first.
    CopiesFirst,
}

/// A kernel of one output that is computed in tiles, each of them at once and for good.
///
/// # Safety
/// The rectangles of the tiles are disjoint, and together they are the output: rows of [`width`](Tiled::width)
/// elements, one after the other. To compute a tile writes nothing else of the output.
pub unsafe trait Tiled: Send + Sync {
    /// Elements of a row.
    fn width(&self) -> usize;

    /// Number of tiles, by the shapes alone.
    fn num_tiles(&self) -> usize;

    /// What a tile consists of. Tiles of whole rows are in the order of their rows.
    fn rectangle(&self, tile: usize) -> Rectangle;

    /// What a tile costs, in additions.
    fn cost(&self) -> usize;

    /// Computes a tile, on this thread, to the bits that [`Kernel::run`](super::Kernel::run) gives.
    ///
    /// # Safety
    /// `output` points to memory for the whole output, which overlaps no operand, and of which nobody else reads or writes
    /// this tile meanwhile. The operands have the facts that the kernel was made for.
    unsafe fn run_tile(&self, tile: usize, output: *mut u8, operands: &[View<'_>]);
}
