//! Sameness: when two nodes compute the same, so that one may stand for both.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::array::Array;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};

/// Hashing a constant looks at so many bytes at either end; equality then looks at all.
const HASHED_BYTES: usize = 128;

/// Feeds what [`same_kind`] compares into a hasher.
pub(super) fn hash_kind(kind: &NodeKind, hasher: &mut impl Hasher) {
    std::mem::discriminant(kind).hash(hasher);
    match kind {
        NodeKind::Input { name, .. } => name.hash(hasher),
        NodeKind::Constant(array) => {
            array.fact().hash(hasher);
            let view = array.view();
            let bytes = view.as_bytes();
            bytes[..bytes.len().min(HASHED_BYTES)].hash(hasher);
            bytes[bytes.len().saturating_sub(HASHED_BYTES)..].hash(hasher);
        }
        NodeKind::Apply(op) => op.hash(hasher),
        NodeKind::While { carried, .. } => carried.hash(hasher),
        NodeKind::For { trips, reverse, carried, scanned, .. } => {
            (trips, reverse, carried, scanned).hash(hasher)
        }
        NodeKind::Call { .. } | NodeKind::If { .. } => {}
    }
    for region in kind.regions() {
        region.num_nodes().hash(hasher);
        for id in region.node_ids() {
            region.node(id).kind().name().hash(hasher);
        }
    }
}

/// Whether two nodes of these kinds compute the same from the same operands.
pub(super) fn same_kind(a: &NodeKind, b: &NodeKind) -> bool {
    let same = |a: &Arc<Graph>, b: &Arc<Graph>| Arc::ptr_eq(a, b) || same_graph(a, b);
    match (a, b) {
        // Inputs are compared only within regions, whose inputs correspond by position.
        (NodeKind::Input { .. }, NodeKind::Input { .. }) => true,
        (NodeKind::Constant(a), NodeKind::Constant(b)) => same_array(a, b),
        (NodeKind::Apply(a), NodeKind::Apply(b)) => a == b,
        (NodeKind::Call { body: a, .. }, NodeKind::Call { body: b, .. }) => same(a, b),
        (
            NodeKind::If { then_branch: then_a, else_branch: else_a },
            NodeKind::If { then_branch: then_b, else_branch: else_b },
        ) => same(then_a, then_b) && same(else_a, else_b),
        (
            NodeKind::While { condition: condition_a, body: body_a, carried: carried_a },
            NodeKind::While { condition: condition_b, body: body_b, carried: carried_b },
        ) => carried_a == carried_b && same(condition_a, condition_b) && same(body_a, body_b),
        (
            NodeKind::For {
                body: body_a,
                trips: trips_a,
                reverse: reverse_a,
                carried: carried_a,
                scanned: scanned_a,
            },
            NodeKind::For {
                body: body_b,
                trips: trips_b,
                reverse: reverse_b,
                carried: carried_b,
                scanned: scanned_b,
            },
        ) => {
            (trips_a, reverse_a, carried_a, scanned_a) == (trips_b, reverse_b, carried_b, scanned_b)
                && same(body_a, body_b)
        }
        _ => false,
    }
}

fn same_array(a: &Array, b: &Array) -> bool {
    a.same_storage(b) || a.same_bits(b)
}

/// Whether two graphs consist of the same nodes, in the same order, whatever the names.
pub(super) fn same_graph(a: &Graph, b: &Graph) -> bool {
    if a.num_nodes() != b.num_nodes()
        || !a.input_facts().eq(b.input_facts())
        || a.outputs().len() != b.outputs().len()
    {
        return false;
    }
    let mut counterpart: HashMap<NodeId, NodeId> =
        a.inputs().iter().copied().zip(b.inputs().iter().copied()).collect();
    let same_value = |counterpart: &HashMap<NodeId, NodeId>, x: &Value, y: &Value| {
        counterpart.get(&x.node()) == Some(&y.node()) && x.output() == y.output()
    };
    let is_input = |graph: &Graph, id: &NodeId| matches!(graph.node(*id).kind(), NodeKind::Input { .. });
    let order_a = a.topological_order().into_iter().filter(|id| !is_input(a, id));
    let order_b = b.topological_order().into_iter().filter(|id| !is_input(b, id));
    for (id_a, id_b) in order_a.zip(order_b) {
        let (node_a, node_b) = (a.node(id_a), b.node(id_b));
        let operands = node_a.inputs().iter().zip(node_b.inputs());
        let same = node_a.inputs().len() == node_b.inputs().len()
            && operands.into_iter().all(|(x, y)| same_value(&counterpart, x, y))
            && same_kind(node_a.kind(), node_b.kind());
        if !same {
            return false;
        }
        counterpart.insert(id_a, id_b);
    }
    a.outputs().iter().zip(b.outputs()).all(|(x, y)| same_value(&counterpart, x, y))
}
