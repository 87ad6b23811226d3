//! Storage: the one module that names petgraph.
//!
//! A node's operand list is the truth about order; petgraph's edges mirror it so that users are found without a scan.
//! Both are changed here and nowhere else, together.

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::{EdgeRef, NodeIndexable};

use super::{Node, NodeKind};
use crate::fact::Facts;
use crate::ids::{NodeId, Value};

/// An edge: output `output` of the source is operand `operand` of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    output: u32,
    operand: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Store {
    graph: StableDiGraph<Node, Port>,
}

impl Store {
    /// With room for so many nodes, of two operands each.
    pub(super) fn with_capacity(nodes: usize) -> Store {
        Store { graph: StableDiGraph::with_capacity(nodes, 2 * nodes) }
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        let operands = node.inputs.clone();
        let index = self.graph.add_node(node);
        for (operand, value) in operands.iter().enumerate() {
            self.connect(*value, index, operand);
        }
        NodeId::new(index.index())
    }

    pub(super) fn remove(&mut self, id: NodeId) {
        self.graph.remove_node(index(id));
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.graph[index(id)]
    }

    pub(super) fn kind_mut(&mut self, id: NodeId) -> &mut NodeKind {
        &mut self.graph[index(id)].kind
    }

    pub(super) fn extend(&mut self, id: NodeId, kind: NodeKind, facts: Facts) {
        let node = &mut self.graph[index(id)];
        node.kind = kind;
        node.facts = facts;
    }

    pub(super) fn contains(&self, id: NodeId) -> bool {
        self.graph.contains_node(index(id))
    }

    pub(super) fn len(&self) -> usize {
        self.graph.node_count()
    }

    pub(super) fn bound(&self) -> usize {
        self.graph.node_bound()
    }

    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.graph.node_indices().map(|i| NodeId::new(i.index()))
    }

    pub(super) fn users(&self, value: Value) -> impl Iterator<Item = (NodeId, usize)> + '_ {
        self.graph
            .edges_directed(index(value.node()), Direction::Outgoing)
            .filter(move |edge| edge.weight().output as usize == value.output())
            .map(|edge| (NodeId::new(edge.target().index()), edge.weight().operand as usize))
    }

    pub(super) fn is_unused(&self, id: NodeId) -> bool {
        self.graph.edges_directed(index(id), Direction::Outgoing).next().is_none()
    }

    pub(super) fn replace_uses(&mut self, old: Value, new: Value) {
        let edges: Vec<_> = self
            .graph
            .edges_directed(index(old.node()), Direction::Outgoing)
            .filter(|edge| edge.weight().output as usize == old.output())
            .map(|edge| (edge.id(), edge.target(), edge.weight().operand as usize))
            .collect();
        for (edge, user, operand) in edges {
            self.graph.remove_edge(edge);
            self.graph[user].inputs[operand] = new;
            self.connect(new, user, operand);
        }
    }

    /// Whether the edges say the same as the operand lists.
    pub(crate) fn is_consistent(&self) -> bool {
        self.graph.node_indices().all(|target| {
            let operands = &self.graph[target].inputs;
            let edges = self.graph.edges_directed(target, Direction::Incoming);
            let mut seen = 0;
            let agree = edges.into_iter().all(|edge| {
                seen += 1;
                let port = edge.weight();
                operands.get(port.operand as usize).is_some_and(|value| {
                    index(value.node()) == edge.source() && value.output() == port.output as usize
                })
            });
            agree && seen == operands.len()
        })
    }

    /// Breaks the graph on purpose, to test the verifier.
    #[cfg(test)]
    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.graph[index(id)]
    }

    fn connect(&mut self, value: Value, user: NodeIndex, operand: usize) {
        let port = Port { output: value.output() as u32, operand: operand as u32 };
        self.graph.add_edge(index(value.node()), user, port);
    }
}

fn index(id: NodeId) -> NodeIndex {
    NodeIndex::new(id.index())
}
