//! Nodes: what a graph consists of, with the typing rules of each kind.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::Graph;
use crate::array::Array;
use crate::dtype::DType;
use crate::error::OpError;
use crate::fact::{Fact, Facts};
use crate::ids::Value;
use crate::op::{Class, OpRef};
use crate::origin::Origin;
use crate::scope::NameScope;
use crate::shape::Shape;

/// What a node does. Ops are open (behind [`OpRef`]); structure is this closed set, known to planner and executor.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// An argument of the graph. No operands; one output of any fact.
    Input {
        /// For people: the argument's path, such as `net.w1`.
        name: Arc<str>,
        /// Whether the caller gives the buffer up.
        donated: bool,
    },
    /// A value known when the graph was made. No operands; one output of the array's fact.
    Constant(Array),
    /// An op. Operands and outputs are as its `infer` says.
    Apply(OpRef),
    /// A function applied as a whole. Operands are its inputs, outputs its outputs.
    Call {
        /// The function.
        body: Arc<Graph>,
        /// A gradient of the user's own: takes inputs, outputs, and a cotangent for each output; gives a cotangent for
        /// each input, of the input's fact. Without it the body is differentiated.
        vjp: Option<Arc<Graph>>,
    },
    /// A choice. Operands: a `bool` scalar, then the inputs of both branches, which agree; outputs: those of the
    /// branches, which agree. Only the chosen branch is computed.
    If {
        /// Computed when the condition is true.
        then_branch: Arc<Graph>,
        /// Computed when it is false.
        else_branch: Arc<Graph>,
    },
    /// A loop with a condition. Operands: `carried` loop variables, then loop invariants. `condition` and `body` take
    /// all of them; `condition` gives one `bool` scalar, `body` the next value of each carried one, of the same fact,
    /// then rows to collect. Outputs: the carried ones when the condition first fails, then a stack of each collected
    /// row.
    While {
        /// Decides, before each iteration, whether there is one.
        condition: Arc<Graph>,
        /// One iteration.
        body: Arc<Graph>,
        /// Number of loop variables.
        carried: usize,
    },
    /// A loop along rows. Operands: `carried` loop variables, then `scanned` sequences, each of `trips` rows along its
    /// first axis, then invariants. `body` takes the row's number (an `i64` scalar), the carried variables, one row of
    /// each sequence, the invariants; it gives the next value of each carried one, then rows to collect. Outputs: the
    /// carried ones at the end, then each collected row stacked along a new first axis, at its number.
    For {
        /// One iteration.
        body: Arc<Graph>,
        /// Number of iterations; `None` for a loop as long as its sequences, which are then stacks, as is what it
        /// collects.
        trips: Option<usize>,
        /// Whether it walks from the last row to the first.
        reverse: bool,
        /// Number of loop variables.
        carried: usize,
        /// Number of sequences read row by row.
        scanned: usize,
    },
}

/// A node: what it does, on which values, with what result, and where the user wrote it.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) kind: NodeKind,
    pub(super) inputs: SmallVec<[Value; 3]>,
    pub(super) facts: Facts,
    pub(super) origin: Origin,
}

impl Node {
    pub(super) fn new(kind: NodeKind, inputs: &[Value], facts: Facts, origin: Origin) -> Node {
        Node { kind, inputs: SmallVec::from_slice(inputs), facts, origin }
    }

    /// The same node doing something else, with the same outputs.
    pub(crate) fn with_kind(&self, kind: NodeKind) -> Node {
        Node { kind, ..self.clone() }
    }

    /// The same node for the graph around its own: its name scope lies in that of what held it.
    pub(crate) fn moved_to(&self, name_scope: NameScope) -> Node {
        Node { origin: self.origin.moved_to(name_scope), ..self.clone() }
    }

    /// What the node does.
    pub fn kind(&self) -> &NodeKind {
        &self.kind
    }

    /// The operands, in order.
    pub fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    /// The facts of the outputs, in order.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Where the user wrote it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    #[cfg(test)]
    pub(crate) fn inputs_mut(&mut self) -> &mut SmallVec<[Value; 3]> {
        &mut self.inputs
    }

    #[cfg(test)]
    pub(crate) fn facts_mut(&mut self) -> &mut Facts {
        &mut self.facts
    }
}

impl NodeKind {
    /// The op's name, or the kind's.
    pub fn name(&self) -> &str {
        match self {
            NodeKind::Input { .. } => "input",
            NodeKind::Constant(_) => "constant",
            NodeKind::Apply(op) => op.name(),
            NodeKind::Call { .. } => "call",
            NodeKind::If { .. } => "if",
            NodeKind::While { .. } => "while",
            NodeKind::For { .. } => "for",
        }
    }

    /// The nested graphs, in order.
    pub fn regions(&self) -> SmallVec<[&Graph; 2]> {
        match self {
            NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => smallvec![],
            NodeKind::Call { body, .. } | NodeKind::For { body, .. } => smallvec![&**body],
            NodeKind::If { then_branch, else_branch } => smallvec![&**then_branch, &**else_branch],
            NodeKind::While { condition, body, .. } => smallvec![&**condition, &**body],
        }
    }

    /// The nested graphs, to change; a region that is shared is copied first.
    pub(super) fn regions_mut(&mut self) -> SmallVec<[&mut Graph; 2]> {
        match self {
            NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => smallvec![],
            NodeKind::Call { body, .. } | NodeKind::For { body, .. } => smallvec![Arc::make_mut(body)],
            NodeKind::If { then_branch, else_branch } => {
                smallvec![Arc::make_mut(then_branch), Arc::make_mut(else_branch)]
            }
            NodeKind::While { condition, body, .. } => {
                smallvec![Arc::make_mut(condition), Arc::make_mut(body)]
            }
        }
    }

    /// Whether the output is the operand's elements in another shape, so that there is nothing to compute.
    pub fn is_view(&self) -> bool {
        matches!(self, NodeKind::Apply(op) if op.class() == Class::View)
    }

    /// Whether the node, or a node in a region of it, acts on the world.
    pub fn has_effect(&self) -> bool {
        match self {
            NodeKind::Apply(op) => op.class() == Class::Effect,
            _ => self
                .regions()
                .iter()
                .any(|region| region.node_ids().any(|id| region.node(id).kind().has_effect())),
        }
    }

    /// The facts of the outputs, given those of the operands: the typing rules above, as code.
    ///
    /// # Errors
    /// When a rule is broken.
    pub fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        match self {
            NodeKind::Input { .. } => Err(OpError::invalid("an input is added with `add_input`")),
            NodeKind::Constant(array) => {
                arity(0, inputs.len())?;
                Ok(smallvec![array.fact().clone()])
            }
            NodeKind::Apply(op) => crate::op::infer(&**op, inputs),
            NodeKind::Call { body, vjp } => infer_call(body, vjp.as_deref(), inputs),
            NodeKind::If { then_branch, else_branch } => infer_if(then_branch, else_branch, inputs),
            NodeKind::While { condition, body, carried } => infer_while(condition, body, *carried, inputs),
            NodeKind::For { body, trips, carried, scanned, .. } => {
                infer_for(body, *trips, *carried, *scanned, inputs)
            }
        }
    }
}

fn infer_call(body: &Graph, vjp: Option<&Graph>, inputs: &[&Fact]) -> Result<Facts, OpError> {
    takes(body, inputs.iter().copied())?;
    if let Some(vjp) = vjp {
        // Inputs, outputs, and cotangents of the outputs.
        takes(vjp, inputs.iter().copied().chain(body.output_facts()).chain(body.output_facts()))?;
        if !vjp.output_facts().eq(inputs.iter().copied()) {
            let given: Vec<_> = vjp.output_facts().collect();
            return Err(OpError::invalid(format!("the vjp gives {given:?} for inputs {inputs:?}")));
        }
    }
    Ok(body.output_facts().cloned().collect())
}

fn infer_if(then_branch: &Graph, else_branch: &Graph, inputs: &[&Fact]) -> Result<Facts, OpError> {
    let Some((condition, rest)) = inputs.split_first() else {
        return Err(OpError::Arity { expected: 1 + then_branch.inputs().len(), found: 0 });
    };
    expect_condition(condition)?;
    takes(then_branch, rest.iter().copied())?;
    takes(else_branch, rest.iter().copied())?;
    if !then_branch.output_facts().eq(else_branch.output_facts()) {
        let then_facts: Vec<_> = then_branch.output_facts().collect();
        let else_facts: Vec<_> = else_branch.output_facts().collect();
        return Err(OpError::invalid(format!("the branches give {then_facts:?} and {else_facts:?}")));
    }
    Ok(then_branch.output_facts().cloned().collect())
}

fn infer_while(condition: &Graph, body: &Graph, carried: usize, inputs: &[&Fact]) -> Result<Facts, OpError> {
    takes(condition, inputs.iter().copied())?;
    takes(body, inputs.iter().copied())?;
    match condition.outputs() {
        [output] => expect_condition(condition.fact(*output))?,
        outputs => return Err(OpError::invalid(format!("the condition gives {} values", outputs.len()))),
    }
    let Some(initial) = inputs.get(..carried) else {
        return Err(OpError::Arity { expected: carried, found: inputs.len() });
    };
    carries(body, initial)?;
    let stacks = body.output_facts().skip(carried).map(Fact::stack_of);
    Ok(initial.iter().map(|&fact| fact.clone()).chain(stacks).collect())
}

fn infer_for(
    body: &Graph,
    trips: Option<usize>,
    carried: usize,
    scanned: usize,
    inputs: &[&Fact],
) -> Result<Facts, OpError> {
    let expected = carried.saturating_add(scanned);
    if inputs.len() < expected {
        return Err(OpError::Arity { expected, found: inputs.len() });
    }
    let (initial, rest) = inputs.split_at(carried);
    let (sequences, invariants) = rest.split_at(scanned);
    if trips.is_none() && scanned == 0 {
        return Err(OpError::invalid("a loop as long as its stacks has at least one"));
    }
    let trips = trips.unwrap_or(Shape::UNKNOWN);
    let mut rows = Vec::with_capacity(scanned);
    for sequence in sequences {
        match sequence.shape.split_first() {
            Some((&len, row)) if len == trips => rows.push(Fact::new(sequence.dtype, row)),
            _ if trips == Shape::UNKNOWN => {
                return Err(OpError::invalid(format!("{sequence} is no stack")));
            }
            _ => return Err(OpError::invalid(format!("{sequence} does not have {trips} rows"))),
        }
    }
    let counter = Fact::scalar(DType::I64);
    let operands = std::iter::once(&counter)
        .chain(initial.iter().copied())
        .chain(&rows)
        .chain(invariants.iter().copied());
    takes(body, operands)?;
    carries(body, initial)?;
    // `carries` has checked that there are as many outputs.
    let stacked = body.outputs()[carried..].iter().map(|&row| {
        let fact = body.fact(row);
        Fact { dtype: fact.dtype, shape: std::iter::once(trips).chain(fact.shape.iter().copied()).collect() }
    });
    let facts: Facts = initial.iter().map(|&fact| fact.clone()).chain(stacked).collect();
    match facts.iter().find(|fact| !fact.is_stack() && fact.checked_num_bytes().is_none()) {
        Some(fact) => Err(OpError::TooLarge { fact: fact.clone() }),
        None => Ok(facts),
    }
}

fn arity(expected: usize, found: usize) -> Result<(), OpError> {
    if expected == found { Ok(()) } else { Err(OpError::Arity { expected, found }) }
}

fn expect_condition(fact: &Fact) -> Result<(), OpError> {
    if *fact == Fact::scalar(DType::Bool) {
        return Ok(());
    }
    Err(OpError::invalid(format!("a condition is a bool scalar, not {fact}")))
}

/// The operands are what the region takes.
fn takes<'a>(region: &'a Graph, operands: impl Iterator<Item = &'a Fact>) -> Result<(), OpError> {
    let operands: SmallVec<[&Fact; 8]> = operands.collect();
    arity(region.inputs().len(), operands.len())?;
    match region.input_facts().zip(&operands).enumerate().find(|(_, (takes, given))| takes != *given) {
        None => Ok(()),
        Some((i, (takes, given))) => {
            let region = region.name();
            Err(OpError::invalid(format!("region `{region}` takes {takes} as input {i}, not {given}")))
        }
    }
}

/// The region's first outputs have the facts of the loop variables.
fn carries(body: &Graph, initial: &[&Fact]) -> Result<(), OpError> {
    if body.outputs().len() < initial.len() {
        let (found, carried) = (body.outputs().len(), initial.len());
        return Err(OpError::invalid(format!("the body gives {found} values for {carried} loop variables")));
    }
    match body.output_facts().zip(initial).enumerate().find(|(_, (next, first))| next != *first) {
        None => Ok(()),
        Some((i, (next, first))) => Err(OpError::invalid(format!(
            "loop variable {i} is {first} before the loop and {next} after an iteration"
        ))),
    }
}
