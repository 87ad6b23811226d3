//! Buffers: owned, zero-initialized, 64-byte aligned host memory.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Alignment of every buffer and of every slot in an arena, in bytes: a cache line, and the widest vector register.
pub const ALIGNMENT: usize = 64;

/// Owned memory, aligned to [`ALIGNMENT`] and always initialized.
#[derive(Debug)]
pub struct Buffer {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: a Buffer owns its memory exclusively, like a Vec<u8>; shared access only reads.
unsafe impl Send for Buffer {}
// SAFETY: as above; `&Buffer` gives out shared slices only.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `len` bytes of zeros.
    pub fn zeroed(len: usize) -> Buffer {
        if len == 0 {
            return Buffer { ptr: Buffer::dangling(), len };
        }
        let layout = Buffer::layout(len);
        // SAFETY: the layout has a size above zero.
        let ptr = unsafe { alloc_zeroed(layout) };
        let Some(ptr) = NonNull::new(ptr) else { handle_alloc_error(layout) };
        Buffer { ptr, len }
    }

    /// `len` bytes of zeros, or `None` where there is not so much memory.
    pub(crate) fn try_zeroed(len: usize) -> Option<Buffer> {
        if len == 0 {
            return Some(Buffer::zeroed(0));
        }
        let layout = Layout::from_size_align(len, ALIGNMENT).ok()?;
        // SAFETY: the layout has a size above zero.
        let ptr = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Buffer { ptr, len })
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: ptr is valid for len initialized bytes (dangling but aligned where len is 0), and borrowed by self.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes, to write.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in as_bytes, and &mut self makes the borrow exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// Start of the memory, for the executor, which hands out disjoint slots.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, ALIGNMENT).expect("facts are checked to fit the address space")
    }

    fn dangling() -> NonNull<u8> {
        NonNull::new(ALIGNMENT as *mut u8).expect("the alignment is not zero")
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: allocated in `zeroed` with this very layout.
            unsafe { dealloc(self.ptr.as_ptr(), Buffer::layout(self.len)) }
        }
    }
}
