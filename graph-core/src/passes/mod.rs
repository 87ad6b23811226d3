//! Passes: functions that make a graph cheaper without changing what it computes.
//!
//! A pass is a function `fn(&mut Graph) -> Result<Changed, Error>` in a file of its own, which states its purpose, its
//! precondition and its postcondition. Every pass
//!
//! - keeps the bits of every output (but for rules that say they make a float more exact), and the signature of the
//!   graph,
//! - keeps what acts on the world: neither removed nor merged nor reordered,
//! - keeps the [`Origin`](crate::origin::Origin) of every node it keeps, and gives what it makes that of what it replaces,
//! - descends into regions,
//! - is idempotent: run again at once, it changes nothing,
//! - takes time in proportion to the graph, and does not recurse on the depth of the graph (only on that of regions).
//!
//! Most passes do not change a graph but copy it, node by node in order, and decide for each node what to emit: see
//! [`rebuild`](rebuild::rebuild). So a pass sees the operands as they have become, and node indices stay in order.
//!
//! [`Pipeline`] runs an ordered list of passes until nothing changes any more.

mod cse;
mod dce;
mod fold;
mod forward;
mod hoist;
mod inline;
mod pipeline;
mod quiet;
pub(crate) mod rebuild;
mod same;
mod share;
mod unroll;

pub use cse::cse;
pub use dce::dce;
pub use fold::fold;
pub use forward::forward;
pub use hoist::hoist;
pub use inline::inline;
pub use pipeline::{Pass, PassRun, Pipeline, Report};
pub(crate) use quiet::quiet;
pub use rebuild::Changed;
pub use share::share;
pub use unroll::{Reshape, unroll};
