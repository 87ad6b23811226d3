//! The tests of this crate, by topic.

mod every_op;
mod matmul;
mod misuse;
mod modes;
mod random;
mod reference;
mod support;
mod training_step;
