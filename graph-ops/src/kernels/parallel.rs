//! Sharing a kernel's work among threads: the destination is cut into parts by its shape alone.

use std::marker::PhantomData;

/// Work below this many elements is done on the calling thread: 65,536 additions of f32 take about 6 µs, and to hand
/// half of them to a thread that is awake costs about 1. Kernels whose elements cost more count each as several.
pub(crate) const PARALLEL_ELEMENTS: usize = 1 << 16;

/// Elements' worth of work that is worth a part of its own: small enough that a thread that comes late still gets some.
pub(crate) const PART_ELEMENTS: usize = 1 << 14;

/// Splits `out` into chunks of `len` elements (the last may be shorter) and calls `write` with each one's number, on all
/// threads of the team.
pub(crate) fn for_each_chunk<T: Send>(out: &mut [T], len: usize, write: impl Fn(usize, &mut [T]) + Sync) {
    let total = out.len();
    let out = Disjoint::new(out);
    graph_core::parallel(total.div_ceil(len), |i| {
        let from = i * len;
        // SAFETY: chunks of different numbers do not overlap, and each part has its own number.
        write(i, unsafe { out.slice(from, len.min(total - from)) });
    });
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

/// A slice of which parts that do not overlap are handed to several threads.
pub(crate) struct Disjoint<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: threads get elements that are theirs alone (the promise of `slice`), as if the slice had been split.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Disjoint<'a, T> {
        Disjoint { start: slice.as_mut_ptr(), len: slice.len(), borrow: PhantomData }
    }

    /// `len` elements from `from`.
    ///
    /// # Safety
    /// No two slices that are alive at the same time overlap.
    ///
    /// # Panics
    /// When they do not lie within the whole.
    #[allow(clippy::mut_from_ref, reason = "that the elements are nobody else's is the caller's promise")]
    pub(crate) unsafe fn slice(&self, from: usize, len: usize) -> &mut [T] {
        assert!(from <= self.len && len <= self.len - from, "a part lies within the whole");
        // SAFETY: within the borrowed slice, as asserted; exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::for_each_chunk;

    #[test]
    fn chunks_cover_the_whole() {
        for (total, len) in [(0, 3), (1, 3), (9, 3), (10, 3), (1000, 7)] {
            let mut out = vec![usize::MAX; total];
            for_each_chunk(&mut out, len, |i, chunk| chunk.fill(i));
            assert!(out.iter().enumerate().all(|(at, &i)| i == at / len), "{total} by {len}");
        }
    }
}
