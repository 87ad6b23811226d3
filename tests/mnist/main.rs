//! The MNIST example: its numbers, and its command line as people use it.

#[path = "../../examples/mnist/model.rs"]
mod model;

mod agreement;
mod command_line;
