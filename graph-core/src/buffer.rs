//! Buffers: owned, zero-initialized, 64-byte aligned host memory.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Alignment of every buffer and of every slot in an arena, in bytes: a cache line, and the widest vector register.
pub const ALIGNMENT: usize = 64;

/// A large page. Buffers of several are made of such pages where the system has them on demand: to get the memory, and to
/// find one's way in it, then takes far fewer steps.
const LARGE_PAGE: usize = 2 << 20;

/// Owned memory, aligned to [`ALIGNMENT`] and always initialized.
#[derive(Debug)]
pub(crate) struct Buffer {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: a Buffer owns its memory exclusively, like a Vec<u8>; shared access only reads.
unsafe impl Send for Buffer {}
// SAFETY: as above. Who writes through `as_ptr` has seen to it that nobody else looks there.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `len` bytes of zeros.
    pub(crate) fn zeroed(len: usize) -> Buffer {
        if len == 0 {
            return Buffer { ptr: Buffer::dangling(), len };
        }
        let layout = Buffer::layout(len).expect("an array fits the address space");
        let Some(ptr) = Buffer::allocate(layout) else { handle_alloc_error(layout) };
        Buffer { ptr, len }
    }

    /// `len` bytes of zeros, or `None` where there is not so much memory.
    pub(crate) fn try_zeroed(len: usize) -> Option<Buffer> {
        if len == 0 {
            return Some(Buffer::zeroed(0));
        }
        let ptr = Buffer::allocate(Buffer::layout(len)?)?;
        Some(Buffer { ptr, len })
    }

    /// Zeros; the layout has a size above zero.
    fn allocate(layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() < LARGE_PAGE {
            // SAFETY: the layout has a size above zero.
            return NonNull::new(unsafe { alloc_zeroed(layout) });
        }
        // SAFETY: as above.
        let ptr = NonNull::new(unsafe { alloc(layout) })?;
        // Before anything is written, which is when pages are chosen.
        ask_for_large_pages(ptr, layout.size());
        // SAFETY: allocated with this size.
        unsafe { ptr.write_bytes(0, layout.size()) };
        Some(ptr)
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: ptr is valid for len initialized bytes (dangling but aligned where len is 0), and borrowed by self.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes, to write.
    pub(crate) fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in as_bytes, and &mut self makes the borrow exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// Start of the memory, for the executor, which hands out disjoint slots. Writing through it demands that nobody else reads
    /// or writes there: the executor does so in arenas that it has borrowed exclusively, and in arrays that are unique.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    fn layout(len: usize) -> Option<Layout> {
        let is_large = cfg!(target_os = "linux") && len >= 2 * LARGE_PAGE;
        let alignment = if is_large { LARGE_PAGE } else { ALIGNMENT };
        Layout::from_size_align(len, alignment).ok()
    }

    fn dangling() -> NonNull<u8> {
        NonNull::new(ALIGNMENT as *mut u8).expect("the alignment is not zero")
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: allocated in `allocate` with this very layout.
            unsafe { dealloc(self.ptr.as_ptr(), Buffer::layout(self.len).expect("as it was made")) }
        }
    }
}

/// Advice that the system may follow; nothing depends on it.
#[cfg(target_os = "linux")]
fn ask_for_large_pages(start: NonNull<u8>, len: usize) {
    // SAFETY: it changes no contents, and the range is ours, whole pages of it.
    unsafe { libc::madvise(start.as_ptr().cast(), len / LARGE_PAGE * LARGE_PAGE, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: NonNull<u8>, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_size_are_aligned_zeros() {
        for len in [0, 1, 64, 1000, 2 * LARGE_PAGE - 1, 2 * LARGE_PAGE, 3 * LARGE_PAGE + 5] {
            for mut buffer in [Buffer::zeroed(len), Buffer::try_zeroed(len).expect("there is so much memory")]
            {
                assert_eq!(buffer.len(), len);
                assert!(buffer.as_ptr().addr().is_multiple_of(ALIGNMENT));
                assert!(buffer.as_bytes().iter().all(|&byte| byte == 0), "{len}");
                buffer.as_bytes_mut().fill(1);
            }
        }
        assert!(Buffer::try_zeroed(usize::MAX / 2).is_none());
    }
}
