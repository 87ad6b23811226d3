//! The pending graph: lazy operations outside any function, recorded until a value is read.
//!
//! Each pending value holds its node, a node holds its operands, and nothing holds the whole: what no tensor refers to
//! any more is freed at once. Reading a value collects the nodes below it into a [`Graph`], which is optimized and run
//! like any other; the results are kept in the nodes that tensors still refer to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use smallvec::SmallVec;

use crate::array::Array;
use crate::error::{Error, OpError};
use crate::exec;
use crate::fact::{Fact, Facts};
use crate::graph::{Graph, NodeKind};
use crate::ids::Value;
use crate::origin::Origin;

/// A value of the pending graph. Clones are the same value.
#[derive(Debug, Clone)]
pub struct Pending {
    node: Arc<PendingNode>,
    output: usize,
}

/// An operand of a pending node.
#[derive(Debug, Clone)]
pub enum PendingOperand {
    /// Known already.
    Ready(Array, Origin),
    /// Itself pending.
    Pending(Pending),
}

#[derive(Debug)]
struct PendingNode {
    kind: NodeKind,
    facts: Facts,
    origin: Origin,
    state: Mutex<PendingState>,
}

#[derive(Debug)]
enum PendingState {
    Waiting(Vec<PendingOperand>),
    /// Computed but for its stacks, which no graph gives: whoever reads one of these computes the node again.
    Partly(Vec<PendingOperand>, SmallVec<[Option<Array>; 1]>),
    Done(SmallVec<[Array; 1]>),
}

impl Pending {
    /// Records a node; gives its outputs.
    ///
    /// # Errors
    /// When the node does not take these operands.
    pub fn record(
        kind: NodeKind,
        operands: Vec<PendingOperand>,
        origin: Origin,
    ) -> Result<SmallVec<[Pending; 1]>, OpError> {
        let facts = {
            let operand_facts: SmallVec<[&Fact; 4]> = operands.iter().map(PendingOperand::fact).collect();
            kind.infer(&operand_facts)?
        };
        let num_outputs = facts.len();
        let node =
            Arc::new(PendingNode { kind, facts, origin, state: Mutex::new(PendingState::Waiting(operands)) });
        Ok((0..num_outputs).map(|output| Pending { node: node.clone(), output }).collect())
    }

    /// DType and shape.
    pub fn fact(&self) -> &Fact {
        &self.node.facts[self.output]
    }

    /// The name of the operation that will define it.
    pub fn op_name(&self) -> &str {
        self.node.kind.name()
    }

    /// Where the user wrote it.
    pub fn origin(&self) -> Origin {
        self.node.origin
    }

    /// Whether both are the same value.
    pub fn is(&self, other: &Pending) -> bool {
        Arc::ptr_eq(&self.node, &other.node) && self.output == other.output
    }

    /// The array, if it has been computed.
    pub fn array(&self) -> Option<Array> {
        match &*self.node.state() {
            PendingState::Done(arrays) => Some(arrays[self.output].clone()),
            PendingState::Partly(_, arrays) => arrays[self.output].clone(),
            PendingState::Waiting(_) => None,
        }
    }

    /// Computes these values together, with `optimize` run on their graph first.
    ///
    /// # Errors
    /// When an op fails on the data; nothing is changed then.
    pub fn eval(
        targets: &[Pending],
        optimize: &dyn Fn(&mut Graph) -> Result<(), Error>,
    ) -> Result<Vec<Array>, Error> {
        let nodes = collect(targets);
        if !nodes.is_empty() {
            let (mut graph, keep) = to_graph(&nodes, targets);
            optimize(&mut graph)?;
            let mut arrays = exec::run_once(&graph)?.into_iter();
            for node in keep {
                let results: SmallVec<[Option<Array>; 1]> = node
                    .facts
                    .iter()
                    .map(|fact| if fact.is_stack() { None } else { arrays.next() })
                    .collect();
                let finished = node.finish(results);
                drop(finished); // After the lock: dropping the operands may lock other nodes.
            }
        }
        Ok(targets.iter().map(|t| t.array().expect("a target was just computed")).collect())
    }
}

impl PendingOperand {
    fn fact(&self) -> &Fact {
        match self {
            PendingOperand::Ready(array, _) => array.fact(),
            PendingOperand::Pending(pending) => pending.fact(),
        }
    }
}

impl PendingNode {
    fn state(&self) -> MutexGuard<'_, PendingState> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes the results of all outputs but stacks; gives back the operands that are needed no more.
    fn finish(&self, results: SmallVec<[Option<Array>; 1]>) -> Vec<PendingOperand> {
        let mut state = self.state();
        let operands = state.take_operands();
        if results.iter().all(Option::is_some) {
            *state = PendingState::Done(results.into_iter().flatten().collect());
            operands
        } else {
            *state = PendingState::Partly(operands, results);
            Vec::new()
        }
    }
}

impl PendingState {
    fn take_operands(&mut self) -> Vec<PendingOperand> {
        match self {
            PendingState::Waiting(operands) | PendingState::Partly(operands, _) => std::mem::take(operands),
            PendingState::Done(_) => Vec::new(),
        }
    }
}

/// A node that waits, with its operands copied out of the lock.
type WaitingNode = (Arc<PendingNode>, Vec<PendingOperand>);

/// The nodes below the targets that wait, operands first.
fn collect(targets: &[Pending]) -> Vec<WaitingNode> {
    let mut order = Vec::new();
    let mut seen = std::collections::HashSet::new();
    // (node, operands, next operand): explicit, since a chain of pending operations may be very long.
    let mut stack: Vec<(Arc<PendingNode>, Vec<PendingOperand>, usize)> = Vec::new();
    let mut visit = |pending: &Pending, stack: &mut Vec<(Arc<PendingNode>, Vec<PendingOperand>, usize)>| {
        let operands = match &*pending.node.state() {
            PendingState::Done(_) => return,
            PendingState::Partly(_, arrays) if arrays[pending.output].is_some() => return,
            PendingState::Waiting(_) | PendingState::Partly(..)
                if !seen.insert(Arc::as_ptr(&pending.node)) =>
            {
                return;
            }
            PendingState::Waiting(operands) | PendingState::Partly(operands, _) => operands.clone(),
        };
        stack.push((pending.node.clone(), operands, 0));
    };
    for target in targets {
        visit(target, &mut stack);
        while let Some((_, operands, next)) = stack.last_mut() {
            match operands.get(*next) {
                Some(operand) => {
                    *next += 1;
                    if let PendingOperand::Pending(operand) = operand.clone() {
                        visit(&operand, &mut stack);
                    }
                }
                None => {
                    let (node, operands, _) = stack.pop().expect("the loop sees a last one");
                    order.push((node, operands));
                }
            }
        }
    }
    order
}

/// The graph of these nodes, and those whose results it gives: the targets', and whatever a tensor still refers to.
fn to_graph(nodes: &[WaitingNode], targets: &[Pending]) -> (Graph, Vec<Arc<PendingNode>>) {
    let mut graph = Graph::new("pending");
    let mut values: HashMap<(*const PendingNode, usize), Value> = HashMap::new();
    let mut constants: HashMap<(usize, Fact), Value> = HashMap::new();
    // References from inside: the list itself, and operands (once in the node, once in the copy).
    let mut inside: HashMap<*const PendingNode, usize> = HashMap::new();
    for (node, operands) in nodes {
        *inside.entry(Arc::as_ptr(node)).or_default() += 1;
        let mut inputs: SmallVec<[Value; 4]> = SmallVec::new();
        for operand in operands {
            let ready = match operand {
                PendingOperand::Ready(array, origin) => Some((array.clone(), *origin)),
                PendingOperand::Pending(p) => {
                    *inside.entry(Arc::as_ptr(&p.node)).or_default() += 2;
                    // Computed before, or meanwhile by another thread.
                    match values.get(&(Arc::as_ptr(&p.node), p.output)) {
                        Some(&value) => {
                            inputs.push(value);
                            None
                        }
                        None => Some((p.array().expect("collected, or done"), p.origin())),
                    }
                }
            };
            if let Some((array, origin)) = ready {
                let key = (array.address(), array.fact().clone());
                inputs.push(*constants.entry(key).or_insert_with(|| graph.add_constant(array, origin)));
            }
        }
        let defined = graph.add(node.kind.clone(), &inputs, node.origin).expect("inferred when recorded");
        for (output, value) in defined.into_iter().enumerate() {
            values.insert((Arc::as_ptr(node), output), value);
        }
    }
    let mut outputs = Vec::new();
    let mut keep = Vec::new();
    for (node, _) in nodes {
        let key = Arc::as_ptr(node);
        let is_target = targets.iter().any(|t| Arc::as_ptr(&t.node) == key);
        if is_target || Arc::strong_count(node) > inside[&key] {
            let given = (0..node.facts.len()).filter(|&output| !node.facts[output].is_stack());
            outputs.extend(given.map(|output| values[&(key, output)]));
            keep.push(node.clone());
        }
    }
    graph.set_outputs(outputs);
    (graph, keep)
}

impl Drop for PendingNode {
    /// Frees a chain of operands in a loop: the default would recurse as deep as the chain is long.
    fn drop(&mut self) {
        let mut dropped: Vec<PendingOperand> = take_operands(self);
        while let Some(operand) = dropped.pop() {
            if let PendingOperand::Pending(pending) = operand
                && let Some(mut node) = Arc::into_inner(pending.node)
            {
                dropped.append(&mut take_operands(&mut node));
            }
        }
    }
}

fn take_operands(node: &mut PendingNode) -> Vec<PendingOperand> {
    node.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).take_operands()
}
