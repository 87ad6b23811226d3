//! Spaces: what the members of a group have in common, and whether another op belongs there.

use crate::kernel::{RowKernel, RowSpan};
use crate::shape::Shape;

/// Longer rows are not kept in scratch memory as a whole: they can only be added up, chunk by chunk.
const LONGEST_ROW: usize = 1 << 16;

/// Whether a value has an element for each place of the space, or one for each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Full,
    PerRow,
}

/// The shape that the members of a group go along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) shape: Shape,
    /// How many of the last axes are a row, once a member has said so.
    pub(crate) row_axes: Option<usize>,
}

impl Space {
    /// The space that an op opens, of these operands and this result.
    pub(crate) fn of(row: &RowKernel, operands: &[&Shape], output: &Shape) -> Option<Space> {
        let space = match row.span {
            RowSpan::Elements => Space { shape: output.clone(), row_axes: None },
            RowSpan::Row { axes } => Space { shape: output.clone(), row_axes: Some(axes) },
            RowSpan::Total { axes } => Space { shape: (*operands.first()?).clone(), row_axes: Some(axes) },
        };
        (space.shape.rank() > 0 && space.shape.num_elements() > 0 && space.has_rows_for(row)).then_some(space)
    }

    /// The same, if the op can be computed there by itself.
    pub(crate) fn opened(row: &RowKernel, operands: &[&Shape], output: &Shape) -> Option<Space> {
        let space = Space::of(row, operands, output)?;
        let fits = space.writes(row.span, output).is_some()
            && operands.iter().all(|shape| space.reads_outside(row.span, shape));
        fits.then_some(space)
    }

    /// How many of the last axes a row has at least: those up to the last one that has a length.
    pub(crate) fn least_row_axes(&self) -> usize {
        let last = self.shape.iter().rposition(|&len| len != 1).unwrap_or(0);
        self.row_axes.unwrap_or(self.shape.rank() - last)
    }

    /// Elements of the shortest row.
    pub(crate) fn row_len(&self) -> usize {
        self.row_shape(self.least_row_axes()).iter().product()
    }

    /// Whether the rows, if there are any yet, are such that the kernel can go along them.
    fn has_rows_for(&self, row: &RowKernel) -> bool {
        self.row_axes.is_none_or(|axes| {
            let fits =
                axes > 0 && axes <= self.shape.rank() && self.row_shape(axes).iter().product::<usize>() > 1;
            let is_by_elements = row.span == RowSpan::Elements;
            fits && (is_by_elements || row.fold.is_some() || !self.is_long())
        })
    }

    /// Whether the rows are too long to be kept.
    pub(crate) fn is_long(&self) -> bool {
        self.row_axes.is_some_and(|axes| self.row_shape(axes).iter().product::<usize>() > LONGEST_ROW)
    }

    fn row_shape(&self, axes: usize) -> &[usize] {
        &self.shape[self.shape.rank() - axes..]
    }

    /// The space with its rows along these axes; `None` where they run along others.
    pub(crate) fn with_rows(&self, axes: usize, row: &RowKernel) -> Option<Space> {
        let space = match self.row_axes {
            None => Space { shape: self.shape.clone(), row_axes: Some(axes) },
            Some(own) => (own == axes).then(|| self.clone())?,
        };
        space.has_rows_for(row).then_some(space)
    }

    /// The level of a value of this shape; `None` where it has none here.
    pub(crate) fn level(&self, shape: &Shape) -> Option<Level> {
        if *shape == self.shape {
            return Some(Level::Full);
        }
        let axes = self.row_axes?;
        let outer = &self.shape[..self.shape.rank() - axes];
        let is_per_row = shape.starts_with(outer)
            && (shape.rank() == outer.len() || self.is_kept(shape))
            && shape[outer.len()..].iter().all(|&len| len == 1);
        is_per_row.then_some(Level::PerRow)
    }

    /// Whether a shape has all axes of the space.
    fn is_kept(&self, shape: &Shape) -> bool {
        shape.rank() == self.shape.rank()
    }

    /// Whether a row kernel may read a member's value of this shape and level to write one of `output`.
    pub(crate) fn reads_member(&self, span: RowSpan, shape: &Shape, level: Level, output: &Shape) -> bool {
        match (span, level) {
            // It is there once all chunks are.
            (_, Level::PerRow) if self.is_long() => false,
            // What looks at whole rows says itself what its operands are.
            (RowSpan::Row { .. } | RowSpan::Total { .. }, _) => true,
            (RowSpan::Elements, Level::Full) => *output == self.shape,
            // Broadcast along the rows, with its axes in their places; or element by element.
            (RowSpan::Elements, Level::PerRow) => {
                shape == output || (*output == self.shape && (self.is_kept(shape) || shape.rank() == 0))
            }
        }
    }

    /// Whether a row kernel may read a value from outside.
    pub(crate) fn reads_outside(&self, span: RowSpan, shape: &Shape) -> bool {
        match span {
            RowSpan::Row { .. } | RowSpan::Total { .. } => self.level(shape).is_some(),
            // It is broadcast by the rule; but a row that runs along several axes is walked along as one.
            RowSpan::Elements => self.is_even(shape),
        }
    }

    /// Whether a shape that broadcasts to the space's stays in step, or stays at one element, along a whole row.
    pub(crate) fn is_even(&self, shape: &Shape) -> bool {
        let Some(axes @ 2..) = self.row_axes else { return true };
        let row = self.row_shape(axes);
        let own = &shape[shape.rank().saturating_sub(axes)..];
        own == row || own.iter().all(|&len| len == 1)
    }

    /// Whether the result of a row kernel has a level here: the level that its span gives.
    pub(crate) fn writes(&self, span: RowSpan, output: &Shape) -> Option<Level> {
        let level = self.level(output)?;
        match span {
            // Of a long row there are many chunks, and one place for what it gives.
            RowSpan::Elements => (level == Level::Full || !self.is_long()).then_some(level),
            RowSpan::Row { .. } => (level == Level::Full).then_some(level),
            RowSpan::Total { .. } => (level == Level::PerRow).then_some(level),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{RowFold, RowOperand};

    unsafe fn nothing(_: *mut u8, _: &[RowOperand], _: usize) {}
    unsafe fn begin(_: *mut u8) {}

    fn row_kernel(span: RowSpan) -> RowKernel {
        // SAFETY: it does nothing.
        unsafe { RowKernel::new(nothing, span) }
    }

    fn fold() -> RowFold {
        RowFold { chunk: 64, multiple: 64, size: 8, begin, add: nothing, finish: nothing }
    }

    #[test]
    fn levels() {
        let total = row_kernel(RowSpan::Total { axes: 2 });
        let space = Space { shape: Shape::from([4, 4, 3]), row_axes: Some(1) };
        assert_eq!(space.level(&Shape::from([4, 4, 3])), Some(Level::Full));
        assert_eq!(space.level(&Shape::from([4, 4])), Some(Level::PerRow));
        assert_eq!(space.level(&Shape::from([4, 4, 1])), Some(Level::PerRow));
        assert_eq!(space.level(&Shape::from([4])), None);
        let undecided = Space { row_axes: None, ..space.clone() };
        assert_eq!(undecided.level(&Shape::from([4, 4])), None);
        assert_eq!(undecided.with_rows(2, &total).unwrap().level(&Shape::from([4])), Some(Level::PerRow));
        assert_eq!(space.with_rows(2, &total), None);
    }

    #[test]
    fn long_rows_are_added_up_and_nothing_else() {
        let space = Space { shape: Shape::from([2, LONGEST_ROW + 1]), row_axes: None };
        let total = row_kernel(RowSpan::Total { axes: 1 });
        assert_eq!(space.with_rows(1, &total), None);
        // SAFETY: they are never called.
        let folded = unsafe { total.with_fold(fold()) };
        let long = space.with_rows(1, &folded).expect("it has a fold");
        assert_eq!(long.with_rows(1, &row_kernel(RowSpan::Row { axes: 1 })), None);
        let (full, per_row) = (&long.shape, Shape::from([2, 1]));
        assert_eq!(long.writes(RowSpan::Elements, full), Some(Level::Full));
        assert_eq!(long.writes(RowSpan::Elements, &per_row), None, "which chunk would write it?");
        assert!(!long.reads_member(RowSpan::Elements, &per_row, Level::PerRow, full));
        assert!(long.reads_outside(RowSpan::Elements, &per_row));
    }

    #[test]
    fn a_value_per_row_is_no_row() {
        let space = Space { shape: Shape::from([3, 3]), row_axes: Some(1) };
        let (kept, dropped) = (Shape::from([3, 1]), Shape::from([3]));
        let reads = |shape: &Shape| space.reads_member(RowSpan::Elements, shape, Level::PerRow, &space.shape);
        assert!(reads(&kept), "broadcast along the rows");
        assert!(!reads(&dropped), "[3] broadcasts to [3, 3] along the columns");
        assert!(space.reads_member(RowSpan::Elements, &dropped, Level::PerRow, &dropped));
    }

    #[test]
    fn rows_along_several_axes() {
        let space = Space { shape: Shape::from([2, 3, 5]), row_axes: Some(2) };
        assert!(space.is_even(&Shape::from([3, 5])));
        assert!(space.is_even(&Shape::from([2, 1, 1])));
        assert!(space.is_even(&Shape::scalar()));
        assert!(!space.is_even(&Shape::from([5])));
        assert!(!space.is_even(&Shape::from([3, 1])));
    }
}
