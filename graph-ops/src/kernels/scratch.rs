//! Scratch memory for kernels: a thread keeps it for its next use, so that a replayed plan allocates nothing.

use std::cell::RefCell;
use std::thread::LocalKey;

use graph_core::ALIGNMENT;

/// Buffers that nobody uses now.
type Pile<T> = RefCell<Vec<Vec<T>>>;

/// An element type that there is scratch memory for.
pub(crate) trait Scratch: Copy + Default + 'static {
    /// This thread's buffers.
    fn pile() -> &'static LocalKey<Pile<Self>>;
}

macro_rules! scratch {
    ($($ty:ty)*) => {$(
        impl Scratch for $ty {
            fn pile() -> &'static LocalKey<Pile<$ty>> {
                thread_local! {
                    static PILE: Pile<$ty> = const { RefCell::new(Vec::new()) };
                }
                &PILE
            }
        }
    )*};
}

scratch!(f32 f64);

/// Calls `work` with `len` elements that hold anything, aligned to [`ALIGNMENT`]. Another call within it gets elements of its own.
pub(crate) fn with_scratch<T: Scratch, R>(len: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    // The buffer on top is the one that was used at this depth before.
    let mut buffer = T::pile().with_borrow_mut(Vec::pop).unwrap_or_default();
    let room = len + ALIGNMENT / size_of::<T>();
    if buffer.len() < room {
        buffer.resize(room, T::default());
    }
    let start = buffer.as_ptr().align_offset(ALIGNMENT);
    let result = work(&mut buffer[start..start + len]);
    T::pile().with_borrow_mut(|pile| pile.push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::{ALIGNMENT, with_scratch};

    #[test]
    fn buffers_are_used_again_at_their_depth() {
        let addresses = || {
            with_scratch(1000, |outer: &mut [f32]| {
                let inner = with_scratch(10, |inner: &mut [f32]| inner.as_ptr());
                with_scratch(10, |again: &mut [f32]| assert_eq!(again.as_ptr(), inner));
                (outer.as_ptr(), inner)
            })
        };
        assert_eq!(addresses(), addresses());
        let (outer, inner) = addresses();
        assert!((outer as usize).is_multiple_of(ALIGNMENT) && (inner as usize).is_multiple_of(ALIGNMENT));
    }
}
