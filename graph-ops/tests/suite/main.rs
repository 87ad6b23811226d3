//! The tests of this crate, by topic.

mod matmul;
mod modes;
mod support;
mod training_step;
