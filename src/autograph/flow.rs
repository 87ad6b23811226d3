//! What `break`, `continue` and `return` leave behind.

use std::any::Any;
use std::ops::ControlFlow;

use graph_core::{Error, Origin};
use graph_ops::{Fixed, Returned, Tensor, TensorTree, TreeVisitor, Variant, raise};

use super::tracing::is_in_region;

/// Whether something has been left: a host value until it is set under a tensor condition.
#[derive(Debug, Clone)]
pub enum Flag {
    /// Known while tracing.
    Host(bool),
    /// Known when the graph runs: a bool scalar.
    Tensor(Tensor),
}

impl Flag {
    /// A flag that is not set.
    pub fn off() -> Flag {
        Flag::Host(false)
    }

    /// Sets it.
    pub fn set(&mut self) {
        *self = Flag::Host(true);
    }

    /// Whether it is set for certain.
    pub fn is_set(&self) -> bool {
        matches!(self, Flag::Host(true))
    }

    /// Whether none of these is set.
    pub fn none_of(flags: &[&Flag]) -> Flag {
        if flags.iter().any(|flag| flag.is_set()) {
            return Flag::Host(false);
        }
        let tensors = flags.iter().filter_map(|flag| match flag {
            Flag::Tensor(tensor) => Some(tensor.clone()),
            Flag::Host(_) => None,
        });
        match tensors.reduce(|a, b| a | b) {
            Some(any) => Flag::Tensor(!any),
            None => Flag::Host(true),
        }
    }
}

impl TensorTree for Flag {
    fn visit(&self, visitor: &mut dyn TreeVisitor) {
        match self {
            Flag::Host(set) => visitor.fixed(set as &dyn Fixed),
            Flag::Tensor(tensor) => {
                visitor.fixed(&Variant("Tensor"));
                visitor.leaf(tensor);
            }
        }
    }
    fn map_leaves(&self, f: &mut dyn FnMut(&Tensor) -> Tensor) -> Flag {
        match self {
            Flag::Host(set) => Flag::Host(*set),
            Flag::Tensor(tensor) => Flag::Tensor(f(tensor)),
        }
    }
    fn for_each_leaf_mut(&mut self, f: &mut dyn FnMut(&mut Tensor)) {
        if let Flag::Tensor(tensor) = self {
            f(tensor);
        }
    }
}

/// What `break` or `return` gave, once one did.
#[derive(Debug)]
pub struct Slot<T>(pub(super) Option<T>);

impl<T> Slot<T> {
    /// An empty slot.
    pub fn empty() -> Slot<T> {
        Slot(None)
    }

    /// Puts a value in.
    pub fn put(&mut self, value: T) {
        self.0 = Some(value);
    }

    /// Takes the value out.
    ///
    /// # Panics
    /// When there is none: control flow that ends without a value.
    #[track_caller]
    pub fn take(self) -> T {
        match self.0 {
            Some(value) => value,
            None => raise(Error::Usage {
                message: "this ends without having given a value on any path".to_owned(),
                origin: Origin::caller(),
            }),
        }
    }
}

/// What a function gives back: its slot for trees, and what cannot wait there.
#[derive(Debug)]
pub struct Results<R: Returned> {
    /// The `Err` with which the function ends.
    failed: Option<R>,
}

impl<R: Returned> Results<R>
where
    R::Tree: Any,
{
    /// Nothing yet, with the slot for trees.
    pub fn new() -> (Results<R>, Slot<R::Tree>) {
        (Results { failed: None }, Slot::empty())
    }

    /// A value is returned.
    ///
    /// # Panics
    /// When it is an `Err` under a tensor condition.
    #[track_caller]
    pub fn put(&mut self, slot: &mut Slot<R::Tree>, value: R) {
        match value.into_tree() {
            Ok(tree) => slot.put(tree),
            Err(_) if is_in_region() => undecided("Err"),
            Err(failed) => self.failed = Some(failed),
        }
    }

    /// What is given back at the end.
    #[track_caller]
    pub fn finish(self, slot: Slot<R::Tree>) -> R {
        match self.failed {
            Some(failed) => failed,
            None => R::from_tree(slot.take()),
        }
    }
}

/// What `?` is written behind.
pub trait Tried {
    /// The variant with which it returns, if this is one.
    fn leaves_with(&self) -> Option<&'static str>;
}

impl<T, E> Tried for Result<T, E> {
    fn leaves_with(&self) -> Option<&'static str> {
        self.is_err().then_some("Err")
    }
}

impl<T> Tried for Option<T> {
    fn leaves_with(&self) -> Option<&'static str> {
        self.is_none().then_some("None")
    }
}

impl<B, C> Tried for ControlFlow<B, C> {
    fn leaves_with(&self) -> Option<&'static str> {
        self.is_break().then_some("Break")
    }
}

/// What `?` is written behind in code that a tensor may decide on.
///
/// # Panics
/// When it would return there.
#[track_caller]
pub fn tried<T: Tried>(value: T) -> T {
    match value.leaves_with() {
        Some(variant) if is_in_region() => undecided(variant),
        _ => value,
    }
}

#[track_caller]
fn undecided(variant: &str) -> ! {
    let message = format!(
        "whether this `{variant}` is returned depends on a tensor, whose value is not known while the function is \
         traced; `assert!` it, or return a flag as a tensor"
    );
    raise(Error::Usage { message, origin: Origin::caller() })
}
