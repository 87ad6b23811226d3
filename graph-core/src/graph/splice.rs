//! Splicing: copying the nodes of one graph into another.

use std::collections::HashMap;

use super::{Graph, Node, NodeKind};
use crate::ids::{NodeId, Value, Values};

impl Graph {
    /// The part of the graph that these outputs need, with only the inputs it uses; and which inputs those are.
    pub fn subgraph(&self, outputs: &[Value]) -> (Graph, Vec<usize>) {
        let mut is_needed = vec![false; self.index_bound()];
        let mut stack: Vec<Value> = outputs.to_vec();
        while let Some(value) = stack.pop() {
            if !std::mem::replace(&mut is_needed[value.node().index()], true) {
                stack.extend(self.node(value.node()).inputs());
            }
        }
        let mut part = Graph::new(self.name().clone());
        let mut renamed: HashMap<Value, Value> = HashMap::new();
        let mut used = Vec::new();
        for (index, &id) in self.inputs.iter().enumerate() {
            if is_needed[id.index()] {
                renamed.insert(Value::new(id, 0), part.copy_input(self.node(id)));
                used.push(index);
            }
        }
        let order = self.topological_order().into_iter().filter(|id| is_needed[id.index()]);
        part.copy_nodes(self, order, &mut renamed);
        part.set_outputs(outputs.iter().map(|output| renamed[output]).collect());
        (part, used)
    }

    /// A graph with the name and the inputs of this one, and nothing else.
    pub(crate) fn signature(&self) -> Graph {
        let mut graph = Graph::new(self.name.clone());
        for &id in &self.inputs {
            graph.copy_input(self.node(id));
        }
        graph
    }

    /// Adds a copy of an input of another graph, after those there are.
    pub(crate) fn copy_input(&mut self, input: &Node) -> Value {
        let id = self.store.add(input.clone());
        self.inputs.push(id);
        Value::new(id, 0)
    }

    /// Adds a copy of a node of another graph, on operands that have the facts of its own.
    pub(crate) fn copy_node(&mut self, node: &Node, inputs: &[Value]) -> Values {
        debug_assert!(!matches!(node.kind(), NodeKind::Input { .. }), "inputs are copied by `copy_input`");
        let num_outputs = node.facts.len();
        let id = self.store.add(Node::new(node.kind.clone(), inputs, node.facts.clone(), node.origin));
        (0..num_outputs).map(|output| Value::new(id, output)).collect()
    }

    /// Copies nodes of `other`, operands first, and notes what their values have become. Inputs must be noted already.
    fn copy_nodes(
        &mut self,
        other: &Graph,
        order: impl IntoIterator<Item = NodeId>,
        renamed: &mut HashMap<Value, Value>,
    ) {
        for id in order {
            let node = other.node(id);
            if matches!(node.kind(), NodeKind::Input { .. }) {
                continue;
            }
            let inputs: Vec<Value> = node.inputs().iter().map(|operand| renamed[operand]).collect();
            for (output, copy) in self.copy_node(node, &inputs).into_iter().enumerate() {
                renamed.insert(Value::new(id, output), copy);
            }
        }
    }

    /// Copies the nodes of `other` into this graph, with `arguments` in place of its inputs, and returns what its
    /// outputs have become. Origins are kept.
    ///
    /// # Panics
    /// When the arguments are not of the facts that `other` takes.
    pub fn splice(&mut self, other: &Graph, arguments: &[Value]) -> Vec<Value> {
        assert_eq!(other.inputs.len(), arguments.len(), "as many arguments as inputs");
        let mut renamed: HashMap<Value, Value> = HashMap::with_capacity(other.num_nodes());
        for (&input, &argument) in other.inputs.iter().zip(arguments) {
            assert_eq!(
                other.node(input).facts()[0],
                *self.fact(argument),
                "arguments of the facts of the inputs"
            );
            renamed.insert(Value::new(input, 0), argument);
        }
        self.copy_nodes(other, other.topological_order(), &mut renamed);
        other.outputs.iter().map(|output| renamed[output]).collect()
    }
}
