//! `println!` and `assert!`: done at once for host values, and whenever the graph runs for tensors.

use std::fmt::Debug;

use graph_core::Origin;
use graph_ops::{Tensor, print_text};

/// Prints a text, in which tensors may be shown that have no values yet.
#[track_caller]
pub fn print(is_error: bool, is_line: bool, text: impl FnOnce() -> String) {
    print_text(is_error, || {
        let mut text = text();
        if is_line {
            text.push('\n');
        }
        text
    });
}

/// `dbg!`: prints an expression, where it stands and its value, which it gives.
#[track_caller]
pub fn dbg<T: Debug>(expression: &str, value: T) -> T {
    let origin = Origin::caller();
    print_text(true, || format!("[{origin}] {expression} = {value:#?}\n"));
    value
}

/// What can be asserted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asserted",
    label = "neither a `bool` nor a tensor",
    note = "a `bool`, or a tensor of dtype bool, all of whose elements must be true"
)]
pub trait Checked {
    /// Fails with a message unless it holds.
    fn check(self, message: impl FnOnce() -> String);
}

impl Checked for bool {
    #[track_caller]
    fn check(self, message: impl FnOnce() -> String) {
        if !self {
            panic!("{}", message())
        }
    }
}

impl Checked for Tensor {
    #[track_caller]
    fn check(self, message: impl FnOnce() -> String) {
        graph_ops::check(&self, message);
    }
}

impl Checked for &Tensor {
    #[track_caller]
    fn check(self, message: impl FnOnce() -> String) {
        graph_ops::check(self, message);
    }
}

/// Fails with a message unless a condition holds.
#[track_caller]
pub fn check(condition: impl Checked, message: impl FnOnce() -> String) {
    condition.check(message);
}

/// What `assert_eq!` says.
pub fn unequal(sign: &str, said: String, left: String, right: String) -> String {
    let colon = if said.is_empty() { "" } else { ": " };
    format!("assertion `left {sign} right` failed{colon}{said}\n  left: {left}\n right: {right}")
}
