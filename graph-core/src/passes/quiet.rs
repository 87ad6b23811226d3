//! A graph without what acts on the world: for a second computation of what has been computed before.

use smallvec::SmallVec;

use super::rebuild::{Rebuild, Rewritten, rebuild};
use crate::error::Error;
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{Value, Values};
use crate::op::Class;

/// Removes the effects that give nothing, in regions too; `None` where there are none.
pub(crate) fn quiet(graph: &Graph) -> Rewritten {
    let has_effect = graph.node_ids().any(|id| graph.node(id).kind().has_effect());
    if has_effect { rebuild(graph, &mut quiet_node) } else { Ok(None) }
}

fn quiet_node(new: &mut Rebuild, node: &Node, inputs: &[Value]) -> Result<Values, Error> {
    match node.kind() {
        NodeKind::Apply(op) if op.class() == Class::Effect && node.facts().is_empty() => {
            new.changed = super::Changed::Yes;
            Ok(SmallVec::new())
        }
        _ => new.copy(node, inputs, &mut quiet),
    }
}
