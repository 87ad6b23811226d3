//! Logs for TensorBoard: read back by a reader of their own, and by TensorBoard itself.

mod callback;
mod content;
mod example;
mod failure;
mod graphs;
mod profile;
mod reader;
mod real;
mod support;
