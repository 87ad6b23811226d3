//! Grafito.

pub mod datasets;
pub mod terminal;
