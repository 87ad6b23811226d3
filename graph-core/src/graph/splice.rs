//! Splicing: copying the nodes of one graph into another.

use std::collections::HashMap;

use super::{Graph, Node, NodeKind, Value, Values};

impl Graph {
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
        for id in other.topological_order() {
            let node = other.node(id);
            if matches!(node.kind(), NodeKind::Input { .. }) {
                continue;
            }
            let mut copy = node.clone();
            for operand in &mut copy.inputs {
                *operand = renamed[operand];
            }
            let num_outputs = copy.facts.len();
            let new_id = self.store.add(copy);
            for output in 0..num_outputs {
                renamed.insert(Value::new(id, output), Value::new(new_id, output));
            }
        }
        other.outputs.iter().map(|output| renamed[output]).collect()
    }
}
