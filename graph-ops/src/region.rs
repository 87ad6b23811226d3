//! Regions: branches and loop bodies while they are traced, and the graphs that they become.

use graph_core::{Captured, Entered, Error, Fact, Graph, NodeKind, Origin, Trace, TraceKind, Value};

use crate::tensor::{Tensor, or_raise, raise};
use crate::tree::{TensorTree, leaves};

/// How deep regions may be nested: passes, planner and executor descend into them on the thread's stack.
const MAX_NESTING: usize = 100;

/// A region under construction: what is done while it is current becomes part of it.
#[derive(Debug)]
pub struct OpenRegion {
    trace: Trace,
    own: usize,
    entered: Option<Entered>,
}

impl OpenRegion {
    /// Opens a region with inputs of its own, of these facts, and makes it current.
    ///
    /// # Panics
    /// When regions are nested too deep.
    pub fn open(name: &str, own: &[Fact], origin: Origin) -> (OpenRegion, Vec<Tensor>) {
        if Trace::stack().len() >= MAX_NESTING {
            let message = format!("branches and loops are nested more than {MAX_NESTING} deep");
            raise(Error::Usage { message, origin });
        }
        let trace = Trace::new(TraceKind::Region, name);
        let input = |(i, fact): (usize, &Fact)| {
            let value = trace.add_input(format!("state.{i}"), fact.clone(), origin);
            Tensor::from_traced(&trace, value).with_origin(origin)
        };
        let inputs: Vec<Tensor> = own.iter().enumerate().map(input).collect();
        let entered = Some(trace.enter());
        (OpenRegion { trace, own: own.len(), entered }, inputs)
    }

    /// Makes the trace around it current again; the region stays open.
    pub fn leave(&mut self) {
        self.entered = None;
    }

    /// Makes the region current again while `f` runs.
    pub fn enter_again<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = self.entered.is_none().then(|| self.trace.enter());
        f()
    }

    /// A tensor as a value of this region; captured, if it is one of the surroundings.
    ///
    /// # Errors
    /// When the tensor belongs to a trace that is not around this one.
    pub fn value_of(&self, tensor: &Tensor, origin: Origin) -> Result<Value, Error> {
        self.enter_again(|| tensor.value_in(&self.trace, origin))
    }

    /// Ends the region, with these outputs.
    pub fn close(mut self, outputs: Vec<Value>) -> Region {
        self.leave();
        let graph = self.trace.finish(outputs);
        let captured_facts = graph.inputs()[self.own..]
            .iter()
            .map(|&id| (graph.node(id).facts()[0].clone(), graph.node(id).origin()))
            .collect();
        Region { graph, own: self.own, captures: self.trace.captures(), captured_facts }
    }
}

impl Drop for OpenRegion {
    /// Whoever keeps a tensor of a region that was given up is told so.
    fn drop(&mut self) {
        self.leave();
        self.trace.close();
    }
}

/// A traced region: its graph, whose inputs are its own and then what it captured.
#[derive(Debug)]
pub struct Region {
    graph: Graph,
    own: usize,
    captures: Vec<Captured>,
    captured_facts: Vec<(Fact, Origin)>,
}

impl Region {
    /// The region of a closure, with inputs like these tensors; and what the closure gave.
    pub(crate) fn trace<R: TensorTree>(
        name: &str,
        own: &[Tensor],
        origin: Origin,
        f: impl FnOnce(&[Tensor]) -> R,
    ) -> (R, Region) {
        let facts: Vec<Fact> = own.iter().map(|tensor| tensor.fact().clone()).collect();
        Region::trace_facts(name, &facts, origin, f)
    }

    /// Runs `f` on symbolic tensors of these facts; the leaves of its result are the region's outputs.
    pub(crate) fn trace_facts<R: TensorTree>(
        name: &str,
        own: &[Fact],
        origin: Origin,
        f: impl FnOnce(&[Tensor]) -> R,
    ) -> (R, Region) {
        let (region, inputs) = OpenRegion::open(name, own, origin);
        let result = f(&inputs);
        let outputs = leaves(&result).iter().map(|leaf| region.value_of(leaf, origin)).collect();
        (result, region.close(or_raise(outputs)))
    }

    /// The traced graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What it captured, as tensors of the surroundings, in the order of the inputs that stand for it.
    pub fn captured(&self) -> Vec<Tensor> {
        let captured = self.captures.iter().zip(&self.captured_facts);
        captured.map(|(captured, (_, origin))| tensor_of(captured, *origin)).collect()
    }

    /// The graph with one input for each of `captures`, used or not, after its own inputs.
    pub fn closed_over(&self, captures: &[Capture]) -> Graph {
        self.closed_in_order(&(0..self.own).collect::<Vec<_>>(), captures)
    }

    /// As [`closed_over`](Region::closed_over), with its own inputs in this order.
    pub fn closed_in_order(&self, order: &[usize], captures: &[Capture]) -> Graph {
        let mut graph = Graph::new(self.graph.name().clone());
        let mut arguments: Vec<Option<Value>> = vec![None; self.own];
        for &position in order {
            let node = self.graph.node(self.graph.inputs()[position]);
            if let NodeKind::Input { name, .. } = node.kind() {
                let input = graph.add_input(name.clone(), node.facts()[0].clone(), node.origin());
                arguments[position] = Some(input);
            }
        }
        let mut arguments: Vec<Value> =
            arguments.into_iter().map(|input| input.expect("the order has every input")).collect();
        let outer: Vec<Value> = captures
            .iter()
            .enumerate()
            .map(|(i, (_, fact, origin))| graph.add_input(format!("outer.{i}"), fact.clone(), *origin))
            .collect();
        for own in &self.captures {
            let index = captures.iter().position(|(captured, ..)| captured.is(own));
            arguments.push(outer[index.expect("the union has every capture")]);
        }
        let outputs = graph.splice(&self.graph, &arguments);
        graph.set_outputs(outputs);
        graph
    }
}

/// Something captured, with its fact and where it was made.
pub type Capture = (Captured, Fact, Origin);

/// What any of the regions captured, each thing once.
pub fn union(regions: &[&Region]) -> Vec<Capture> {
    let mut union: Vec<Capture> = Vec::new();
    for region in regions {
        for (captured, (fact, origin)) in region.captures.iter().zip(&region.captured_facts) {
            if !union.iter().any(|(have, ..)| have.is(captured)) {
                union.push((captured.clone(), fact.clone(), *origin));
            }
        }
    }
    union
}

/// Something captured, as a tensor of the surroundings.
pub fn outer((captured, _, origin): &Capture) -> Tensor {
    tensor_of(captured, *origin)
}

fn tensor_of(captured: &Captured, origin: Origin) -> Tensor {
    match captured {
        Captured::Pending(pending) => Tensor::from_pending(pending.clone()),
        Captured::Outer(trace, value) => Tensor::from_traced(trace, *value).with_origin(origin),
    }
}
