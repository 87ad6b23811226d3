//! The threads behind the team, and how they find work.
//!
//! Each thread has a *share* of a piece's parts, neighbours of each other, and the same share of the next piece: what it wrote
//! there is in its own cache when it comes to read it. Once it is through with its own, it takes what is left of others'.
//!
//! A piece of work is *open* while its generation is odd. A helper that sees a generation it has not served counts itself
//! in, looks again, and takes parts until there are none. The owner takes parts, too, closes the piece, and waits until
//! nobody is inside. Counting in and looking again on one side, closing and looking for helpers on the other, are
//! sequentially consistent: either the helper sees that it came too late, or the owner sees the helper.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long a helper looks for work before it goes to sleep. To wake it costs some microseconds, and it comes late: so
/// it stays through the gaps between the steps of a program that does hardly anything else.
const PATIENCE: Duration = Duration::from_micros(200);
/// Looks of a helper until it lets others run, and looks at the clock.
const LOOKS: u32 = 256;
/// Looks of the owner for its helpers before it lets others run: a helper may have lost its processor.
const LOOKS_BEFORE_YIELD: u32 = 1 << 14;

/// Parts are shared out among no more threads than this; further ones help the first ones from the start.
const MOST_SHARES: usize = 16;

thread_local! {
    /// Whether this thread is within a part, whose own pieces it does alone.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread does by itself whatever it is asked to do.
pub(super) fn is_busy() -> bool {
    IS_BUSY.get()
}

/// Does some work, all parts of its pieces by itself.
pub(super) fn alone<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_BUSY.set(self.0);
        }
    }
    let _restore = Restore(IS_BUSY.replace(true));
    work()
}

/// On a cache line of its own (two, since processors fetch pairs), so that those who look do not disturb those who count.
#[repr(align(128))]
struct Apart<T>(T);

/// Some threads and the piece of work they share.
pub(super) struct Crew {
    /// Held by the owner of the piece.
    is_taken: Apart<AtomicBool>,
    /// Odd while a piece is open.
    generation: Apart<AtomicUsize>,
    /// The next part to take of each share.
    next: [Apart<AtomicUsize>; MOST_SHARES],
    /// Helpers that may be at a part.
    inside: Apart<AtomicUsize>,
    /// Helpers that sleep or are about to.
    asleep: AtomicUsize,
    /// Threads that work, the owner included.
    threads: AtomicUsize,
    piece: UnsafeCell<Piece>,
    /// Helpers that were started; changed under the lock of `helpers`.
    started: AtomicUsize,
    helpers: Mutex<Helpers>,
    /// What the first part that panicked said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A piece of work: a function of the part's number.
#[derive(Clone, Copy)]
struct Piece {
    work: *const (dyn Fn(usize) + Sync),
    parts: usize,
    shares: usize,
}

impl Piece {
    /// The first part of a share.
    fn start(self, share: usize) -> usize {
        self.parts * share / self.shares
    }
}

#[derive(Default)]
struct Helpers {
    /// To wake them by.
    handles: Vec<Thread>,
    /// The pools they run in. A helper stays in its job for good.
    pools: Vec<rayon::ThreadPool>,
}

// SAFETY: `piece` is written by the owner alone (who holds `is_taken`), while none is open. A helper that comes late may count
// itself in then, but reads the piece only if, after that, it finds the generation that it came for, which is one of an open
// piece: and that piece's owner waits for it. The function that a piece points to is Sync and outlives the piece: `parallel`
// neither returns nor unwinds before everybody has left (`Open`).
unsafe impl Sync for Crew {}
// SAFETY: as above.
unsafe impl Send for Crew {}

impl Crew {
    pub(super) fn new(threads: usize) -> Crew {
        Crew {
            is_taken: Apart(AtomicBool::new(false)),
            generation: Apart(AtomicUsize::new(0)),
            next: [const { Apart(AtomicUsize::new(0)) }; MOST_SHARES],
            inside: Apart(AtomicUsize::new(0)),
            asleep: AtomicUsize::new(0),
            threads: AtomicUsize::new(threads),
            piece: UnsafeCell::new(Piece { work: &|_| {}, parts: 0, shares: 1 }),
            started: AtomicUsize::new(0),
            helpers: Mutex::default(),
            panic: Mutex::default(),
        }
    }

    pub(super) fn num_threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    pub(super) fn set_num_threads(&'static self, threads: usize) {
        self.threads.store(threads, Ordering::Relaxed);
        // Helpers that were not wanted sleep.
        lock(&self.helpers).handles.iter().for_each(Thread::unpark);
    }

    /// Calls `work` with each of `0..parts`.
    pub(super) fn parallel(&'static self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        let threads = self.num_threads();
        let is_alone = threads == 1 || parts < 2 || is_busy();
        if is_alone || self.is_taken.0.swap(true, Ordering::Acquire) {
            return (0..parts).for_each(work);
        }
        let _taken = Taken(self);
        // SAFETY: only the lifetime changes; nobody uses the pointer once the piece is closed, before this function ends.
        let work = unsafe {
            std::mem::transmute::<&(dyn Fn(usize) + Sync), *const (dyn Fn(usize) + Sync + 'static)>(work)
        };
        let piece = Piece { work, parts, shares: threads.min(parts).min(MOST_SHARES) };
        // SAFETY: we hold `is_taken`, and the owner before us waited until nobody was inside.
        unsafe { *self.piece.get() = piece };
        for (share, next) in self.next[..piece.shares].iter().enumerate() {
            next.0.store(piece.start(share), Ordering::Relaxed);
        }
        self.generation.0.fetch_add(1, Ordering::SeqCst);
        let open = Open(self);
        self.call_helpers(threads - 1);
        alone(|| self.take_parts(piece, 0));
        drop(open);
        let panic = match self.next[0].0.load(Ordering::Relaxed) {
            PANICKED.. => lock(&self.panic).take(),
            _ => None,
        };
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Makes the helpers that there are not yet, and wakes those that sleep.
    fn call_helpers(&'static self, wanted: usize) {
        let is_short =
            self.asleep.load(Ordering::SeqCst) > 0 || self.started.load(Ordering::Relaxed) < wanted;
        if !is_short {
            return;
        }
        let mut helpers = lock(&self.helpers);
        if self.started.load(Ordering::Relaxed) < wanted {
            self.start(&mut helpers, wanted);
        }
        helpers.handles.iter().for_each(Thread::unpark);
    }

    fn start(&'static self, helpers: &mut Helpers, wanted: usize) {
        let first = self.started.swap(wanted, Ordering::Relaxed);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(wanted - first)
            .thread_name(move |index| format!("grafito-{}", first + index + 1))
            .build();
        // Where the system gives no more threads, those that there are do the work.
        if let Ok(pool) = pool {
            pool.spawn_broadcast(move |context| self.help(first + context.index()));
            helpers.pools.push(pool);
        }
    }

    /// The life of a helper.
    fn help(&'static self, index: usize) {
        IS_BUSY.set(true);
        lock(&self.helpers).handles.push(std::thread::current());
        let mut served = 0;
        loop {
            let generation = self.wait_for_work(served);
            served = generation;
            if index + 1 >= self.num_threads() {
                // Fewer threads were asked for since: back to sleep, without waiting for more.
                std::thread::park();
                continue;
            }
            self.inside.0.fetch_add(1, Ordering::SeqCst);
            if self.generation.0.load(Ordering::SeqCst) == generation {
                // SAFETY: the piece was open after we had counted ourselves in, so its owner waits for us.
                self.take_parts(unsafe { *self.piece.get() }, index + 1);
            }
            self.inside.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// The generation of an open piece other than the one served last.
    fn wait_for_work(&self, served: usize) -> usize {
        let is_new = |generation: usize| generation % 2 == 1 && generation != served;
        let mut since = Instant::now();
        loop {
            for _ in 0..LOOKS {
                let generation = self.generation.0.load(Ordering::Acquire);
                if is_new(generation) {
                    return generation;
                }
                std::hint::spin_loop();
            }
            // On a busy machine it may be the owner that waits for this very processor.
            std::thread::yield_now();
            if since.elapsed() > PATIENCE {
                self.asleep.fetch_add(1, Ordering::SeqCst);
                // Opened just now, the piece may have been opened by one who did not see us asleep.
                if !is_new(self.generation.0.load(Ordering::SeqCst)) {
                    std::thread::park();
                }
                self.asleep.fetch_sub(1, Ordering::SeqCst);
                since = Instant::now();
            }
        }
    }

    /// Does the parts of a thread's share, then of others', until none is left.
    fn take_parts(&self, piece: Piece, thread: usize) {
        // SAFETY: the piece is open, or its owner waits for us.
        let work = unsafe { &*piece.work };
        for turn in 0..piece.shares {
            let share = (thread + turn) % piece.shares;
            let (next, end) = (&self.next[share].0, piece.start(share + 1));
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= end {
                    break;
                }
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(part))) {
                    let mut first = lock(&self.panic);
                    match &*first {
                        None => *first = Some(panic),
                        Some(_) => discard(panic),
                    }
                    drop(first);
                    self.next.iter().for_each(|next| next.0.store(PANICKED, Ordering::Relaxed));
                    return;
                }
            }
        }
    }
}

/// The right to open a piece, until it is dropped.
struct Taken<'a>(&'a Crew);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.is_taken.0.store(false, Ordering::Release);
    }
}

/// An open piece. When it is dropped, however that comes about, it is closed, and nobody is inside any more.
struct Open<'a>(&'a Crew);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.generation.0.fetch_add(1, Ordering::SeqCst);
        let mut looks = 0;
        while self.0.inside.0.load(Ordering::SeqCst) != 0 {
            looks += 1;
            if looks % LOOKS_BEFORE_YIELD == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

/// The next part, after one has panicked: there is none, however often it is counted up.
const PANICKED: usize = usize::MAX / 2;

/// Drops what a panic said, which may panic, too: what that says is dropped in the same way, and what comes then is kept.
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(panic)))
        && let Err(last) = catch_unwind(AssertUnwindSafe(|| drop(next)))
    {
        std::mem::forget(last);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Crew;

    /// A crew for one test; its helpers never end, so neither does it.
    fn crew(threads: usize) -> &'static Crew {
        Box::leak(Box::new(Crew::new(threads)))
    }

    const ROUNDS: usize = if cfg!(miri) { 20 } else { 5000 };

    #[test]
    fn every_part_is_done_once() {
        let crew = crew(3);
        for round in 0..ROUNDS {
            let parts = round % 7;
            let done: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
            crew.parallel(parts, &|part| {
                done[part].fetch_add(1, Ordering::Relaxed);
            });
            assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1), "round {round}");
        }
    }

    #[test]
    fn more_threads_than_shares_or_parts() {
        let crew = crew(2 * super::MOST_SHARES);
        for parts in [2, 3, super::MOST_SHARES - 1, super::MOST_SHARES + 1, 100] {
            for _ in 0..20 {
                let done: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                crew.parallel(parts, &|part| {
                    done[part].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{parts} parts");
            }
        }
    }

    #[test]
    fn what_parts_write_is_there_afterwards() {
        let crew = crew(4);
        for round in 0..ROUNDS {
            let mut values = [0usize; 8];
            let start = values.as_mut_ptr() as usize;
            crew.parallel(8, &|part| {
                // SAFETY: each part writes an element of its own, of an array that outlives the call.
                unsafe { (start as *mut usize).add(part).write(round + part) };
            });
            assert!(values.iter().enumerate().all(|(i, &value)| value == round + i));
        }
    }

    #[test]
    fn several_owners_and_nested_pieces() {
        let crew = crew(2);
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS / 10 {
                        crew.parallel(3, &|_| {
                            crew.parallel(2, &|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * (ROUNDS / 10) * 6);
    }

    #[test]
    fn a_panic_comes_back_and_leaves_the_crew_whole() {
        let crew = crew(2);
        for _ in 0..20 {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
                crew.parallel(8, &|part| assert!(part != 3, "part three"));
            }));
            let message = *result.expect_err("a part panicked").downcast::<&str>().expect("a text");
            assert_eq!(message, "part three");
            let count = AtomicUsize::new(0);
            crew.parallel(4, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 4);
        }
    }

    /// A payload that must not be dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("a payload was dropped");
            }
        }
    }

    #[test]
    fn a_payload_that_panics_does_not_end_a_piece_early() {
        let crew = crew(4);
        for _ in 0..20 {
            let inside = AtomicUsize::new(0);
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
                crew.parallel(64, &|_| {
                    inside.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_micros(100));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    std::panic::panic_any(Bomb);
                });
            }));
            assert_eq!(inside.load(Ordering::SeqCst), 0, "nobody is at a part any more");
            std::mem::forget(result);
            let count = AtomicUsize::new(0);
            crew.parallel(4, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 4);
            assert!(!super::is_busy());
        }
    }

    #[test]
    fn helpers_wake_after_they_slept() {
        let crew = crew(2);
        for _ in 0..3 {
            std::thread::sleep(super::PATIENCE * 20);
            let count = AtomicUsize::new(0);
            crew.parallel(4, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 4);
        }
    }
}
