//! What is decided once for a product, from its shape alone: how the inner dimension is cut into blocks, which tiles
//! are used, how the destination is cut into parts, and what is copied.

use std::ops::Range;

use super::Product;
use super::kernels::Kernels;

/// Terms of a block, at most where there are several blocks: they are added up in registers before they are added to the
/// destination. A panel of the right matrix of so many rows stays in the first-level cache while all rows of the left meet
/// it.
const DEPTH: usize = 256;

/// Multiplications that are worth a part of their own, at least: some microseconds of work.
const SMALL_PART: usize = 1 << 19;
/// How many parts: each row says how many multiplications are worth a part while there are no more than so many, the parts of
/// all products of a batch together; the row that gives most counts. Small parts share out well, but each copies its own
/// operands: so a large product has large parts, though enough for many threads. (In a batch each product has one at least.)
const PARTS: [(usize, usize); 3] = [(SMALL_PART, 8), (1 << 24, 16), (1 << 25, 64)];

/// What it costs to read an element, or to copy it, in multiplications of rows of registers.
const READ_COST: f64 = 8.0;
/// Rows or columns that a part has at least where fewer would cost more than they save.
const LEAST: usize = 128;

/// Bounds on the number of rows and of columns of a part, so that what it reads for one block stays in the second-level
/// cache.
const PART_ROWS: usize = 256;
const PART_COLUMNS: usize = 256;

/// So many tiles must meet a copy of the right matrix to make up for it.
const TILES_PER_COPY: usize = 8;

/// So many panels must meet a copy of the left matrix to make up for it, and so many columns must it have.
const PANELS_PER_COPY: usize = 2;
const COLUMNS_PER_COPY: usize = 64;

/// Bytes of the right matrix that stay in the first-level cache beside the left matrix's rows of a tile.
const NEAR: usize = 32 << 10;

/// Bytes of a matrix that does not stay in the last-level cache.
const FAR: usize = 8 << 20;

/// Rows of a batch that is small in comparison with the weights that it meets, at most.
const THIN: usize = 64;
/// So many times as many rows have weights that are large in comparison.
const DEEP: usize = 8;
/// Bytes of the sums of all blocks, at most, where threads share the terms: an array of the destination's size for each.
const MOST_SUMS: usize = 8 << 20;

/// The order in which the tiles of a part are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Panel by panel: all rows meet one panel of the right matrix, which stays in the first-level cache.
    Panels,
    /// Strip by strip: all columns meet the rows of one tile; the destination is walked along its rows. For a right
    /// matrix that stays in the first-level cache as a whole.
    Strips,
}

/// How a product is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocking {
    /// Blocks of the inner dimension.
    pub(super) blocks: usize,
    /// Rows of the highest tile.
    pub(super) height: usize,
    /// Registers of columns of the widest tile: the width of a panel.
    pub(super) width: usize,
    /// Parts along the rows and along the columns.
    pub(super) row_parts: usize,
    pub(super) column_parts: usize,
    /// Whether neighbouring parts are beside each other, in the same rows, rather than one below the other.
    pub(super) by_rows: bool,
    /// Whether threads may share the terms of the sums: each block is then a part, or several along the columns.
    pub(super) may_share_terms: bool,
    /// Whether what a part reads of the right matrix is copied, a block at a time.
    pub(super) packs_right: bool,
    /// Whether what a part reads of the left matrix is copied, a block at a time.
    pub(super) packs_left: bool,
    /// Whether the left matrix is one row and the right one is stored transposed, which has a loop of its own.
    pub(super) is_row: bool,
    pub(super) order: Order,
    /// Whether the left matrix comes from so far away that its next rows are asked for in advance.
    pub(super) asks_ahead: bool,
}

impl Blocking {
    /// For one of so many products of a shape.
    pub(super) fn new<T>(product: &Product, batch: usize, kernels: &Kernels<T>) -> Blocking {
        let Product { m, n, k, left, right } = *product;
        let (height, width) = tile_for(m, n, kernels);
        let panel = width * kernels.lanes;
        let is_far = m.saturating_mul(k).saturating_mul(size_of::<T>()) >= FAR;
        // Rows of a part are stretches of the memory's rows of a transposed left matrix, and make up for the copy of a
        // transposed right one.
        let least_rows = if left.transposed || right.transposed { LEAST } else { 1 };
        let least = (least_rows, if is_far { LEAST } else { 1 });
        let (row_parts, column_parts) = parts(product, batch, height, panel, least);
        let tiles = m.div_ceil(row_parts).div_ceil(height);
        let panels = n.div_ceil(panel).div_ceil(column_parts);
        let blocks = blocks(k);
        let is_near = k.div_ceil(blocks) * panels * panel * size_of::<T>() <= NEAR;
        let is_row = m == 1 && right.transposed;
        let packs_right = (right.transposed && !is_row) || (tiles >= TILES_PER_COPY && !is_near);
        let may_share_terms = batch == 1
            && is_thin(m, k)
            && !left.transposed
            && !packs_right
            && blocks > 1
            && m.saturating_mul(n).saturating_mul(k) >= 2 * SMALL_PART
            && m.saturating_mul(n).saturating_mul(blocks * size_of::<T>()) <= MOST_SUMS;
        Blocking {
            blocks,
            height,
            width,
            row_parts,
            column_parts,
            by_rows: left.transposed && is_thin(k, m),
            may_share_terms,
            packs_right,
            // Its columns would be rows in memory, each on another page, and often in each other's place in the cache.
            packs_left: left.transposed && panels >= PANELS_PER_COPY && k >= COLUMNS_PER_COPY,
            is_row,
            order: if is_near { Order::Strips } else { Order::Panels },
            asks_ahead: is_far,
        }
    }

    /// Elements of the longest block.
    pub(super) fn depth(&self, k: usize) -> usize {
        k.div_ceil(self.blocks)
    }
}

/// Blocks that the inner dimension is cut into. Where there are several, they are an even number, so that two threads may
/// take half of them each.
fn blocks(k: usize) -> usize {
    if k < DEPTH + DEPTH / 2 { 1 } else { 2 * k.div_ceil(2 * DEPTH) }
}

/// Whether a batch has so few rows, and the weights that it meets so many, that threads should share the weights. Each keeps
/// some of their rows, which are neighbours in memory, in its own cache: it reads them in the product with the batch,
/// `batch · weights`, whose sums it computes a part of, and writes about the same rows in the update, `batchᵀ · gradient`.
/// With some columns each, neighbours in memory belong to different threads, and processors that fetch ahead take from each
/// other what they are about to write: a part of the product took three times as long on two threads as on one.
fn is_thin(batch: usize, rows: usize) -> bool {
    (2..=THIN).contains(&batch) && batch.saturating_mul(DEEP) <= rows
}

/// Whether sums of so many terms stay in registers until they are complete. Only then a product that is added to
/// something has the bits of a product and a sum.
pub(crate) fn sums_at_once(k: usize) -> bool {
    blocks(k) == 1
}

/// The tile that takes the fewest cycles for each term of the inner dimension.
fn tile_for<T>(m: usize, n: usize, kernels: &Kernels<T>) -> (usize, usize) {
    let (m, registers) = (m.max(1), n.div_ceil(kernels.lanes).max(1));
    let widest = kernels.tiles[0].len().min(registers);
    let candidates = (1..=widest).map(|width| {
        let highest = kernels.tiles.iter().filter(|widths| widths.len() >= width).count();
        (m.div_ceil(m.div_ceil(highest)), width)
    });
    let cost = |&(height, width): &(usize, usize)| {
        let (tiles, whole, rest) = (m.div_ceil(height), registers / width, registers % width);
        // In halves of a cycle: two multiplications a cycle, each of which takes four cycles, and two loads a cycle.
        let panel = |width: usize| match width {
            0 => 0,
            width => (m * width).max(m + tiles * width).max(8 * tiles),
        };
        // The right matrix comes from further away than the first-level cache, in part.
        whole * panel(width) + panel(rest) + tiles * registers
    };
    candidates.min_by_key(cost).expect("there is a tile of width 1")
}

/// The number of parts along the rows and along the columns, for one of so many products: enough of them (see [`PARTS`]), of
/// much the same size, that read little. They have at least so many rows and columns, where there are as many.
fn parts(
    product: &Product,
    batch: usize,
    height: usize,
    panel: usize,
    least: (usize, usize),
) -> (usize, usize) {
    let Product { m, n, k, .. } = *product;
    let (tiles, panels) = (m.div_ceil(height).max(1), n.div_ceil(panel).max(1));
    let work = m.saturating_mul(n).saturating_mul(k);
    let most_parts =
        |most, (each, parts): (usize, usize)| (work / each).min(parts.div_ceil(batch.max(1))).max(most);
    let wanted = 1usize << PARTS.into_iter().fold(1, most_parts).ilog2();
    let row_bounds = (m.div_ceil(PART_ROWS), tiles.min(m / least.0).max(1));
    // The gradient of a right matrix is cut as products with that are: along the columns, too.
    let least_columns = if product.left.transposed && !is_thin(k, m) && wanted > 1 { 2 } else { 1 };
    let column_bounds = (n.div_ceil(PART_COLUMNS).max(least_columns), panels.min(n / least.1).max(1));
    let bounded = |parts: usize, (low, high): (usize, usize)| parts.max(low).min(high);
    let cost = |&(row_parts, column_parts): &(usize, usize)| {
        let (part_tiles, part_panels) = (tiles.div_ceil(row_parts), panels.div_ceil(column_parts));
        let computed = (part_tiles * row_parts * part_panels * column_parts) as f64 / (tiles * panels) as f64;
        let missing = (wanted as f64 / (row_parts * column_parts) as f64).max(1.0);
        let read = 1.0 / (part_tiles * height) as f64 + 1.0 / (part_panels * panel) as f64;
        computed * missing * (1.0 + READ_COST * read)
    };
    (0..=wanted.ilog2())
        .map(|exponent| (bounded(wanted >> exponent, row_bounds), bounded(1 << exponent, column_bounds)))
        .min_by(|a, b| cost(a).total_cmp(&cost(b)))
        .expect("at least one way to cut")
}

/// The range of a part when `len` things are cut into so many parts of much the same size.
pub(super) fn share(len: usize, parts: usize, index: usize) -> Range<usize> {
    let (each, more) = (len / parts, len % parts);
    let start = index * each + index.min(more);
    start..start + each + usize::from(index < more)
}
