//! The verifier: what a legal graph is, as code.
//!
//! It runs on every finished trace and, in debug builds and tests, after every pass, whose name it reports.

use crate::error::Error;
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::NodeId;

/// One way in which a graph can be illegal.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Violation {
    /// An operand's node was removed.
    #[error("operand {operand} of node {node} (`{name}`) has no definition")]
    DanglingOperand {
        /// Index of the node.
        node: usize,
        /// Its name.
        name: String,
        /// Position of the operand.
        operand: usize,
    },
    /// An operand names an output that its node does not have.
    #[error("operand {operand} of node {node} (`{name}`) names output {output} of a node with {outputs}")]
    NoSuchOutput {
        /// Index of the node.
        node: usize,
        /// Its name.
        name: String,
        /// Position of the operand.
        operand: usize,
        /// The output it names.
        output: usize,
        /// How many there are.
        outputs: usize,
    },
    /// A graph output that is not defined.
    #[error("output {index} of the graph has no definition")]
    DanglingOutput {
        /// Which output.
        index: usize,
    },
    /// A stack that a graph or region takes or gives: only the loops of one graph know its length.
    #[error("a stack ({fact}) is an input or output of a graph")]
    StackAtBorder {
        /// Its fact.
        fact: crate::fact::Fact,
    },
    /// The operand lists and the edges disagree.
    #[error("edges and operand lists disagree")]
    Edges,
    /// A node that depends on itself.
    #[error("node {node} (`{name}`) depends on itself")]
    Cycle {
        /// Index of the node.
        node: usize,
        /// Its name.
        name: String,
    },
    /// A node's recorded facts are not those that its operands imply.
    #[error("node {node} (`{name}`) is recorded as {recorded:?}, its operands imply {inferred:?}")]
    Facts {
        /// Index of the node.
        node: usize,
        /// Its name.
        name: String,
        /// The facts in the graph.
        recorded: Vec<Fact>,
        /// The facts from `infer`.
        inferred: Vec<Fact>,
    },
    /// A node does not take its operands: an op's rule, or the arity and types of a region.
    #[error("node {node} (`{name}`): {reason}")]
    Rejected {
        /// Index of the node.
        node: usize,
        /// Its name.
        name: String,
        /// What `infer` said.
        reason: String,
    },
    /// An input node that the graph does not list exactly once, or a listed one that is no input.
    #[error("the list of inputs does not name each input node once")]
    InputList,
    /// A region's input is donated, but a region does not own its operands.
    #[error("input {index} of region `{region}` is donated")]
    DonatedRegionInput {
        /// Name of the region.
        region: String,
        /// Which input.
        index: usize,
    },
    /// A violation within a region.
    #[error("in region `{region}` of node {node}: {violation}")]
    InRegion {
        /// Index of the node that holds the region.
        node: usize,
        /// Name of the region.
        region: String,
        /// What is wrong there.
        violation: Box<Violation>,
    },
}

/// Checks a graph and its regions.
///
/// # Errors
/// The first violation found.
pub fn verify(graph: &Graph) -> Result<(), Violation> {
    check_references(graph)?;
    check_inputs(graph)?;
    check_acyclic(graph)?;
    if let Some(fact) = graph.input_facts().chain(graph.output_facts()).find(|fact| fact.is_stack()) {
        return Err(Violation::StackAtBorder { fact: fact.clone() });
    }
    for id in graph.node_ids() {
        check_facts(graph, id)?;
        for region in graph.node(id).kind().regions() {
            check_region(region).map_err(|violation| Violation::InRegion {
                node: id.index(),
                region: region.name().to_string(),
                violation: Box::new(violation),
            })?;
        }
    }
    Ok(())
}

/// [`verify`], with a violation reported as the defect of a pass.
///
/// # Errors
/// The first violation found, naming `pass`.
pub fn verify_after(pass: &str, graph: &Graph) -> Result<(), Error> {
    verify(graph).map_err(|violation| Error::Pass { pass: pass.to_owned(), message: violation.to_string() })
}

fn check_references(graph: &Graph) -> Result<(), Violation> {
    for id in graph.node_ids() {
        let node = graph.node(id);
        for (operand, value) in node.inputs().iter().enumerate() {
            let name = node.kind().name().to_owned();
            if !graph.contains(value.node()) {
                return Err(Violation::DanglingOperand { node: id.index(), name, operand });
            }
            let outputs = graph.node(value.node()).facts().len();
            if value.output() >= outputs {
                let output = value.output();
                return Err(Violation::NoSuchOutput { node: id.index(), name, operand, output, outputs });
            }
        }
    }
    for (index, output) in graph.outputs().iter().enumerate() {
        let defined =
            graph.contains(output.node()) && output.output() < graph.node(output.node()).facts().len();
        if !defined {
            return Err(Violation::DanglingOutput { index });
        }
    }
    if graph.has_consistent_edges() { Ok(()) } else { Err(Violation::Edges) }
}

fn check_inputs(graph: &Graph) -> Result<(), Violation> {
    let is_input = |id: NodeId| matches!(graph.node(id).kind(), NodeKind::Input { .. });
    let mut listed = graph.inputs().to_vec();
    listed.sort_unstable();
    let actual: Vec<NodeId> = graph.node_ids().filter(|&id| is_input(id)).collect();
    if listed == actual { Ok(()) } else { Err(Violation::InputList) }
}

fn check_acyclic(graph: &Graph) -> Result<(), Violation> {
    let order = graph.topological_order();
    let mut position = vec![usize::MAX; graph.index_bound()];
    for (i, id) in order.iter().enumerate() {
        position[id.index()] = i;
    }
    for &id in &order {
        let node = graph.node(id);
        if node.inputs().iter().any(|v| position[v.node().index()] >= position[id.index()]) {
            return Err(Violation::Cycle { node: id.index(), name: node.kind().name().to_owned() });
        }
    }
    Ok(())
}

fn check_facts(graph: &Graph, id: NodeId) -> Result<(), Violation> {
    let node = graph.node(id);
    if matches!(node.kind(), NodeKind::Input { .. }) {
        return Ok(());
    }
    let name = || node.kind().name().to_owned();
    let operands: Vec<&Fact> = node.inputs().iter().map(|&value| graph.fact(value)).collect();
    let inferred = node.kind().infer(&operands).map_err(|reason| Violation::Rejected {
        node: id.index(),
        name: name(),
        reason: reason.to_string(),
    })?;
    if inferred.as_slice() != node.facts() {
        let (recorded, inferred) = (node.facts().to_vec(), inferred.to_vec());
        return Err(Violation::Facts { node: id.index(), name: name(), recorded, inferred });
    }
    Ok(())
}

fn check_region(region: &Graph) -> Result<(), Violation> {
    let donated = |id: &NodeId| matches!(region.node(*id).kind(), NodeKind::Input { donated: true, .. });
    if let Some(index) = region.inputs().iter().position(donated) {
        return Err(Violation::DonatedRegionInput { region: region.name().to_string(), index });
    }
    verify(region)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use smallvec::smallvec;

    use super::*;
    use crate::array::Array;
    use crate::dtype::DType;
    use crate::error::OpError;
    use crate::fact::Facts;
    use crate::ids::Value;
    use crate::kernel::Kernel;
    use crate::op::Op;
    use crate::origin::Origin;

    /// Takes one operand and gives it back.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    struct Same;

    impl Op for Same {
        fn name(&self) -> &'static str {
            "same"
        }

        fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
            match inputs {
                [x] if x.dtype == DType::F32 => Ok(smallvec![(*x).clone()]),
                _ => Err(OpError::invalid("takes one f32")),
            }
        }

        fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
            Err(OpError::invalid("is never run"))
        }
    }

    /// `y = same(x); z = same(y); return z`
    fn chain() -> (Graph, [Value; 3]) {
        let mut graph = Graph::new("chain");
        let origin = Origin::caller();
        let x = graph.add_input("x", Fact::scalar(DType::F32), origin);
        let y = graph.apply(Same, &[x], origin).unwrap()[0];
        let z = graph.apply(Same, &[y], origin).unwrap()[0];
        graph.set_outputs(vec![z]);
        verify(&graph).expect("a legal graph");
        (graph, [x, y, z])
    }

    /// A node of no such graph.
    fn elsewhere() -> Value {
        let mut graph = Graph::new("elsewhere");
        let origin = Origin::caller();
        let values = (0..10).map(|_| graph.add_input("x", Fact::scalar(DType::F32), origin));
        values.last().expect("ten of them")
    }

    #[test]
    fn dangling_operand() {
        let (mut graph, [_, y, _]) = chain();
        graph.store_mut().node_mut(y.node()).inputs_mut()[0] = elsewhere();
        let expected = Violation::DanglingOperand { node: 1, name: "same".into(), operand: 0 };
        assert_eq!(verify(&graph), Err(expected));
    }

    #[test]
    fn no_such_output() {
        let (mut graph, [x, y, _]) = chain();
        graph.store_mut().node_mut(y.node()).inputs_mut()[0] = Value::new(x.node(), 3);
        let expected =
            Violation::NoSuchOutput { node: 1, name: "same".into(), operand: 0, output: 3, outputs: 1 };
        assert_eq!(verify(&graph), Err(expected));
    }

    #[test]
    fn dangling_output() {
        let (mut graph, [_, y, z]) = chain();
        graph.set_outputs(vec![z, elsewhere()]);
        assert_eq!(verify(&graph), Err(Violation::DanglingOutput { index: 1 }));
        graph.set_outputs(vec![Value::new(y.node(), 1)]);
        assert_eq!(verify(&graph), Err(Violation::DanglingOutput { index: 0 }));
    }

    #[test]
    fn edges() {
        let (mut graph, [x, _, z]) = chain();
        graph.store_mut().node_mut(z.node()).inputs_mut()[0] = x;
        assert_eq!(verify(&graph), Err(Violation::Edges));
    }

    #[test]
    fn cycle() {
        let (mut graph, [x, _, z]) = chain();
        graph.replace_uses(x, z);
        assert!(matches!(verify(&graph), Err(Violation::Cycle { .. })));
    }

    #[test]
    fn facts() {
        let (mut graph, [_, _, z]) = chain();
        graph.store_mut().node_mut(z.node()).facts_mut()[0] = Fact::scalar(DType::I64);
        let expected = Violation::Facts {
            node: 2,
            name: "same".into(),
            recorded: vec![Fact::scalar(DType::I64)],
            inferred: vec![Fact::scalar(DType::F32)],
        };
        assert_eq!(verify(&graph), Err(expected));
    }

    #[test]
    fn rejected() {
        let (mut graph, [x, _, _]) = chain();
        graph.store_mut().node_mut(x.node()).facts_mut()[0] = Fact::scalar(DType::I64);
        let expected = Violation::Rejected { node: 1, name: "same".into(), reason: "takes one f32".into() };
        assert_eq!(verify(&graph), Err(expected));
    }

    #[test]
    fn input_list() {
        let (mut graph, [x, y, _]) = chain();
        let input = graph.node(x.node()).kind().clone();
        graph.set_kind(y.node(), input);
        assert_eq!(verify(&graph), Err(Violation::InputList));
        let (mut graph, [x, _, _]) = chain();
        graph.set_kind(x.node(), NodeKind::Constant(Array::scalar(1.0f32)));
        assert_eq!(verify(&graph), Err(Violation::InputList));
    }

    /// The chain called from a graph.
    fn call(body: Graph) -> Graph {
        let mut graph = Graph::new("caller");
        let origin = Origin::caller();
        let x = graph.add_input("x", Fact::scalar(DType::F32), origin);
        let called = graph.add(NodeKind::Call { body: Arc::new(body), vjp: None }, &[x], origin).unwrap();
        graph.set_outputs(called.to_vec());
        graph
    }

    #[test]
    fn donated_region_input() {
        let (mut body, _) = chain();
        body.donate_input(0);
        assert_eq!(verify(&body), Ok(()));
        let violation = Box::new(Violation::DonatedRegionInput { region: "chain".into(), index: 0 });
        let expected = Violation::InRegion { node: 1, region: "chain".into(), violation };
        assert_eq!(verify(&call(body)), Err(expected));
    }

    #[test]
    fn in_region() {
        let (mut body, [x, _, z]) = chain();
        body.store_mut().node_mut(z.node()).inputs_mut()[0] = x;
        let error = verify_after("careless", &call(call(body))).unwrap_err();
        let expected = "pass `careless`: in region `caller` of node 1: in region `chain` of node 1: \
                        edges and operand lists disagree";
        assert_eq!(error.to_string(), expected);
    }
}
