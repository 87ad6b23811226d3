//! Copies of what would be read in an unfortunate order: panels of the right matrix, some registers of
//! columns wide, with their rows one after the other; and strips of the left one, a tile's rows high, with their columns
//! one after the other.

use super::super::vector::Vector;

/// Where panels come from, and where they go.
#[derive(Debug)]
pub(super) struct Panels<T> {
    pub(super) from: *const T,
    /// Elements from one row of the source's memory to the next.
    pub(super) stride: usize,
    /// Rows of a panel.
    pub(super) depth: usize,
    /// Columns of all panels, at least one.
    pub(super) columns: usize,
    /// Columns of a panel, a multiple of a register's. The last panel is filled up to it.
    pub(super) panel: usize,
    /// Room for the panels, one after the other.
    pub(super) to: *mut T,
}

impl<T> Panels<T> {
    /// Where a column of the first row goes.
    #[inline(always)]
    fn destination(&self, column: usize) -> *mut T {
        self.to.wrapping_add(column / self.panel * self.depth * self.panel + column % self.panel)
    }
}

/// Copies panels whose rows are rows of the source. A row is read through all panels at a time, which is what memory is
/// good at. What fills up the last register is zero: tiles read it, and write nothing of what comes of it. What fills up the last
/// panel is left as it is.
///
/// # Safety
/// The processor has the instructions of V, and the caller is compiled for them. Source and copy are where the panels
/// say, and do not overlap.
#[inline(always)]
pub(super) unsafe fn pack_rows<V: Vector>(panels: &Panels<V::Element>) {
    // SAFETY: as the caller promises.
    unsafe {
        let whole = (panels.columns - 1) / V::LANES * V::LANES;
        let last = V::mask(panels.columns - whole);
        for p in 0..panels.depth {
            let from = panels.from.wrapping_add(p * panels.stride);
            let mut to = panels.to.wrapping_add(p * panels.panel);
            let mut first = 0;
            while first < panels.columns {
                let end = whole.min(first + panels.panel);
                let mut at = first;
                while at < end {
                    V::load(from.wrapping_add(at)).store(to.wrapping_add(at - first));
                    at += V::LANES;
                }
                if first + panels.panel > whole {
                    V::load_masked(from.wrapping_add(whole), last).store(to.wrapping_add(whole - first));
                }
                first += panels.panel;
                to = to.wrapping_add(panels.depth * panels.panel);
            }
        }
    }
}

/// Copies panels whose columns are rows of the source. What fills up the last register are copies of the last column:
/// tiles read them, and write nothing of what comes of them.
///
/// # Safety
/// As for [`pack_rows`].
#[inline(always)]
pub(super) unsafe fn pack_columns<V: Vector>(panels: &Panels<V::Element>) {
    // SAFETY: as the caller promises: every row that is read is one of the first `columns` of the source, and of each
    // the first `depth` elements.
    unsafe {
        let (depth, stride) = (panels.depth, panels.panel);
        let mut first = 0;
        while first < panels.columns {
            let row =
                |i: usize| panels.from.wrapping_add((first + i).min(panels.columns - 1) * panels.stride);
            let to = panels.destination(first);
            if depth >= V::TURNED {
                let mut p = 0;
                while p + V::LANES <= depth {
                    V::turned_square(|i| row(i).wrapping_add(p), to.wrapping_add(p * stride), stride);
                    p += V::LANES;
                }
                while p < depth {
                    // What is left at the end is less than a step: the step before it is taken again in part.
                    p = p.min(depth - V::TURNED);
                    V::turned(|i| row(i).wrapping_add(p), to.wrapping_add(p * stride), stride);
                    p += V::TURNED;
                }
            } else {
                for p in 0..depth {
                    for i in 0..V::LANES {
                        *to.wrapping_add(p * stride + i) = *row(i).wrapping_add(p);
                    }
                }
            }
            first += V::LANES;
        }
    }
}

/// Where strips come from, and where they go.
#[derive(Debug)]
pub(super) struct Strips<T> {
    pub(super) from: *const T,
    /// Elements from one column to the next.
    pub(super) stride: usize,
    /// Columns of a strip.
    pub(super) depth: usize,
    /// Rows of all strips, at least one.
    pub(super) rows: usize,
    /// Rows that there is room for in a strip; some have one less.
    pub(super) height: usize,
    /// Room for the strips, one after the other.
    pub(super) to: *mut T,
}

/// Copies strips of a matrix that is stored transposed. A column is read through all strips at a time.
///
/// # Safety
/// As for [`pack_rows`].
#[inline(always)]
pub(super) unsafe fn pack_strips<V: Vector>(strips: &Strips<V::Element>) {
    let count = strips.rows.div_ceil(strips.height);
    // As `share` has it, whose divisions would take longer than the copies.
    let (each, more) = (strips.rows / count, strips.rows % count);
    let masks = |rows: usize| {
        // SAFETY: as the caller promises.
        (0..rows).step_by(V::LANES).map(move |at| (at, unsafe { V::mask(V::LANES.min(rows - at)) }))
    };
    // SAFETY: as the caller promises.
    unsafe {
        for p in 0..strips.depth {
            let mut from = strips.from.wrapping_add(p * strips.stride);
            let mut to = strips.to.wrapping_add(p * strips.height);
            for strip in 0..count {
                let rows = each + usize::from(strip < more);
                for (at, mask) in masks(rows) {
                    V::load_masked(from.wrapping_add(at), mask).store_masked(to.wrapping_add(at), mask);
                }
                from = from.wrapping_add(rows);
                to = to.wrapping_add(strips.depth * strips.height);
            }
        }
    }
}
