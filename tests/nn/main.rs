//! Models and what trains them.

#[path = "../../examples/mnist/model.rs"]
mod model;

mod callbacks;
mod checkpoints;
mod compiling;
mod data;
mod errors;
mod example;
mod fuzz;
mod initializers;
mod layers;
mod losses;
mod metrics;
mod optimizers;
mod parity;
mod recipe;
mod resuming;
mod schedules;
mod steps;
mod support;
mod tables;
mod values;
