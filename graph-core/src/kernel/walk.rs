//! Walks: how a loop over the rows of a result finds the elements of its operands.

use smallvec::SmallVec;

/// Elements that an operand advances by along each axis; 0 where it is broadcast.
pub type Strides = SmallVec<[usize; 4]>;

/// How one operand is walked along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWalk {
    /// Whether a row uses one element throughout; otherwise the operand advances by one along it.
    pub is_splat: bool,
    /// Along each axis around a row.
    pub strides: Strides,
}

impl RowWalk {
    /// Whether all rows use one element.
    pub fn is_constant(&self) -> bool {
        self.is_splat && self.strides.iter().all(|&stride| stride == 0)
    }

    /// Elements from the operand's first to the one at this column of this row, where the axes around a row have these
    /// lengths.
    #[inline]
    pub fn offset(&self, outer: &[usize], row: usize, column: usize) -> usize {
        row_offset(outer, &self.strides, row) + if self.is_splat { 0 } else { column }
    }
}

/// The rows of a result, and how each operand is walked along meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowWalks {
    /// Lengths of the axes around a row, outermost first.
    pub outer: SmallVec<[usize; 4]>,
    /// Elements of a row.
    pub width: usize,
    /// One for each operand.
    pub operands: SmallVec<[RowWalk; 3]>,
}

impl RowWalks {
    /// The walks over a result of this shape, with rows as long as they can be: neighbouring axes along which every operand
    /// advances evenly are one. If a row must be the last `row_axes` axes, which no operand then walks unevenly, they are not
    /// merged with those before them.
    pub fn new(shape: &[usize], row_axes: usize, strides: &[Strides]) -> RowWalks {
        let first_of_row = shape.len() - row_axes;
        let mut outer: SmallVec<[usize; 4]> = SmallVec::new();
        let mut merged: SmallVec<[Strides; 3]> = strides.iter().map(|_| Strides::new()).collect();
        let mut row_begins = None;
        for axis in (0..shape.len()).filter(|&axis| shape[axis] != 1) {
            let len = shape[axis];
            let begins_row = row_axes > 0 && axis >= first_of_row && row_begins.is_none();
            if begins_row {
                row_begins = Some(outer.len());
            }
            let is_even = |(merged, own): (&Strides, &Strides)| merged.last() == Some(&(own[axis] * len));
            let is_one = !begins_row && !outer.is_empty() && merged.iter().zip(strides).all(is_even);
            if is_one {
                let last = outer.len() - 1;
                outer[last] *= len;
                merged.iter_mut().zip(strides).for_each(|(merged, own)| merged[last] = own[axis]);
            } else {
                outer.push(len);
                merged.iter_mut().zip(strides).for_each(|(merged, own)| merged.push(own[axis]));
            }
        }
        debug_assert!(row_begins.is_none_or(|begin| outer.len() == begin + 1), "a row is one axis");
        let width = outer.pop().unwrap_or(1);
        let operand = |mut strides: Strides| {
            let step = strides.pop().unwrap_or(0);
            debug_assert!(step <= 1, "along a row a dense operand advances by one or not at all");
            RowWalk { is_splat: step == 0, strides }
        };
        RowWalks { outer, width, operands: merged.into_iter().map(operand).collect() }
    }
}

/// Elements from the first of an operand to the first of its row of this number, where the axes around a row have these
/// lengths, and the operand advances by these strides along each of them.
#[inline]
pub fn row_offset(outer: &[usize], strides: &[usize], row: usize) -> usize {
    match (outer, strides) {
        ([], _) => 0,
        ([_], [stride]) => row * stride,
        _ => {
            let mut rest = row;
            let mut offset = 0;
            for (&len, &stride) in outer.iter().zip(strides).rev() {
                offset += rest % len * stride;
                rest /= len;
            }
            offset
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;

    /// An operand's strides as it is broadcast to a shape.
    fn broadcast(own: &[usize], shape: &[usize]) -> Strides {
        let missing = shape.len() - own.len();
        let dense = Shape::from(own).strides();
        let along =
            |axis: usize| if axis < missing || own[axis - missing] == 1 { 0 } else { dense[axis - missing] };
        (0..shape.len()).map(along).collect()
    }

    #[test]
    fn rows_are_as_long_as_operands_allow() {
        let rows = |shape: &[usize], row_axes, operands: &[&[usize]]| {
            let strides: Vec<Strides> = operands.iter().map(|own| broadcast(own, shape)).collect();
            let walks = RowWalks::new(shape, row_axes, &strides);
            (walks.outer.to_vec(), walks.width)
        };
        assert_eq!(rows(&[2, 3, 4], 0, &[&[2, 3, 4], &[]]), (vec![], 24));
        assert_eq!(rows(&[2, 3, 4], 0, &[&[2, 3, 4], &[4]]), (vec![6], 4));
        assert_eq!(rows(&[2, 3, 4], 0, &[&[3, 4], &[2, 1, 1]]), (vec![2], 12));
        assert_eq!(rows(&[2, 3, 4], 1, &[&[2, 3, 4]]), (vec![6], 4));
        assert_eq!(rows(&[2, 3, 4], 2, &[&[2, 3, 4]]), (vec![2], 12));
        assert_eq!(
            rows(&[2, 3, 1], 1, &[&[2, 3, 1]]),
            (vec![], 6),
            "a row of one element is none of its own"
        );
        assert_eq!(rows(&[], 0, &[&[]]), (vec![], 1));
    }

    #[test]
    fn every_element_is_found_where_broadcasting_says() {
        let lengths = [1usize, 2, 3];
        for shape in (0..81).map(|i| [i / 27, i / 9 % 3, i / 3 % 3, i % 3].map(|i| lengths[i])) {
            for ones in 0..16 {
                let own: Vec<usize> =
                    (0..4).map(|axis| if ones >> axis & 1 == 1 { 1 } else { shape[axis] }).collect();
                let strides = [broadcast(&own, &shape), broadcast(&shape, &shape)];
                let walks = RowWalks::new(&shape, 0, &strides);
                let dense = Shape::from(&shape[..]).strides();
                for element in 0..shape.iter().product() {
                    let (row, column) = (element / walks.width, element % walks.width);
                    let expected: usize =
                        (0..4).map(|axis| element / dense[axis] % shape[axis] * strides[0][axis]).sum();
                    let found = walks.operands[0].offset(&walks.outer, row, column);
                    assert_eq!(found, expected, "element {element} of {own:?} in {shape:?}");
                    assert_eq!(walks.operands[1].offset(&walks.outer, row, column), element);
                }
            }
        }
    }
}
