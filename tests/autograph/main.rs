//! Converted control flow: one source, run as plain Rust over host values, eagerly, and as a graph.

mod cases;
mod collecting;
mod corners;
mod ends;
mod gradients;
mod jumps;
mod lent;
mod messages;
mod support;
