//! Control flow on tensors in traced functions: what the emitted code of `#[graph_fn]` runs on.
//!
//! A lowered construct is straight Rust around a *driver*, which decides by the type of the condition or iterator.
//! For host values it says which way Rust goes, and that is all. For tensors it lets every arm run once, each in a
//! region of its own, and merges what the arms left in the variables that they assign into one structural node.
//!
//! | driver | construct |
//! | --- | --- |
//! | [`If`] | `if`, and the rest of a block after something that may have left it |
//! | [`While`] | `while` |
//! | [`Endless`] | `loop` |
//! | [`For`] | `for` |
//!
//! `break`, `continue` and `return` set a [`Flag`], and leave the innermost arm. A flag is a host `bool` until it is
//! set under a tensor condition; the rest of the block and of the iterations is then guarded by it. What is returned,
//! or given to `break`, waits in a [`Slot`].

mod branch;
mod endless;
mod flow;
mod for_loop;
mod index;
mod limit;
mod logic;
mod loops;
mod output;
mod report;
mod tracing;
mod variable;
mod while_loop;

pub use branch::{Arms, If, JoinAny, JoinTree};
pub use endless::Endless;
pub use flow::{Flag, Results, Slot, tried};
pub use for_loop::{Bounds, For, HostRange, HostSteps, IntoSteps, Iterate, Steps, TensorBounds, TensorSteps};
pub use index::{HostAt, HostPlace, TensorAt, TensorIndex, TensorPlace};
pub use limit::Iterations;
pub use logic::{
    Compare, CompareHost, CompareScalar, CompareTensor, Condition, HostBool, Logic, dup, host_bool, matched,
    truth,
};
pub use output::{Checked, check, dbg, print, unequal};
pub use variable::{Entry, OpaqueVariable, TreeVariable, Var};
pub use while_loop::While;
