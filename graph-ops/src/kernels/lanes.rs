//! Lanes: an array seen along one axis, for kernels that treat each line of elements along it as a whole.

use graph_core::{RowOperand, Shape};

use super::parallel::{PARALLEL_ELEMENTS, PART_ELEMENTS, for_each_chunk};

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

/// Splits `out` into blocks (the last may be shorter) and calls `write` with each one's number; in parallel where `work`, in
/// elements, is enough for it. Nothing is called for an empty `out`.
pub(crate) fn for_each_block<T: Send>(
    out: &mut [T],
    block: usize,
    work: usize,
    write: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    if out.is_empty() {
        return;
    }
    let num_blocks = out.len().div_ceil(block);
    if work < PARALLEL_ELEMENTS || num_blocks == 1 {
        out.chunks_mut(block).enumerate().for_each(|(i, out)| write(i, out));
        return;
    }
    let blocks_per_part = (PART_ELEMENTS / (work / num_blocks).max(1)).max(1);
    for_each_chunk(out, blocks_per_part * block, |part, out| {
        let first = part * blocks_per_part;
        out.chunks_mut(block).enumerate().for_each(|(i, out)| write(first + i, out));
    });
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
