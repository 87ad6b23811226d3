//! Origins: where in the user's code a value was made.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;

/// File, line and column of the user's expression that made a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin(&'static Location<'static>);

thread_local! {
    static OVERRIDE: Cell<Option<Origin>> = const { Cell::new(None) };
}

impl Origin {
    /// The caller's position, through every `#[track_caller]` function in between.
    ///
    /// Inside [`Origin::scope`] it is the scope's origin: ops that a gradient rule emits belong to the line of the
    /// op being differentiated, not to the rule's own source.
    #[track_caller]
    pub fn caller() -> Origin {
        OVERRIDE.get().unwrap_or(Origin(Location::caller()))
    }

    /// Runs `body` with every [`Origin::caller`] on this thread answering `self`.
    pub fn scope<R>(self, body: impl FnOnce() -> R) -> R {
        struct Restore(Option<Origin>);
        impl Drop for Restore {
            fn drop(&mut self) {
                OVERRIDE.set(self.0);
            }
        }
        let _restore = Restore(OVERRIDE.replace(Some(self)));
        body()
    }

    /// Source file, as the compiler was given it.
    pub fn file(self) -> &'static str {
        self.0.file()
    }

    /// Line, counted from 1.
    pub fn line(self) -> u32 {
        self.0.line()
    }

    /// Column, counted from 1.
    pub fn column(self) -> u32 {
        self.0.column()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line(), self.column())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
