//! The team: threads that share the parts of one piece of work, with next to no time between asking and starting.
//!
//! A training step consists of pieces of a few microseconds. To hand half of such a piece to a sleeping thread costs more
//! than it saves, so helpers stay awake for a moment after each piece, and look for the next one. A piece is cut into
//! *parts* by its shapes alone; each thread begins with neighbouring ones, the same in every piece, and whoever is free takes
//! what is left. So a result does not depend on who came, nor on how many: a helper that is late, or kept busy by somebody
//! else, is not waited for.
//!
//! One piece is shared at a time. Whoever asks while another one is shared does all parts by itself, as does a part that
//! asks for help.

mod address;
mod crew;
mod pace;

use std::sync::LazyLock;

pub use self::address::Address;
use self::crew::{Crew, alone, is_busy};
pub(crate) use self::pace::Pace;

/// The environment variable that says how many threads work; unset, as many as there are processors.
pub const THREADS_VARIABLE: &str = "GRAFITO_NUM_THREADS";

/// More threads than this are not made, whatever is asked for.
const MOST_THREADS: usize = 256;

static CREW: LazyLock<Crew> = LazyLock::new(|| Crew::new(initial_threads()));

fn initial_threads() -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    match std::env::var(THREADS_VARIABLE) {
        Err(_) => processors(),
        Ok(text) => match text.trim().parse() {
            Ok(threads @ 1..) => threads,
            _ => {
                let threads = processors();
                eprintln!("warning: {THREADS_VARIABLE} is no number of threads: {text:?}; using {threads}");
                threads
            }
        },
    }
    .min(MOST_THREADS)
}

/// How many threads work on large operations, the caller included.
///
/// ```
/// assert!(graph_core::num_threads() >= 1);
/// ```
pub fn num_threads() -> usize {
    CREW.num_threads()
}

/// Sets how many threads work on large operations, the caller included; 0 counts as 1. No result depends on it.
///
/// ```
/// let before = graph_core::num_threads();
/// graph_core::set_num_threads(1);
/// assert_eq!(graph_core::num_threads(), 1);
/// graph_core::set_num_threads(before);
/// ```
///
/// # Source
/// `torch.set_num_threads`.
pub fn set_num_threads(threads: usize) {
    CREW.set_num_threads(threads.clamp(1, MOST_THREADS));
}

/// Calls `work` with each of `0..parts`, on this thread and on those of the team that are free, and returns when all
/// parts are done. For kernels: what a part computes must not depend on the other parts, nor on the order.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// let sum = AtomicUsize::new(0);
/// graph_core::parallel(10, |part| {
///     sum.fetch_add(part, Ordering::Relaxed);
/// });
/// assert_eq!(sum.into_inner(), 45);
/// ```
///
/// # Panics
/// When a part does, after those that had been begun are done.
pub fn parallel(parts: usize, work: impl Fn(usize) + Sync) {
    if parts == 1 {
        return work(0);
    }
    CREW.parallel(parts, &work);
}

/// Whether work that asks for others might get them: a hint, for kernels that prepare differently for sharing and for working
/// alone. What they compute is the same.
///
/// ```
/// let before = graph_core::num_threads();
/// graph_core::set_num_threads(1);
/// assert!(!graph_core::can_share());
/// graph_core::set_num_threads(before);
/// ```
pub fn can_share() -> bool {
    CREW.num_threads() > 1 && !is_busy()
}
