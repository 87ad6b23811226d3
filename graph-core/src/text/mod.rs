//! The text form of graphs: printed for people and snapshots, parsed back for tests and tools.
//!
//! ```text
//! graph      = "graph" name signature block
//! signature  = "(" [input {"," input}] ")"
//! input      = value ["donated"] [name] ":" fact
//! block      = "{" {node} "return" [values] "}"
//! node       = [values "="] (constant | application)
//! constant   = "constant" (element | "[" [element {"," element}] "]" | "splat" element) ":" fact
//! application= op "(" [values] ")" {attribute} [":" fact {"," fact}] {region}
//! attribute  = word "=" (number | "true" | "false" | dtype | "[" numbers "]" | string)
//! region     = ("body" | "vjp" | "then" | "else" | "condition") [name] signature block
//! values     = value {"," value}              value = "%" word
//! name       = word | string                  fact  = dtype "[" [number {"," number}] "]"
//! ```
//!
//! Values are numbered in topological order, from 0 in each graph and region. The elements of an array stand in
//! row-major order, whatever its shape; a large one is printed as `...`, which is not parsed, unless all its elements
//! are the same (`splat`). A region's name is left out where it is the word before it. What follows `//` is a comment.
//! Spaces and line breaks only separate.
//!
//! `if`, `while`, `for` and `call` are the structural kinds; their numbers (`carried`, `trips`, `scanned`) are written
//! as attributes. Every other word is an op, which the parser looks up by name and attributes.

mod element;
mod lexer;
mod parse;
mod print;

pub use parse::OpFromText;
pub use print::WithOrigins;

/// A constant in a few characters: its elements where they are few.
pub(crate) fn short_constant(array: &crate::array::Array) -> String {
    element::print(array).unwrap_or_else(|| "…".to_owned())
}
