//! Items made ahead of time, on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// What comes from the thread: items, and at last a panic if there was one.
type Sent<T> = Result<T, Box<dyn std::any::Any + Send>>;

/// More items than this are not made ahead.
const MOST_AHEAD: usize = 1 << 16;

/// Gives the items of an iterator that runs on a thread, up to `ahead` of them before they are asked for. A panic there
/// goes on here. The thread ends with the iterator, or at its next item after this was dropped.
pub(super) fn prefetched<T: Send + 'static>(
    items: impl Iterator<Item = T> + Send + 'static,
    ahead: usize,
) -> impl Iterator<Item = T> + Send + 'static {
    // A channel has its room from the start.
    let (sender, receiver) = sync_channel::<Sent<T>>(ahead.min(MOST_AHEAD));
    thread::spawn(move || {
        let made = catch_unwind(AssertUnwindSafe(|| {
            for item in items {
                if sender.send(Ok(item)).is_err() {
                    return; // Nobody wants more.
                }
            }
        }));
        if let Err(panic) = made {
            let _ = sender.send(Err(panic)); // Fails where nobody listens any more.
        }
    });
    Prefetched(receiver)
}

struct Prefetched<T>(Receiver<Sent<T>>);

impl<T> Iterator for Prefetched<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self.0.recv().ok()? {
            Ok(item) => Some(item),
            Err(panic) => resume_unwind(panic),
        }
    }
}
