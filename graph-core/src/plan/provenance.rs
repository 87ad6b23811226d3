//! Provenance: which nodes and which line of the source a step is from.

use smallvec::SmallVec;

use crate::error::{Error, OpError, Operand};
use crate::graph::Graph;
use crate::ids::NodeId;
use crate::origin::Origin;

/// What a step comes from: what is needed to report a failed one at the user's line, and to say what takes time.
pub(crate) struct Provenance {
    pub(crate) op: String,
    /// The nodes that it computes, in order.
    pub(crate) nodes: SmallVec<[NodeId; 1]>,
    pub(crate) origin: Origin,
    pub(crate) operands: Vec<Operand>,
}

impl Provenance {
    /// That of a node.
    pub(super) fn of(graph: &Graph, id: NodeId) -> Provenance {
        let node = graph.node(id);
        let operands = node.inputs().iter().map(|&value| Operand {
            fact: graph.fact(value).clone(),
            origin: graph.node(value.node()).origin(),
        });
        Provenance {
            op: node.kind().name().to_owned(),
            nodes: SmallVec::from_elem(id, 1),
            origin: node.origin(),
            operands: operands.collect(),
        }
    }

    pub(crate) fn error(&self, reason: OpError) -> Error {
        Error::op(self.op.clone(), reason, self.operands.clone(), self.origin)
    }
}
