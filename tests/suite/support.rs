//! What several topics need: a panic with its place, an op that counts its runs, both modes side by side.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, Weak};

use grafito::prelude::*;
use grafito::{Error, Fact, Facts, Kernel, Op, OpError, Source, View, ViewMut};

/// A panic: what it said and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panicked {
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

thread_local! {
    static WATCHED: RefCell<Option<Option<Panicked>>> = const { RefCell::new(None) };
}

/// The panic with which `body` ends.
#[track_caller]
pub(crate) fn panic_of<R>(body: impl FnOnce() -> R) -> Panicked {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_watched = WATCHED.with_borrow_mut(|watched| match watched {
                Some(seen) => {
                    let place = info.location().expect("every panic has a place");
                    let message = info.payload_as_str().unwrap_or("no text").to_owned();
                    *seen = Some(Panicked { message, file: place.file().to_owned(), line: place.line() });
                    true
                }
                None => false,
            });
            if !is_watched {
                before(info);
            }
        }));
    });
    WATCHED.set(Some(None));
    let result = catch_unwind(AssertUnwindSafe(body));
    let seen = WATCHED.take().expect("set above");
    assert!(result.is_err(), "the body was expected to panic");
    seen.expect("a panic calls the hook")
}

/// Runs `body` in each mode and checks that both give the same, which is returned.
#[track_caller]
pub(crate) fn both<R: PartialEq + std::fmt::Debug>(body: impl Fn() -> R) -> R {
    let eager = with_mode(Mode::Eager, &body);
    let lazy = with_mode(Mode::Lazy, &body);
    assert_eq!(eager, lazy, "eager (left) and lazy (right) differ");
    lazy
}

/// The identity, counting how often its kernel runs. Its gradient is that of the identity.
#[derive(Debug, Clone)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn new() -> Counted {
        Counted(Arc::default())
    }

    #[track_caller]
    pub(crate) fn of(&self, x: &Tensor) -> Tensor {
        grafito::apply(self.clone(), &[x])
    }

    /// How often the kernel has run.
    pub(crate) fn runs(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Goes when the last graph or plan with this op goes.
    pub(crate) fn into_weak(self) -> Weak<AtomicUsize> {
        Arc::downgrade(&self.0)
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Counted) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Counted {}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Op for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(std::iter::once(inputs[0].clone()).collect())
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let count = self.0.clone();
        Ok(Box::new(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            count.fetch_add(1, Ordering::SeqCst);
            let view: View<'_> = ins[0].view();
            outs[0].copy_from(view);
            Ok(())
        }))
    }
}

/// An op without a gradient, whose kernel fails when told to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Failing {
    pub(crate) panics: bool,
}

impl Op for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(std::iter::once(inputs[0].clone()).collect())
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let panics = self.panics;
        Ok(Box::new(move |_: &mut [ViewMut<'_>], _: &[Source<'_>]| {
            assert!(!panics, "the kernel panics");
            Err(OpError::value("the kernel fails"))
        }))
    }
}

/// The text of an error.
#[track_caller]
pub(crate) fn text<R: std::fmt::Debug>(result: Result<R, Error>) -> String {
    result.expect_err("an error").to_string()
}

/// The start of a tensor's memory.
pub(crate) fn address(tensor: &Tensor) -> usize {
    tensor.try_array().expect("computed").address()
}
