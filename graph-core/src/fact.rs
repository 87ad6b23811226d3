//! Facts: what is known about a value before it is computed.

use std::fmt;

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::shape::Shape;

/// DType and shape of a value. Shapes are fully known when a graph is traced; another shape is another signature.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Element type.
    pub dtype: DType,
    /// Axis lengths.
    pub shape: Shape,
}

/// The facts of an op's outputs; nearly always one.
pub type Facts = SmallVec<[Fact; 1]>;

impl Fact {
    /// A fact from its parts.
    pub fn new(dtype: DType, shape: impl Into<Shape>) -> Fact {
        Fact { dtype, shape: shape.into() }
    }

    /// The fact of a scalar.
    pub fn scalar(dtype: DType) -> Fact {
        Fact { dtype, shape: Shape::scalar() }
    }

    /// The fact of a stack of rows, as many as a loop will have had iterations. Only loops make stacks, and walk along
    /// them: one that collects rows without a known trip count, and one that is as long as its stacks.
    pub fn stack_of(row: &Fact) -> Fact {
        Fact {
            dtype: row.dtype,
            shape: std::iter::once(Shape::UNKNOWN).chain(row.shape.iter().copied()).collect(),
        }
    }

    /// Whether this is a stack.
    pub fn is_stack(&self) -> bool {
        self.shape.first() == Some(&Shape::UNKNOWN)
    }

    /// The fact of a row along the first axis; `None` for a scalar.
    pub fn row(&self) -> Option<Fact> {
        Some(Fact::new(self.dtype, &self.shape[1.min(self.shape.rank())..])).filter(|_| self.shape.rank() > 0)
    }

    /// Size of the dense value in bytes; `usize::MAX` where that is more.
    pub fn num_bytes(&self) -> usize {
        self.shape.num_elements().saturating_mul(self.dtype.size())
    }

    /// Size in bytes, or `None` where no address space could hold it, or could hold it if its empty axes had length 1:
    /// strides and partial products must not overflow either.
    pub fn checked_num_bytes(&self) -> Option<usize> {
        let mut lengths = self.shape.iter();
        let extent = lengths.try_fold(self.dtype.size(), |bytes, &len| bytes.checked_mul(len.max(1)))?;
        (extent <= isize::MAX as usize / 2).then(|| self.num_bytes())
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.shape)
    }
}

impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
