//! Whether a graph is being made.

use graph_core::{Trace, TraceKind};

/// Whether tensors have no values now, so that control flow on them becomes part of a graph.
pub(super) fn is_tracing() -> bool {
    Trace::current().is_some_and(|trace| trace.kind() != TraceKind::Tape)
}

/// Whether this is in a branch or loop that is being traced.
pub(super) fn is_in_region() -> bool {
    Trace::current().is_some_and(|trace| trace.kind() == TraceKind::Region)
}
