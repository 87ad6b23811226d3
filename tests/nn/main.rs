//! Models and what trains them.

#[path = "../../examples/mnist/model.rs"]
mod model;

mod parity;
mod support;
