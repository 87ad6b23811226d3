//! The rewrite engine: algebra as data.
//!
//! A [`Rule`] says that an op on certain operands is the same as something cheaper. Most rules are two patterns,
//! `Rule::new("mul-one", "mul(?x, 1)", "?x")`; where attributes must be computed, a rule is a function from the
//! [`Site`] to a [`Term`]. [`Rules`] is a table of them, and [`simplify`] the pass that applies it.
//!
//! # Patterns
//!
//! ```text
//! pattern = variable | literal | op "(" [pattern {"," pattern}] ")" {attribute}
//! variable = "?" word         literal = number | "true" | "false"
//! ```
//!
//! On the left, a variable matches any value, and only the same one again; a literal matches a constant of any shape
//! all of whose elements are that number (`0` and `-0` are different numbers to a float); an op matches an application
//! of the op of that name that has these attributes, whatever others it has. The operands of an op declared commutative
//! match in either order.
//!
//! On the right, a literal is a scalar of the dtype of what is replaced, and an op is made from its name and attributes.
//!
//! A rule fires only if the result has the fact of what it replaces. A variable or a literal on the right may also be
//! broadcast to it: `mul(?x, 1)` is `?x` even where the ones are a larger tensor.
//!
//! # How rules are applied
//!
//! The graph is copied, operands first; each op is tried against the rules before it is added, with operands that are
//! already in their final form, and what a rule makes of it is tried again. So one sweep reaches the end: no work list,
//! and nothing recurses on the depth of the graph. Operands of what was replaced stay until dead-node elimination.

mod pattern;
mod rule;
mod simplify;

pub use rule::{Bindings, FindOp, Rule, Rules, Site, Term};
pub use simplify::simplify;
