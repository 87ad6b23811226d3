//! What is said of variables that a graph cannot hold.

use graph_core::{Error, Origin};
use graph_ops::{Tensor, raise};

use super::variable::Saved;

/// `x`, `x.w1` or `x[2]`.
pub(super) fn place(name: &str, saved: &Saved, leaf: usize) -> String {
    let path = saved.path(leaf);
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    if name.starts_with('(') || name.starts_with("the ") {
        let space = if path.is_empty() { "" } else { " " };
        return format!("{name}{space}{path}");
    }
    format!("`{name}{dot}{path}`")
}

/// A tensor's dtype and shape, and where it was made.
pub(super) fn described(tensor: &Tensor) -> String {
    format!("{} ({})", tensor.fact(), tensor.origin())
}

/// A variable that holds a host value changes where a tensor decides.
pub(super) fn raise_host_change(name: &str, first: &str, second: &str, how: &str, origin: Origin) -> ! {
    let name = if name.starts_with("the ") { name.to_owned() } else { format!("`{name}`") };
    let message = format!(
        "{name} is {first} {how} {second}, and a tensor decides which: a graph can only hold this as a tensor of one \
         dtype and shape; start from `Tensor::scalar(..)`"
    );
    raise(Error::Usage { message, origin })
}

/// A vector is pushed to in a loop that a graph cannot give rows of.
pub(super) fn raise_push(name: &str, what: &str, origin: Origin) -> ! {
    let message = format!(
        "`{name}` is pushed to in a `{what}` loop whose number of iterations is not known while it is traced; push \
         tensors in a `for` along the rows of a tensor or a range of host numbers, or make `{name}` a tensor and \
         assign its rows"
    );
    raise(Error::Usage { message, origin })
}
