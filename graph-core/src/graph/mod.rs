//! Graphs: the intermediate representation.
//!
//! # Semantics
//!
//! A [`Graph`] is a function from its inputs to its outputs. It consists of [`Node`]s; a node takes an ordered list of
//! [`Value`]s and defines one or more new ones. Every value is defined once, by one node, and never changes: to
//! "update" is to define a new value (the planner decides whether both may live in one buffer). A value has a
//! [`Fact`]: dtype and shape, known when the node is added. The order of evaluation is any order in which operands come
//! before their users; nodes of class [`Effect`](crate::op::Class::Effect) keep the order in which they were added.
//!
//! Control flow is structure, not jumps: an `If`, `While` or `For` node holds **regions**, which are graphs of their
//! own. A region is closed: it sees nothing but its inputs, so whatever a branch or a loop body uses of its surroundings
//! is an operand of the node. This makes every pass a function on graphs that calls itself on regions.
//!
//! Every node has an [`Origin`](crate::origin::Origin), the user's expression that made it; gradients and rewrites
//! keep it. It tells the [name scope](crate::scope::NameScope), too, relative to the graph that the node stands in: what
//! holds a region is around it. Nothing but drawings and the like reads it.
//!
//! What exactly is legal is written down, as code, in [`verify`](crate::verify::verify).

mod calls;
mod node;
mod splice;
mod store;

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

pub use calls::CallScopes;
pub use node::{Node, NodeKind};
use store::Store;

use crate::array::Array;
use crate::error::OpError;
use crate::fact::{Fact, Facts};
use crate::ids::{NodeId, Value, Values};
use crate::op::OpRef;
use crate::origin::Origin;
use crate::scope::NameScope;

/// A graph of nodes: a function from inputs to outputs.
#[derive(Debug, Clone)]
pub struct Graph {
    name: Arc<str>,
    store: Store,
    inputs: Vec<NodeId>,
    outputs: Vec<Value>,
}

impl Graph {
    /// An empty graph. The name is for people: a function's, or what the region is for.
    pub fn new(name: impl Into<Arc<str>>) -> Graph {
        Graph::with_capacity(name, 0)
    }

    /// An empty graph with room for so many nodes.
    pub(crate) fn with_capacity(name: impl Into<Arc<str>>, nodes: usize) -> Graph {
        let store = Store::with_capacity(nodes);
        Graph { name: name.into(), store, inputs: Vec::new(), outputs: Vec::new() }
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    // -- building ------------------------------------------------------------------------------------------------

    /// Adds an input after those there are. It is in no name scope: it comes from where the graph is used.
    pub fn add_input(&mut self, name: impl Into<Arc<str>>, fact: Fact, origin: Origin) -> Value {
        let kind = NodeKind::Input { name: name.into(), donated: false };
        let node = Node::new(kind, &[], SmallVec::from_elem(fact, 1), origin.in_scope(NameScope::ROOT));
        let id = self.store.add(node);
        self.inputs.push(id);
        Value::new(id, 0)
    }

    /// Marks an input as donated: the caller gives its buffer up, so that it may be overwritten.
    ///
    /// # Panics
    /// When there is no such input.
    pub fn donate_input(&mut self, index: usize) {
        let id = self.inputs[index];
        if let NodeKind::Input { donated, .. } = self.store.kind_mut(id) {
            *donated = true;
        }
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, array: Array, origin: Origin) -> Value {
        let facts = SmallVec::from_elem(array.fact().clone(), 1);
        Value::new(self.store.add(Node::new(NodeKind::Constant(array), &[], facts, origin)), 0)
    }

    /// Adds the application of an op.
    ///
    /// # Errors
    /// When the op does not take these operands.
    pub fn apply(
        &mut self,
        op: impl Into<OpRef>,
        inputs: &[Value],
        origin: Origin,
    ) -> Result<Values, OpError> {
        self.add(NodeKind::Apply(op.into()), inputs, origin)
    }

    /// Adds a node of any kind but `Input`; its facts are inferred.
    ///
    /// # Errors
    /// When the node does not take these operands.
    pub fn add(&mut self, kind: NodeKind, inputs: &[Value], origin: Origin) -> Result<Values, OpError> {
        let facts = {
            let operand_facts: SmallVec<[&Fact; 8]> = inputs.iter().map(|&v| self.fact(v)).collect();
            kind.infer(&operand_facts)?
        };
        Ok(self.add_inferred(kind, inputs, facts, origin))
    }

    /// Adds a node whose facts have been inferred.
    pub(crate) fn add_inferred(
        &mut self,
        kind: NodeKind,
        inputs: &[Value],
        facts: Facts,
        origin: Origin,
    ) -> Values {
        let num_outputs = facts.len();
        let id = self.store.add(Node::new(kind, inputs, facts, origin));
        (0..num_outputs).map(|output| Value::new(id, output)).collect()
    }

    /// Sets what the graph computes.
    pub fn set_outputs(&mut self, outputs: Vec<Value>) {
        self.outputs = outputs;
    }

    // -- reading -------------------------------------------------------------------------------------------------

    /// The input nodes, in order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The output values, in order.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// The facts of the inputs, in order.
    pub fn input_facts(&self) -> impl ExactSizeIterator<Item = &Fact> {
        self.inputs.iter().map(|&id| &self.node(id).facts()[0])
    }

    /// The facts of the outputs, in order.
    pub fn output_facts(&self) -> impl ExactSizeIterator<Item = &Fact> {
        self.outputs.iter().map(|&value| self.fact(value))
    }

    /// A node.
    ///
    /// # Panics
    /// When the node was removed.
    pub fn node(&self, id: NodeId) -> &Node {
        self.store.node(id)
    }

    /// Whether the node is (still) in the graph.
    pub fn contains(&self, id: NodeId) -> bool {
        self.store.contains(id)
    }

    /// The fact of a value.
    pub fn fact(&self, value: Value) -> &Fact {
        &self.node(value.node()).facts()[value.output()]
    }

    /// The array of a value that is a constant.
    pub fn constant(&self, value: Value) -> Option<&Array> {
        match self.node(value.node()).kind() {
            NodeKind::Constant(array) => Some(array),
            _ => None,
        }
    }

    /// The op whose application defines a value.
    pub fn op(&self, value: Value) -> Option<&OpRef> {
        match self.node(value.node()).kind() {
            NodeKind::Apply(op) => Some(op),
            _ => None,
        }
    }

    /// Number of nodes, inputs and constants included, regions not.
    pub fn num_nodes(&self) -> usize {
        self.store.len()
    }

    /// Number of nodes, those in regions included.
    pub fn total_nodes(&self) -> usize {
        let inside: usize = self
            .node_ids()
            .map(|id| self.node(id).kind().regions().iter().map(|r| r.total_nodes()).sum::<usize>())
            .sum();
        self.num_nodes() + inside
    }

    /// All nodes, in the order in which they were added.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.store.ids()
    }

    /// The nodes that use a value, with the operand position; a node that uses it twice appears twice.
    pub fn users(&self, value: Value) -> impl Iterator<Item = (NodeId, usize)> + '_ {
        self.store.users(value)
    }

    /// Whether a value is used by a node or is an output.
    pub fn is_used(&self, value: Value) -> bool {
        self.users(value).next().is_some() || self.outputs.contains(&value)
    }

    /// All nodes with operands before their users, and each node with an effect after the one before it; otherwise in
    /// the order in which they were added.
    pub fn topological_order(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.num_nodes());
        let mut seen = vec![false; self.store.bound()];
        let effects: Vec<NodeId> = self.node_ids().filter(|&id| self.node(id).kind().has_effect()).collect();
        let before: HashMap<NodeId, NodeId> = effects.windows(2).map(|pair| (pair[1], pair[0])).collect();
        // Explicit stack: graphs are deeper than a thread's stack.
        let mut stack: Vec<(NodeId, usize)> = Vec::new();
        for root in self.node_ids() {
            if std::mem::replace(&mut seen[root.index()], true) {
                continue;
            }
            stack.push((root, 0));
            while let Some((id, next)) = stack.last_mut() {
                let operands = self.node(*id).inputs();
                let operand = match operands.get(*next) {
                    Some(operand) => Some(operand.node()),
                    None if *next == operands.len() => before.get(id).copied(),
                    None => None,
                };
                match operand {
                    Some(operand) => {
                        *next += 1;
                        if !std::mem::replace(&mut seen[operand.index()], true) {
                            stack.push((operand, 0));
                        }
                    }
                    None => {
                        order.push(*id);
                        stack.pop();
                    }
                }
            }
        }
        order
    }

    /// Whether the edges mirror the operand lists; for the verifier.
    pub(crate) fn has_consistent_edges(&self) -> bool {
        self.store.is_consistent()
    }

    /// One more than the largest node index: the length of a table indexed by [`NodeId::index`].
    pub fn index_bound(&self) -> usize {
        self.store.bound()
    }

    // -- changing (for passes) -----------------------------------------------------------------------------------

    /// Makes every user of `old`, and every output that is `old`, use `new` instead. The facts must be equal.
    pub fn replace_uses(&mut self, old: Value, new: Value) {
        debug_assert_eq!(self.fact(old), self.fact(new), "a replacement keeps the fact");
        self.store.replace_uses(old, new);
        for output in &mut self.outputs {
            if *output == old {
                *output = new;
            }
        }
    }

    /// Removes a node that nothing uses. Inputs stay: they are part of the graph's signature.
    ///
    /// # Panics
    /// When a value of the node is still used, or the node is an input.
    pub fn remove(&mut self, id: NodeId) {
        let is_input = matches!(self.node(id).kind(), NodeKind::Input { .. });
        assert!(!is_input, "inputs are part of the signature; use retain_inputs");
        self.remove_unused(id);
    }

    fn remove_unused(&mut self, id: NodeId) {
        assert!(self.store.is_unused(id), "only an unused node can be removed");
        debug_assert!(self.outputs.iter().all(|v| v.node() != id), "an output is in use");
        self.store.remove(id);
    }

    /// Keeps only the inputs for which `keep` says so. Those dropped must be unused.
    pub fn retain_inputs(&mut self, keep: &[bool]) {
        let mut index = 0;
        let mut dropped = Vec::new();
        self.inputs.retain(|&id| {
            index += 1;
            if !keep[index - 1] {
                dropped.push(id);
            }
            keep[index - 1]
        });
        for id in dropped {
            self.remove_unused(id);
        }
    }

    /// Gives a node more outputs after those it has.
    ///
    /// # Errors
    /// When the new kind does not take the node's operands.
    pub(crate) fn extend_node(&mut self, id: NodeId, kind: NodeKind) -> Result<Values, OpError> {
        let facts = {
            let node = self.node(id);
            let operand_facts: SmallVec<[&Fact; 8]> = node.inputs().iter().map(|&v| self.fact(v)).collect();
            kind.infer(&operand_facts)?
        };
        debug_assert!(facts.starts_with(self.node(id).facts()), "what the node gives, it goes on to give");
        let num_outputs = facts.len();
        self.store.extend(id, kind, facts);
        Ok((0..num_outputs).map(|output| Value::new(id, output)).collect())
    }

    /// Changes what a node is, keeping operands and users; for passes that work on its regions. The new kind must
    /// have the same outputs.
    pub fn set_kind(&mut self, id: NodeId, kind: NodeKind) {
        *self.store.kind_mut(id) = kind;
    }

    /// Mutable access to the regions of a node, for passes that descend.
    pub fn regions_mut(&mut self, id: NodeId) -> SmallVec<[&mut Graph; 2]> {
        self.store.kind_mut(id).regions_mut()
    }

    #[cfg(test)]
    pub(crate) fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}
