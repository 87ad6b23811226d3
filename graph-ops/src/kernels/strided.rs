//! Strided copies: what permutes, flips and slices in one walk over the operand, and its opposite, which writes a dense
//! operand to strided positions.

use graph_core::{Element, Kernel, OpError, Source, View, ViewMut, with_element};
use smallvec::SmallVec;

use super::parallel::for_each_block;

/// Positions in a dense array: from an offset, with a stride (maybe negative) along each of some axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    offset: isize,
    /// Length and stride of each axis, outermost first. Axes of length 1 are left out, and axes that continue each
    /// other are one.
    axes: SmallVec<[(usize, isize); 4]>,
}

impl Walk {
    pub(crate) fn new(offset: usize, axes: impl IntoIterator<Item = (usize, isize)>) -> Walk {
        let mut merged: SmallVec<[(usize, isize); 4]> = SmallVec::new();
        for (len, stride) in axes {
            match merged.last_mut() {
                _ if len == 1 => {}
                Some((outer_len, outer_stride)) if *outer_stride == stride * len as isize => {
                    *outer_len *= len;
                    *outer_stride = stride;
                }
                _ => merged.push((len, stride)),
            }
        }
        Walk { offset: offset as isize, axes: merged }
    }

    /// The outer axes, and the innermost one.
    fn split(&self) -> (&[(usize, isize)], (usize, isize)) {
        match self.axes.split_last() {
            Some((last, outer)) => (outer, *last),
            None => (&[], (1, 1)),
        }
    }

    /// The position at an index into outer axes.
    fn position(&self, outer: &[(usize, isize)], index: usize) -> isize {
        let mut rest = index;
        let mut position = self.offset;
        for &(len, stride) in outer.iter().rev() {
            position += (rest % len) as isize * stride;
            rest /= len;
        }
        position
    }
}

/// Fills the destination, in order, from strided positions of the operand.
#[derive(Debug)]
pub(crate) struct GatherWalk(pub(crate) Walk);

/// Copies the first operand, then writes the second, in order, to strided positions.
#[derive(Debug)]
pub(crate) struct ScatterWalk(pub(crate) Walk);

impl Kernel for GatherWalk {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let x = ins[0].view();
        with_element!(x.dtype(), T => self.read::<T>(outs[0].as_mut_slice(), x.as_slice()));
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

/// Rows and columns of a square in which a transposing walk reads whole cache lines.
const SQUARE: usize = 16;
/// What an element of a transposition costs, in elements' worth of plain work.
const TRANSPOSE_COST: usize = 4;

impl GatherWalk {
    pub(crate) fn read<T: Element>(&self, out: &mut [T], x: &[T]) {
        let (outer, (len, stride)) = self.0.split();
        let work = out.len();
        if let Some((&(rows, 1), planes)) = outer.split_last()
            && stride != 1
        {
            // The innermost two axes are swapped: by squares, so that both sides are used by whole cache lines.
            let band = if rows % SQUARE == 0 { SQUARE } else { rows };
            let bands = rows.checked_div(band).unwrap_or(0);
            for_each_block(out, band * len, work * TRANSPOSE_COST, |i, out| {
                let from = self.0.position(planes, i / bands) + (i % bands * band) as isize;
                transpose(out, x, from, band, len, stride);
            });
            return;
        }
        for_each_block(out, len, work, |row, out| {
            let from = self.0.position(outer, row);
            if stride == 1 {
                out.copy_from_slice(&x[from as usize..][..len]);
            } else {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = x[(from + i as isize * stride) as usize];
                }
            }
        });
    }
}

/// Writes `rows` rows of `len`, reading along rows with `stride` and from row to row with stride 1.
fn transpose<T: Element>(out: &mut [T], x: &[T], from: isize, rows: usize, len: usize, stride: isize) {
    let at = |row: usize, column: usize| (from + row as isize + column as isize * stride) as usize;
    for first_row in (0..rows).step_by(SQUARE) {
        for first_column in (0..len).step_by(SQUARE) {
            let (height, width) = (SQUARE.min(rows - first_row), SQUARE.min(len - first_column));
            let mut tile = [[T::default(); SQUARE]; SQUARE];
            for (column, tile) in tile.iter_mut().enumerate().take(width) {
                tile[..height].copy_from_slice(&x[at(first_row, first_column + column)..][..height]);
            }
            for row in 0..height {
                let out = &mut out[(first_row + row) * len + first_column..][..width];
                for (out, tile) in out.iter_mut().zip(&tile) {
                    *out = tile[row];
                }
            }
        }
    }
}

impl Kernel for ScatterWalk {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let out = &mut outs[0];
        if let Source::View(base) = ins[0] {
            out.copy_from(base);
        }
        let updates = ins[1].view();
        with_element!(out.dtype(), T => self.write::<T>(out, updates));
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl ScatterWalk {
    fn write<T: Element>(&self, out: &mut ViewMut<'_>, updates: View<'_>) {
        let (out, updates) = (out.as_mut_slice::<T>(), updates.as_slice::<T>());
        if updates.is_empty() {
            return;
        }
        let (outer, (len, stride)) = self.0.split();
        for (row, updates) in updates.chunks(len).enumerate() {
            let from = self.0.position(outer, row);
            if stride == 1 {
                out[from as usize..][..len].copy_from_slice(updates);
            } else {
                for (i, &x) in updates.iter().enumerate() {
                    out[(from + i as isize * stride) as usize] = x;
                }
            }
        }
    }
}
