//! The pool: memory of arrays that are no more, for the next ones of their size.
//!
//! A program that trains asks for the same sizes again and again. To get memory from the system costs a call, and for
//! large arrays a page fault for every 4 KiB; what was just given up is there at once, and still in the cache. Each
//! thread has a pool of its own, so nobody waits.

use std::cell::RefCell;
use std::sync::Arc;

use crate::buffer::Buffer;

/// Bytes that a thread keeps at most. What is larger goes back to the system.
const MOST_BYTES: usize = 256 << 20;
/// Buffers that a thread keeps at most: as many as are looked through in less time than an allocation takes.
const MOST_BUFFERS: usize = 64;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { buffers: Vec::new(), bytes: 0 }) };
}

struct Pool {
    /// With their lengths, so that none need be looked at; the latest last.
    buffers: Vec<(usize, Arc<Buffer>)>,
    bytes: usize,
}

impl Pool {
    fn take(&mut self, len: usize) -> Option<Arc<Buffer>> {
        let at = self.buffers.iter().rposition(|&(kept, _)| kept == len)?;
        self.bytes -= len;
        Some(self.buffers.remove(at).1)
    }

    fn give(&mut self, buffer: Arc<Buffer>) {
        let len = buffer.len();
        if len > MOST_BYTES {
            return;
        }
        self.bytes += len;
        self.buffers.push((len, buffer));
        while self.bytes > MOST_BYTES || self.buffers.len() > MOST_BUFFERS {
            self.bytes -= self.buffers.remove(0).0;
        }
    }
}

/// Gives the memory that this thread keeps for its next arrays back to the system. What kernels and row programs need for a
/// moment is little, and kept.
///
/// # Source
/// `torch.cuda.empty_cache`, for the host.
///
/// ```
/// graph_core::empty_pool();
/// ```
pub fn empty_pool() {
    POOL.with_borrow_mut(|pool| (pool.buffers, pool.bytes) = (Vec::new(), 0));
}

/// Memory that arrays share; when the last of them goes, the pool takes it.
#[derive(Debug)]
pub(crate) struct Shared(Option<Arc<Buffer>>);

impl Shared {
    /// Memory of this length, with arbitrary contents.
    pub(crate) fn arbitrary(len: usize) -> Shared {
        let kept = POOL.try_with(|pool| pool.borrow_mut().take(len)).ok().flatten();
        Shared(Some(kept.unwrap_or_else(|| Arc::new(Buffer::zeroed(len)))))
    }

    /// Memory of this length, all zeros.
    pub(crate) fn zeroed(len: usize) -> Shared {
        match POOL.try_with(|pool| pool.borrow_mut().take(len)).ok().flatten() {
            Some(kept) => {
                let mut shared = Shared(Some(kept));
                shared.get_mut().expect("kept by nobody else").as_bytes_mut().fill(0);
                shared
            }
            None => Shared(Some(Arc::new(Buffer::zeroed(len)))),
        }
    }

    fn arc(&self) -> &Arc<Buffer> {
        self.0.as_ref().expect("held until it is dropped")
    }

    /// The memory, to read.
    pub(crate) fn get(&self) -> &Buffer {
        self.arc()
    }

    /// The memory, to write; `None` while it is shared.
    pub(crate) fn get_mut(&mut self) -> Option<&mut Buffer> {
        Arc::get_mut(self.0.as_mut().expect("held until it is dropped"))
    }

    /// Whether nobody else shares it.
    pub(crate) fn is_unique(&self) -> bool {
        Arc::strong_count(self.arc()) == 1
    }

    /// Whether both are the same memory.
    pub(crate) fn is_same(&self, other: &Shared) -> bool {
        Arc::ptr_eq(self.arc(), other.arc())
    }
}

impl Clone for Shared {
    fn clone(&self) -> Shared {
        Shared(self.0.clone())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(mut arc) = self.0.take() else { return };
        if Arc::get_mut(&mut arc).is_some_and(|buffer| buffer.len() > 0) {
            // A thread that ends has no pool any more.
            let _ = POOL.try_with(|pool| pool.borrow_mut().give(arc));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_BUFFERS, POOL, Shared, empty_pool};

    fn kept() -> (usize, usize) {
        POOL.with_borrow(|pool| (pool.buffers.len(), pool.bytes))
    }

    #[test]
    fn what_the_last_one_drops_is_used_again() {
        empty_pool();
        let first = Shared::arbitrary(100);
        let address = first.get().as_bytes().as_ptr();
        let second = first.clone();
        drop(first);
        assert_eq!(kept(), (0, 0), "still shared");
        drop(second);
        assert_eq!(kept(), (1, 100));
        assert_ne!(Shared::arbitrary(101).get().as_bytes().as_ptr(), address, "another size");
        assert_eq!(Shared::arbitrary(100).get().as_bytes().as_ptr(), address);
        empty_pool();
    }

    #[test]
    fn zeros_are_zeros_again() {
        let mut dirty = Shared::arbitrary(64);
        dirty.get_mut().expect("unique").as_bytes_mut().fill(7);
        drop(dirty);
        assert!(Shared::zeroed(64).get().as_bytes().iter().all(|&byte| byte == 0));
    }

    #[test]
    fn it_is_bounded_and_empty_buffers_do_not_count() {
        empty_pool();
        drop((0..2 * MOST_BUFFERS).map(|_| Shared::arbitrary(8)).collect::<Vec<_>>());
        assert_eq!(kept(), (MOST_BUFFERS, 8 * MOST_BUFFERS));
        drop(Shared::arbitrary(0));
        assert_eq!(kept().0, MOST_BUFFERS);
        empty_pool();
    }
}
