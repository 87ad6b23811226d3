//! The engine on graphs of a few small ops: text form, passes, rewriting, drawing, execution.

mod draw;
mod exec;
mod fuzz;
mod ops;
mod passes;
mod rewrite;
mod speed;
mod text;
