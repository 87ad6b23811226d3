//! Pace: whether work that is done again and again is faster on the team or on one thread.
//!
//! That cannot be known from shapes. Processors may be near to each other or on different chips, between which each cache line
//! takes ten times as long; the second one may be busy with something else; and both may change while a program runs. So the
//! work is timed now and then, both ways, and done the faster way until the next time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{alone, can_share};

/// Runs from one comparison to the next.
const PERIOD: u64 = 4096;
/// Runs of a comparison for each of the two ways, one after the other.
const TRIALS: u64 = 8;
/// The first of them, which find the data in the wrong cache, or helpers asleep.
const UNTIMED: u64 = 2;
/// Work that takes longer is left to the team: what is lost by sharing does not grow with it.
const LONG: Duration = Duration::from_millis(1);
/// One thread must be so much faster to be preferred: in percent of the team's time.
const CLEARLY: u64 = 95;

/// What is known about some work. Shared by those who do it at the same time; what they note may be lost, not wrong.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Runs so far.
    runs: AtomicU64,
    /// The least time that each way took in the last comparison, in nanoseconds; 0 before the first.
    together: AtomicU64,
    alone: AtomicU64,
}

/// How a run is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    is_alone: bool,
    timing: Timing,
}

/// Whether a run is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    Untimed,
    /// The first of this way in a comparison.
    First,
    Again,
}

impl Pace {
    /// Does the work, the faster way as far as is known. How long it took to fail says nothing.
    pub(crate) fn run<R, E>(&self, work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        if !can_share() {
            return work();
        }
        let turn = self.turn();
        let start = (turn.timing != Timing::Untimed).then(Instant::now);
        let result = if turn.is_alone { alone(work) } else { work() };
        if let (Some(start), Ok(_)) = (start, &result) {
            self.note(turn, start.elapsed());
        }
        result
    }

    /// Does the work the way that was found to be the faster one, without another comparison.
    pub(crate) fn run_as_found<R>(&self, work: impl FnOnce() -> R) -> R {
        if can_share() && self.is_faster_alone() { alone(work) } else { work() }
    }

    /// The next run's turn.
    fn turn(&self) -> Turn {
        let run = self.runs.load(Ordering::Relaxed);
        self.runs.store(run.wrapping_add(1), Ordering::Relaxed);
        let trial = run % PERIOD;
        if trial >= 2 * TRIALS {
            return Turn { is_alone: self.is_faster_alone(), timing: Timing::Untimed };
        }
        let is_long = self.together.load(Ordering::Relaxed) > LONG.as_nanos() as u64;
        if trial >= TRIALS && is_long {
            return Turn { is_alone: false, timing: Timing::Untimed };
        }
        let timing = match trial % TRIALS {
            ..UNTIMED => Timing::Untimed,
            UNTIMED => Timing::First,
            _ => Timing::Again,
        };
        Turn { is_alone: trial >= TRIALS, timing }
    }

    fn note(&self, turn: Turn, took: Duration) {
        let least = if turn.is_alone { &self.alone } else { &self.together };
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let before = least.load(Ordering::Relaxed);
        least.store(if turn.timing == Timing::First { took } else { took.min(before) }, Ordering::Relaxed);
    }

    fn is_faster_alone(&self) -> bool {
        let (together, alone) = (self.together.load(Ordering::Relaxed), self.alone.load(Ordering::Relaxed));
        alone > 0 && together <= LONG.as_nanos() as u64 && alone * 100 < together * CLEARLY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does a period of runs that take so many microseconds; how many were alone, and whether the last one was.
    fn period(pace: &Pace, together: u64, alone: u64) -> (u64, bool) {
        let mut count = 0;
        let mut last = false;
        for _ in 0..PERIOD {
            let turn = pace.turn();
            if turn.timing != Timing::Untimed {
                pace.note(turn, Duration::from_micros(if turn.is_alone { alone } else { together }));
            }
            count += u64::from(turn.is_alone);
            last = turn.is_alone;
        }
        (count, last)
    }

    #[test]
    fn the_faster_way_is_found_and_found_again() {
        let pace = Pace::default();
        assert_eq!(period(&pace, 30, 60), (TRIALS, false));
        assert_eq!(period(&pace, 80, 60), (PERIOD - TRIALS, true), "the processors are further apart now");
        assert_eq!(period(&pace, 62, 60), (TRIALS, false), "not clearly faster");
    }

    #[test]
    fn long_work_is_never_tried_alone() {
        let pace = Pace::default();
        assert_eq!(period(&pace, 2000, 1), (0, false));
        assert_eq!(period(&pace, 2000, 1), (0, false));
        assert_eq!(period(&pace, 30, 20), (PERIOD - TRIALS, true), "it may become short");
    }

    #[test]
    fn what_is_done_alone_is_done_on_this_thread() {
        let pace = Pace::default();
        let here = std::thread::current().id();
        // As after the half of a comparison with the team, which was quick.
        pace.runs.store(TRIALS, Ordering::Relaxed);
        for _ in 0..TRIALS {
            let parts = || {
                crate::parallel(4, |_| assert!(!can_share() && std::thread::current().id() == here));
                Ok::<(), ()>(())
            };
            pace.run(parts).expect("it does not fail");
        }
        assert!(can_share() || crate::num_threads() == 1, "and later on by all again");
        pace.together.store(2000, Ordering::Relaxed);
        pace.alone.store(1000, Ordering::Relaxed);
        pace.run_as_found(|| crate::parallel(4, |_| assert_eq!(std::thread::current().id(), here)));
    }
}
