//! Origins: where in the user's code a value was made, and for which part of the program.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;

use crate::scope::NameScope;

/// File, line and column of the user's expression that made a value, and the name scope that it was made in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    location: &'static Location<'static>,
    name_scope: NameScope,
}

thread_local! {
    static OVERRIDE: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

impl Origin {
    /// The caller's position, through every `#[track_caller]` function in between, in the name scope that this thread is
    /// in.
    ///
    /// Inside [`Origin::scope`] it is the position given there: ops that a gradient rule emits belong to the line of the
    /// op being differentiated, not to the rule's own source.
    #[track_caller]
    pub fn caller() -> Origin {
        let location = OVERRIDE.get().unwrap_or(Location::caller());
        Origin { location, name_scope: NameScope::current() }
    }

    /// Runs `body` with every [`Origin::caller`] on this thread answering the position of `self`. Name scopes are not
    /// touched.
    pub fn scope<R>(self, body: impl FnOnce() -> R) -> R {
        struct Restore(Option<&'static Location<'static>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                OVERRIDE.set(self.0);
            }
        }
        let _restore = Restore(OVERRIDE.replace(Some(self.location)));
        body()
    }

    /// The part of the program that made the value.
    pub fn name_scope(self) -> NameScope {
        self.name_scope
    }

    /// The same position in another name scope.
    #[must_use]
    pub fn in_scope(self, name_scope: NameScope) -> Origin {
        Origin { name_scope, ..self }
    }

    /// The same position in the name scope that this thread is in.
    #[must_use]
    pub fn here(self) -> Origin {
        self.in_scope(NameScope::current())
    }

    /// The same for what stood in a nested graph, and now stands in the graph around it: its scope lies in `surroundings`.
    #[must_use]
    pub fn moved_to(self, surroundings: NameScope) -> Origin {
        self.in_scope(surroundings.join(self.name_scope))
    }

    /// Source file, as the compiler was given it.
    pub fn file(self) -> &'static str {
        self.location.file()
    }

    /// Line, counted from 1.
    pub fn line(self) -> u32 {
        self.location.line()
    }

    /// Column, counted from 1.
    pub fn column(self) -> u32 {
        self.location.column()
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
