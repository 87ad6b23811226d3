//! The ops: each in one place, with its shape rule, gradient, kernel binding and class.

pub mod algebra;
pub mod axes;
pub mod pointwise;
pub mod reduce;
pub mod view;
pub mod vjp;
