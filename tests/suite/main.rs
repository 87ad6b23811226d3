//! The library as its users see it: traced functions, gradients, lazy values, sessions, errors.

mod cache;
mod diagnostics;
mod errors;
mod functions;
mod gradients;
mod inspection;
mod lines;
mod methods;
mod modes;
mod nesting;
mod pending;
mod programs;
mod session;
mod sources;
mod state;
mod support;
