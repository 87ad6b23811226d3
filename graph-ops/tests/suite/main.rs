//! The tests of this crate, by topic.

mod control;
mod eager;
mod every_op;
mod lies;
mod math;
mod matmul;
mod misuse;
mod modes;
mod pointwise;
mod random;
mod ranges;
mod reference;
mod row_programs;
mod scalar_programs;
mod support;
mod threads;
mod tiles;
mod training_step;
mod windows;
