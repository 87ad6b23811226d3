//! Results: what a traced function may return.
//!
//! Stands here and not beside the functions, since only the crate of `TensorTree` may tell `Result` from every tree.

use std::any::Any;

use crate::tree::TensorTree;

/// A result: a tree of tensors, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "a `#[graph_fn]` cannot return `{Self}`",
    note = "it returns a tree of tensors (see `#[derive(TensorTree)]`), host values included, or a `Result` of one"
)]
pub trait Returned: Sized {
    /// The tree.
    type Tree: TensorTree + Any + Send + Sync;
    /// The tree, if there is one; an `Err` goes back to the caller as it is, and nothing is cached.
    ///
    /// # Errors
    /// The result itself.
    fn into_tree(self) -> Result<Self::Tree, Self>;
    /// The result around a tree.
    fn from_tree(tree: Self::Tree) -> Self;
}

impl<T: TensorTree + Any + Send + Sync> Returned for T {
    type Tree = T;
    fn into_tree(self) -> Result<T, T> {
        Ok(self)
    }
    fn from_tree(tree: T) -> T {
        tree
    }
}

impl<T: TensorTree + Any + Send + Sync, E> Returned for Result<T, E> {
    type Tree = T;
    fn into_tree(self) -> Result<T, Result<T, E>> {
        self.map_err(Err)
    }
    fn from_tree(tree: T) -> Result<T, E> {
        Ok(tree)
    }
}
