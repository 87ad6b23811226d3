//! Shapes: the lengths of a tensor's axes, and the broadcasting rule.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

/// The lengths of a tensor's axes, outermost first. Rank 0 is a scalar.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Shape(SmallVec<[usize; 4]>);

impl Clone for Shape {
    fn clone(&self) -> Shape {
        // As one copy: the derived one goes length by length, and shapes are copied with every operation.
        Shape(SmallVec::from_slice(&self.0))
    }
}

impl Shape {
    /// The length of the first axis of a stack: known when the graph has run, and not before. No value has so many rows,
    /// and nobody types this number by mistake.
    pub(crate) const UNKNOWN: usize = usize::MAX - 1;

    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements: the product of all lengths, 1 for a scalar; `usize::MAX` where that is more, so that no memory is
    /// thought large enough for it.
    pub fn num_elements(&self) -> usize {
        self.0.iter().fold(1, |elements, &len| elements.saturating_mul(len))
    }

    /// Number of elements, or `None` where it, or the number along any of the axes, overflows `usize`.
    pub fn checked_num_elements(&self) -> Option<usize> {
        // An axis of length 0 counts as 1 here, so that strides and partial products cannot overflow either.
        let product = self.0.iter().try_fold(1usize, |product, &len| product.checked_mul(len.max(1)))?;
        Some(if self.0.contains(&0) { 0 } else { product })
    }

    /// Row-major strides, in elements.
    pub fn strides(&self) -> SmallVec<[usize; 4]> {
        let mut strides: SmallVec<[usize; 4]> = SmallVec::from_elem(1, self.rank());
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis] * self.0[axis];
        }
        strides
    }

    /// The shape both broadcast to under NumPy's rule: align at the last axis; lengths agree or one of them is 1.
    ///
    /// ```
    /// use graph_core::Shape;
    /// let a = Shape::from([32, 1, 10]);
    /// assert_eq!(a.broadcast(&Shape::from([5, 1])), Some(Shape::from([32, 5, 10])));
    /// assert_eq!(a.broadcast(&Shape::from([4])), None);
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        if self == other {
            return Some(self.clone());
        }
        let rank = self.rank().max(other.rank());
        let at = |shape: &Shape, axis: usize| {
            let missing = rank - shape.rank();
            if axis < missing { 1 } else { shape[axis - missing] }
        };
        (0..rank)
            .map(|axis| match (at(self, axis), at(other, axis)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect()
    }

    /// Whether this shape broadcasts to exactly `target`.
    pub fn broadcasts_to(&self, target: &Shape) -> bool {
        self.broadcast(target).as_ref() == Some(target)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(lengths: I) -> Shape {
        Shape(lengths.into_iter().collect())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(lengths: [usize; N]) -> Shape {
        Shape(SmallVec::from_slice(&lengths))
    }
}

impl From<&[usize]> for Shape {
    fn from(lengths: &[usize]) -> Shape {
        Shape(SmallVec::from_slice(lengths))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(lengths: Vec<usize>) -> Shape {
        Shape(SmallVec::from_vec(lengths))
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Shape {
        shape.clone()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (axis, len) in self.0.iter().enumerate() {
            if axis > 0 {
                f.write_str(", ")?;
            }
            match *len {
                Shape::UNKNOWN => f.write_str("?")?,
                len => write!(f, "{len}")?,
            }
        }
        f.write_str("]")
    }
}
