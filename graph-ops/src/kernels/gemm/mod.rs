//! Products of matrices of f32 and f64: `c = alpha * a * b + beta * c`, all of them dense and row-major, either
//! operand as it stands or transposed.
//!
//! **Tiles.** The innermost loop (`tile.rs`) keeps a tile of the destination in registers. For each term of the inner
//! dimension it loads a row of the right matrix, some registers wide, and multiplies it by one element after the other
//! of the left matrix's column. So the right matrix must be contiguous along its rows, while the left may have any
//! strides, and be transposed at no cost to the loop. Columns that do not fill a register are masked. Whatever the loop does
//! besides loads and multiplications takes the place of arithmetic: so each size of tile has loops without masks, for columns
//! that fill registers and for copies (`Tiles`), and rows' addresses are not computed one from the other (`RowOffsets`).
//! AVX-512 has tiles from up to 14 rows of two registers to one or two rows of eight (`kernels.rs` has the tables); which one
//! a product gets, the number of loads and multiplications decides (`blocking.rs`).
//!
//! **Blocks.** The inner dimension is cut into blocks of 128 to 256 terms, or is one block of up to 383. For each block,
//! and for each panel (a tile's width of columns), all tiles of the panel are computed, so that the panel is read from
//! the first-level cache and the left block from the second. A panel is copied where its rows would not be contiguous
//! (the right matrix is transposed) or would displace each other in the cache; the left block is copied where it is
//! transposed, for the latter reason. The operands of small products are read where they are.
//!
//! **Parts.** A product is cut into rectangles of the destination, which are computed independently. Where a few rows meet a
//! large matrix, its blocks can be parts instead, whose sums are added afterwards (`terms.rs`). There are no threads in
//! here: the caller runs each part, in whatever order and on whatever thread, and brings the scratch memory.
//!
//! **Determinism.** Each element is the sum of its blocks in order, and the sum of a block is one chain of additions
//! from zero in order. How the chain is cut depends on the length of the inner dimension alone. So the bits depend on
//! neither the tile, the part, nor the thread that computes an element, nor on whether an operand is stored
//! transposed, and they are the same for AVX-512 and AVX2. (The portable loops round products before they add them.
//! And the product of a row and a column is a dot product, summed in some chains at once.)

mod blocking;
mod kernels;
mod pack;
mod terms;
mod tile;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use blocking::sums_at_once;
use blocking::{Blocking, Order, share};
pub(crate) use kernels::Float;
use kernels::Kernels;
use pack::{Panels, Strips};
pub(crate) use tile::Beta;
use tile::Tile;

use super::instructions::Instructions;

/// An operand in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Elements from one row in memory to the next.
    pub(crate) stride: usize,
    /// Whether its rows in memory are the operand's columns.
    pub(crate) transposed: bool,
}

/// The shape of a product `[m, k] · [k, n] -> [m, n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) left: Layout,
    pub(crate) right: Layout,
}

/// A product of known shape, with all that is decided about how it is computed.
#[derive(Debug)]
pub(crate) struct Gemm<T: 'static> {
    /// The product, or its transpose.
    product: Product,
    /// Elements from one row of the destination to the next.
    stride: usize,
    /// Whether `product` is the transpose of what was asked for.
    is_turned: bool,
    /// Whether it is the product of a row and a column, both of them contiguous.
    is_dot: bool,
    blocking: Blocking,
    kernels: &'static Kernels<T>,
}

impl<T: Float> Gemm<T> {
    /// A product whose destination's rows are `stride` elements apart.
    pub(crate) fn new(product: Product, stride: usize) -> Gemm<T> {
        Gemm::of_batch(product, stride, 1)
    }

    /// One of so many products of a shape, which are independent: each need be cut into fewer parts.
    pub(crate) fn of_batch(product: Product, stride: usize, batch: usize) -> Gemm<T> {
        Gemm::with_instructions(product, stride, batch, Instructions::fastest())
    }

    /// The same with other instructions than the fastest, which must be present.
    fn with_instructions(
        product: Product,
        stride: usize,
        batch: usize,
        instructions: Instructions,
    ) -> Gemm<T> {
        // A column is computed as a row, so that its elements fill registers.
        let is_turned = product.n == 1 && product.m > 1 && stride == 1;
        let product = match is_turned {
            true => Product {
                m: 1,
                n: product.m,
                k: product.k,
                left: product.right.turned(),
                right: product.left.turned(),
            },
            false => product,
        };
        let kernels = T::kernels(instructions);
        let is_dot = product.m == 1
            && product.n == 1
            && (!product.left.transposed || product.left.stride == 1)
            && (product.right.transposed || product.right.stride == 1);
        let blocking = Blocking::new(&product, batch, kernels);
        Gemm { product, stride, is_turned, is_dot, blocking, kernels }
    }

    /// How many parts there are: independent, disjoint, and together the whole destination. The number is a matter of
    /// the shape alone.
    pub(crate) fn parts(&self) -> usize {
        self.blocking.row_parts * self.blocking.column_parts
    }

    /// Rows and columns of the destination that a part writes.
    pub(crate) fn rectangle(&self, part: usize) -> (Range<usize>, Range<usize>) {
        let (rows, panels) = self.rows_and_panels(part);
        let columns = self.columns(&panels);
        if self.is_turned { (columns, rows) } else { (rows, columns) }
    }

    fn rows_and_panels(&self, part: usize) -> (Range<usize>, Range<usize>) {
        let Product { m, n, .. } = self.product;
        let Blocking { row_parts, column_parts, by_rows, .. } = self.blocking;
        // Down the columns first, if not said otherwise: a thread, which takes neighbours, has some columns to itself. So
        // has it in the product that reads the destination, or in the one that updates it.
        let (row_part, column_part) = match by_rows {
            true => (part / column_parts, part % column_parts),
            false => (part % row_parts, part / row_parts),
        };
        (share(m, row_parts, row_part), share(n.div_ceil(self.panel()), column_parts, column_part))
    }

    fn columns(&self, panels: &Range<usize>) -> Range<usize> {
        panels.start * self.panel()..self.product.n.min(panels.end * self.panel())
    }

    /// Elements of scratch memory that each part needs.
    pub(crate) fn scratch_len(&self) -> usize {
        self.right_copy_len() + self.left_copy_len()
    }

    /// Of them, those for the right matrix, which come first.
    fn right_copy_len(&self) -> usize {
        let Product { n, k, .. } = self.product;
        let panels = n.div_ceil(self.panel()).div_ceil(self.blocking.column_parts);
        if self.blocking.packs_right { self.blocking.depth(k) * panels * self.panel() } else { 0 }
    }

    fn left_copy_len(&self) -> usize {
        let (Product { m, k, .. }, height) = (self.product, self.blocking.height);
        // A part of fewer rows may have as many strips as one of more, but not more.
        let strips = m.div_ceil(self.blocking.row_parts).div_ceil(height);
        if self.blocking.packs_left { self.blocking.depth(k) * strips * height } else { 0 }
    }

    /// Columns of a panel.
    fn panel(&self) -> usize {
        self.blocking.width * self.kernels.lanes
    }

    /// Computes one part.
    ///
    /// # Safety
    /// - `a` and `b` point to operands of the product's shape and layout, which nothing writes meanwhile.
    /// - `c` points to a destination of `m` rows of `n` elements, `stride` apart, which overlaps neither, and nothing
    ///   else reads or writes this part of it. With [`Beta::One`] it is initialized.
    /// - `scratch` points to [`scratch_len`](Gemm::scratch_len) elements, aligned as those of `with_scratch`, which
    ///   nothing else uses meanwhile.
    #[expect(clippy::too_many_arguments, reason = "the operands of a product")]
    pub(crate) unsafe fn run_part(
        &self,
        part: usize,
        c: *mut T,
        a: *const T,
        b: *const T,
        alpha: T,
        beta: Beta,
        scratch: *mut T,
    ) {
        let (a, b) = if self.is_turned { (b, a) } else { (a, b) };
        if self.is_dot {
            // SAFETY: both operands are k elements, one after the other, and the destination is one element.
            return unsafe { self.run_dot(c, a, b, alpha, beta) };
        }
        let (rows, panels) = self.rows_and_panels(part);
        if self.blocking.is_row {
            // SAFETY: the columns are in the right matrix and in this part of the destination.
            return unsafe { self.run_row(c, a, b, &self.columns(&panels), alpha, beta) };
        }
        let destination = Destination { at: c, stride: self.stride, alpha };
        for block in 0..self.blocking.blocks {
            let beta = if block == 0 { beta } else { Beta::One };
            // SAFETY: the rows and panels are this part of the destination, and the scratch memory is ours.
            unsafe { self.run_block(block, &rows, &panels, &destination, a, b, beta, scratch) };
        }
    }

    /// Adds a block of terms to some rows and panels of a destination.
    ///
    /// # Safety
    /// As for [`run_part`](Gemm::run_part), for these rows and panels of that destination.
    #[expect(clippy::too_many_arguments, reason = "the operands of a product, and what of them")]
    unsafe fn run_block(
        &self,
        block: usize,
        rows: &Range<usize>,
        panels: &Range<usize>,
        destination: &Destination<T>,
        a: *const T,
        b: *const T,
        beta: Beta,
        scratch: *mut T,
    ) {
        let k = self.product.k;
        let Blocking { blocks, height, order, asks_ahead, .. } = self.blocking;
        let columns = self.columns(panels);
        let strips = rows.len().div_ceil(height);
        let terms = share(k, blocks, block);
        // SAFETY: the columns and the block's terms are in the right matrix; the scratch memory is ours.
        let right = unsafe { self.right_block(b, &terms, &columns, scratch) };
        let scratch = scratch.wrapping_add(self.right_copy_len());
        // SAFETY: the rows and the block's terms are in the left matrix; the rest of the scratch memory is ours.
        let left = unsafe { self.left_block(a, &terms, rows, scratch) };
        let tile = |strip: usize, panel: usize| {
            let in_rows = share(rows.len(), strips, strip);
            let in_columns = panel * self.panel()..columns.len().min((panel + 1) * self.panel());
            let (row, column) = (rows.start + in_rows.start, columns.start + in_columns.start);
            let registers = in_columns.len().div_ceil(self.kernels.lanes);
            let a = match left.strip {
                Some(apart) => left.at.wrapping_add(strip * apart),
                None => left.at.wrapping_add(in_rows.start * left.row),
            };
            let ahead = match asks_ahead && panel == 0 && left.strip.is_none() {
                true => a.wrapping_add(in_rows.len() * left.row),
                false => a,
            };
            let tile = Tile {
                depth: terms.len(),
                ahead,
                a,
                a_row: left.row,
                a_column: left.column,
                b: right.at.wrapping_add(panel * right.panel),
                b_row: right.row,
                last: in_columns.len() - (registers - 1) * self.kernels.lanes,
                c: destination.at.wrapping_add(row * destination.stride + column),
                c_row: destination.stride,
                alpha: destination.alpha,
                beta,
            };
            // A copy has whole registers: what fills up the last one is written, too (`pack.rs`).
            let is_whole = self.blocking.packs_right || tile.last == self.kernels.lanes;
            let run = self.kernels.tiles[in_rows.len() - 1][registers - 1].fastest(&tile, is_whole);
            // SAFETY: the processor has the instructions; the tile's rows and columns are in the operands or their
            // copies, and in what of the destination is ours.
            unsafe { run(&tile) };
        };
        match order {
            Order::Panels => {
                (0..panels.len()).for_each(|panel| (0..strips).for_each(|strip| tile(strip, panel)))
            }
            Order::Strips => {
                (0..strips).for_each(|strip| (0..panels.len()).for_each(|panel| tile(strip, panel)))
            }
        }
    }

    /// The columns of the right matrix for these terms, copied if that is decided.
    ///
    /// # Safety
    /// They are in the matrix at `b`, and there is room for the copy.
    unsafe fn right_block(
        &self,
        b: *const T,
        terms: &Range<usize>,
        columns: &Range<usize>,
        scratch: *mut T,
    ) -> RightBlock<T> {
        let right = self.product.right;
        let (depth, panel) = (terms.len(), self.panel());
        let from = b.wrapping_add(right.offset(terms.start, columns.start));
        if !self.blocking.packs_right {
            return RightBlock { at: from, row: right.stride, panel };
        }
        let panels = Panels { from, stride: right.stride, depth, columns: columns.len(), panel, to: scratch };
        let pack = if right.transposed { self.kernels.pack_columns } else { self.kernels.pack_rows };
        if !columns.is_empty() {
            // SAFETY: as the caller promises; the processor has the instructions.
            unsafe { pack(&panels) };
        }
        RightBlock { at: scratch, row: panel, panel: depth * panel }
    }

    /// These rows of the left matrix for these terms, copied if that is decided.
    ///
    /// # Safety
    /// They are in the matrix at `a`, and there is room for the copy.
    unsafe fn left_block(
        &self,
        a: *const T,
        terms: &Range<usize>,
        rows: &Range<usize>,
        scratch: *mut T,
    ) -> LeftBlock<T> {
        let left = self.product.left;
        let from = a.wrapping_add(left.offset(rows.start, terms.start));
        if !self.blocking.packs_left || rows.is_empty() {
            let (row, column) = if left.transposed { (1, left.stride) } else { (left.stride, 1) };
            return LeftBlock { at: from, row, column, strip: None };
        }
        let (depth, height) = (terms.len(), self.blocking.height);
        let strips = Strips { from, stride: left.stride, depth, rows: rows.len(), height, to: scratch };
        // SAFETY: as the caller promises; the processor has the instructions.
        unsafe { (self.kernels.pack_strips)(&strips) };
        LeftBlock { at: scratch, row: 1, column: height, strip: Some(depth * height) }
    }

    /// The product of a row and columns that are stored as rows. All blocks of some columns come one after the other, so
    /// that memory is read in long stretches.
    ///
    /// # Safety
    /// As for [`run_part`](Gemm::run_part), of whose part these are the columns.
    unsafe fn run_row(
        &self,
        c: *mut T,
        a: *const T,
        b: *const T,
        columns: &Range<usize>,
        alpha: T,
        beta: Beta,
    ) {
        let Product { k, left, right, .. } = self.product;
        let step = tile::GROUPS * self.kernels.lanes;
        for start in columns.clone().step_by(step) {
            for block in 0..self.blocking.blocks {
                let terms = share(k, self.blocking.blocks, block);
                let a = a.wrapping_add(left.offset(0, terms.start));
                let tile = Tile {
                    depth: terms.len(),
                    a,
                    a_row: 0,
                    a_column: if left.transposed { left.stride } else { 1 },
                    b: b.wrapping_add(right.offset(terms.start, start)),
                    b_row: right.stride,
                    last: self.kernels.lanes,
                    c: c.wrapping_add(start),
                    c_row: self.stride,
                    alpha,
                    beta: if block == 0 { beta } else { Beta::One },
                    ahead: a,
                };
                // SAFETY: the processor has the instructions; the columns are in the operands.
                unsafe { (self.kernels.row)(&tile, step.min(columns.end - start)) };
            }
        }
    }

    /// The product of a row and a column.
    ///
    /// # Safety
    /// There are k elements at `a` and at `b`, and one at `c`.
    unsafe fn run_dot(&self, c: *mut T, a: *const T, b: *const T, alpha: T, beta: Beta) {
        let mut sum = T::default();
        for start in (0..self.product.k).step_by(DOT) {
            let len = DOT.min(self.product.k - start);
            // SAFETY: as the caller promises; the processor has the instructions.
            sum = sum.plus(unsafe { (self.kernels.dot)(a.wrapping_add(start), b.wrapping_add(start), len) });
        }
        let product = alpha.times(sum);
        // SAFETY: as the caller promises.
        unsafe {
            c.write(match beta {
                Beta::Zero => product,
                Beta::One => product.plus(c.read()),
            });
        }
    }
}

/// Terms of a dot product that are added up before the next are begun.
const DOT: usize = 1 << 12;

/// Where products go.
#[derive(Debug)]
struct Destination<T> {
    at: *mut T,
    /// Elements from one row to the next.
    stride: usize,
    /// What they are multiplied by.
    alpha: T,
}

/// What a part reads of the left matrix.
#[derive(Debug)]
struct LeftBlock<T> {
    at: *const T,
    /// Elements from one row to the next.
    row: usize,
    /// Elements from one column to the next.
    column: usize,
    /// Elements from the rows of one tile to those of the next, where they are copied.
    strip: Option<usize>,
}

/// What a part reads of the right matrix.
#[derive(Debug)]
struct RightBlock<T> {
    at: *const T,
    /// Elements from one row to the next.
    row: usize,
    /// Elements from one panel to the next.
    panel: usize,
}

impl Layout {
    /// The same memory as the transposed operand.
    fn turned(self) -> Layout {
        Layout { transposed: !self.transposed, ..self }
    }

    /// Elements from the first one to this.
    pub(crate) fn offset(self, row: usize, column: usize) -> usize {
        if self.transposed { column * self.stride + row } else { row * self.stride + column }
    }
}
