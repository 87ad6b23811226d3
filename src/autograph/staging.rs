//! What drivers share: whether there is a trace to stage into, and errors about variables.

use graph_core::{DType, Error, Fact, Origin, Trace, TraceKind};
use graph_ops::{Tensor, raise};

use super::variable::Saved;

/// Whether tensors have no values now, so that control flow on them becomes part of a graph.
pub(super) fn is_tracing() -> bool {
    Trace::current().is_some_and(|trace| trace.kind() != TraceKind::Tape)
}

/// Whether this is in a branch or loop that is being traced.
pub(super) fn is_in_region() -> bool {
    Trace::current().is_some_and(|trace| trace.kind() == TraceKind::Region)
}

/// A condition is a bool scalar.
pub(super) fn check_condition(what: &str, condition: &Tensor, origin: Origin) {
    if *condition.fact() != Fact::scalar(DType::Bool) {
        let hint = match condition.dtype() {
            DType::Bool => "; reduce it with `.all(..)` or `.any(..)`",
            _ => "; compare it",
        };
        let message = format!("the condition of `{what}` is a bool scalar, not {}{hint}", condition.fact());
        raise(Error::Usage { message, origin });
    }
}

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
