//! What a gradient rule is given: one node, and the cotangents of its outputs.

use std::any::Any;

use crate::error::Error;
use crate::ids::Value;
use crate::origin::Origin;

/// One node as its gradient rule sees it.
///
/// Traces are made of graphs, graphs of ops, and ops have gradient rules, which emit into traces. The ring is broken
/// here: to this module the trace is just [`Any`]. `grad` makes it, and gives it back as `Vjp::trace`.
#[derive(Debug)]
pub struct Vjp<'a> {
    /// The trace to emit into.
    pub(crate) recorder: &'a dyn Any,
    /// The node's operands.
    pub inputs: &'a [Value],
    /// The node's outputs.
    pub outputs: &'a [Value],
    /// The cotangent of each output; `None` means zero.
    pub cotangents: &'a [Option<Value>],
    /// Which inputs need a cotangent; a rule may skip the others.
    pub needed: &'a [bool],
    /// Where the user applied the op.
    pub origin: Origin,
}

impl Vjp<'_> {
    /// The error of an op that has no gradient.
    pub fn no_gradient(&self, op: &str) -> Error {
        Error::Gradient { message: format!("`{op}` has no gradient"), origin: self.origin }
    }
}
