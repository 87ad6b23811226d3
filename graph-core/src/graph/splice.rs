//! Splicing: copying the nodes of one graph into another.

use std::collections::HashMap;

use super::{Graph, NodeId, NodeKind, Value};

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
            if is_needed[id.index()]
                && let NodeKind::Input { name, .. } = self.node(id).kind()
            {
                let node = self.node(id);
                let input = part.add_input(name.clone(), node.facts()[0].clone(), node.origin());
                renamed.insert(Value::new(id, 0), input);
                used.push(index);
            }
        }
        let order = self.topological_order().into_iter().filter(|id| is_needed[id.index()]);
        part.copy_nodes(self, order, &mut renamed);
        part.set_outputs(outputs.iter().map(|output| renamed[output]).collect());
        (part, used)
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
