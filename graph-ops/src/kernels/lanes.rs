//! Lanes: an array seen along one axis, for kernels that treat each line of elements along it as a whole.

use graph_core::{RowOperand, Shape};

/// An array as `[outer, len, inner]`, where `len` is the axis that lanes run along. The elements of a lane are `inner`
/// apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lanes {
    pub(crate) outer: usize,
    pub(crate) len: usize,
    pub(crate) inner: usize,
}

impl Lanes {
    pub(crate) fn new(shape: &Shape, axis: usize) -> Lanes {
        Lanes {
            outer: shape[..axis].iter().product(),
            len: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }

    /// Number of elements within one outer index.
    pub(crate) fn block(self) -> usize {
        self.len * self.inner
    }
}

/// A whole row of an operand, for row kernels.
///
/// # Safety
/// The operand is no splat, and has `len` elements of this type, which nobody writes meanwhile.
#[inline(always)]
pub(crate) unsafe fn row<'a, T>(operand: &RowOperand, len: usize) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(operand.address.cast(), len) }
}
