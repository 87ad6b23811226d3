//! The tests of this crate, by topic.

mod every_op;
mod matmul;
mod modes;
mod support;
mod training_step;
