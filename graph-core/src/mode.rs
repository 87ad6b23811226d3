//! Modes: whether an operation computes at once (eager) or is recorded first (lazy).

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};

/// When operations are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// At once, one by one.
    Eager,
    /// When a value is read, as an optimized graph.
    Lazy,
}

/// The environment variable that overrides the mode a program starts in: `eager` or `lazy`.
pub const MODE_VARIABLE: &str = "GRAFITO_MODE";

const UNSET: u8 = 0;
const EAGER: u8 = 1;
const LAZY: u8 = 2;

static PROCESS_MODE: AtomicU8 = AtomicU8::new(UNSET);

/// What a program starts in when the environment says nothing. Features of Cargo add up, so with both it is lazy.
const DEFAULT_MODE: Mode =
    if cfg!(feature = "eager") && !cfg!(feature = "lazy") { Mode::Eager } else { Mode::Lazy };

thread_local! {
    static THREAD_MODE: Cell<Option<Mode>> = const { Cell::new(None) };
}

/// The mode of this thread: that of the innermost [`with_mode`], else the one set by [`set_mode`], else what
/// `GRAFITO_MODE` says, else what the Cargo features say, else lazy.
pub fn mode() -> Mode {
    if let Some(mode) = THREAD_MODE.get() {
        return mode;
    }
    match PROCESS_MODE.load(Ordering::Relaxed) {
        EAGER => Mode::Eager,
        LAZY => Mode::Lazy,
        _ => {
            let mode = starting_mode();
            // Another thread may have set the mode meanwhile; that one holds.
            match PROCESS_MODE.compare_exchange(UNSET, code(mode), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => mode,
                Err(EAGER) => Mode::Eager,
                Err(_) => Mode::Lazy,
            }
        }
    }
}

/// Sets the mode of the process; threads inside [`with_mode`] keep theirs.
pub fn set_mode(mode: Mode) {
    PROCESS_MODE.store(code(mode), Ordering::Relaxed);
}

/// Runs `body` in a mode, on this thread.
///
/// ```
/// use graph_core::{Mode, mode, with_mode};
/// assert_eq!(with_mode(Mode::Eager, mode), Mode::Eager);
/// ```
pub fn with_mode<R>(mode: Mode, body: impl FnOnce() -> R) -> R {
    struct Restore(Option<Mode>);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREAD_MODE.set(self.0);
        }
    }
    let _restore = Restore(THREAD_MODE.replace(Some(mode)));
    body()
}

fn code(mode: Mode) -> u8 {
    match mode {
        Mode::Eager => EAGER,
        Mode::Lazy => LAZY,
    }
}

fn starting_mode() -> Mode {
    match std::env::var(MODE_VARIABLE) {
        Ok(word) if word.eq_ignore_ascii_case("eager") => Mode::Eager,
        Ok(word) if word.eq_ignore_ascii_case("lazy") => Mode::Lazy,
        Ok(word) if !word.is_empty() => {
            eprintln!(
                "warning: {MODE_VARIABLE}={word} is neither `eager` nor `lazy`; using {DEFAULT_MODE:?}"
            );
            DEFAULT_MODE
        }
        _ => DEFAULT_MODE,
    }
}
