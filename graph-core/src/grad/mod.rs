//! Gradients as a graph transformation: reverse mode, from the ops' own rules.
//!
//! [`backward`] walks the nodes of a trace from the outputs to the variables and lets each op emit the cotangents of
//! its inputs into the same trace. What it emits are ordinary nodes, so a gradient can be differentiated again.

mod control;

use std::collections::HashMap;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::error::{Error, OpError, Operand};
use crate::fact::Fact;
use crate::graph::NodeKind;
use crate::ids::{NodeId, Value, Values};
use crate::scope::NameScope;
use crate::trace::{Trace, TraceKind};
use crate::vjp::Vjp;

/// The name scope of gradients: those of what is in `encoder` are in `gradient/encoder`.
const GRADIENT: &str = "gradient";

/// What accumulation needs and the engine, which knows no op, cannot do itself.
pub trait Algebra {
    /// The sum of two values of one fact.
    ///
    /// # Errors
    /// When the values cannot be added.
    fn add(&self, trace: &Trace, a: Value, b: Value) -> Result<Value, Error>;
    /// Zeros of a fact.
    ///
    /// # Errors
    /// When the fact has no zero.
    fn zeros(&self, trace: &Trace, fact: &Fact) -> Result<Value, Error>;
}

impl Vjp<'_> {
    /// The trace to emit into.
    pub fn trace(&self) -> &Trace {
        self.recorder.downcast_ref().expect("`backward` makes it from a trace")
    }
}

/// The cotangents of `wrt`, given `seeds`: pairs of a value and its cotangent. `None` where nothing flows back.
///
/// # Errors
/// When an op on the way has no gradient.
pub fn backward(
    trace: &Trace,
    seeds: &[(Value, Value)],
    wrt: &[Value],
    algebra: &dyn Algebra,
) -> Result<Vec<Option<Value>>, Error> {
    let mut cotangents = FxHashMap::default();
    flow_back(trace, seeds, wrt, None, algebra, &mut cotangents)?;
    Ok(wrt.iter().map(|value| cotangents.get(value).copied()).collect())
}

/// Adds to `cotangents` what flows from the seeds to `wrt`, through nodes that are newer than `boundary`.
fn flow_back(
    trace: &Trace,
    seeds: &[(Value, Value)],
    wrt: &[Value],
    boundary: Option<NodeId>,
    algebra: &dyn Algebra,
    cotangents: &mut FxHashMap<Value, Value>,
) -> Result<(), Error> {
    let path = nodes_between(trace, wrt, seeds, boundary);
    for &(value, cotangent) in seeds {
        accumulate(trace, algebra, cotangents, value, cotangent)?;
    }
    // On a tape, which computes, no scopes are kept.
    let gradient = (trace.kind() != TraceKind::Tape).then(|| NameScope::ROOT.within(GRADIENT));
    let mut call_scopes: Option<HashMap<NodeId, NameScope>> = None; // Of the calls that there are so far.
    for step in path.iter().rev() {
        let outputs: Values = (0..step.num_outputs).map(|output| Value::new(step.id, output)).collect();
        let given: SmallVec<[Option<Value>; 1]> =
            outputs.iter().map(|v| cotangents.get(v).copied()).collect();
        if given.iter().all(Option::is_none) {
            continue;
        }
        let (kind, inputs, _, origin) = trace.node(step.id);
        let around = origin.name_scope();
        let origin = gradient.map_or(origin, |gradient| origin.moved_to(gradient));
        let cx = Vjp {
            recorder: trace,
            inputs: &inputs,
            outputs: &outputs,
            cotangents: &given,
            needed: &step.needed,
            origin,
        };
        if let NodeKind::Call { body, vjp: None } = &kind {
            // The body is repeated inline and differentiated there, as if it had never been a call: sums are made in
            // the same order. Once calls are inlined both copies are the same expressions, which
            // common-subexpression elimination merges.
            let newest = trace.with_graph(|graph| graph.node_ids().next_back());
            let within = match gradient {
                None => around,
                Some(_) => {
                    let scopes =
                        call_scopes.get_or_insert_with(|| trace.with_graph(|graph| graph.call_scopes()));
                    scopes.get(&step.id).copied().unwrap_or_default()
                }
            };
            let inlined = trace
                .inline(&*control::without_effects(body)?, &inputs, within)
                .map_err(|e| wrap(e, "call", &cx))?;
            let seeds: Vec<(Value, Value)> =
                inlined.iter().zip(&given).filter_map(|(&v, &ct)| Some((v, ct?))).collect();
            let variables: Vec<Value> =
                inputs.iter().zip(&step.needed).filter(|(_, needed)| **needed).map(|(&v, _)| v).collect();
            flow_back(trace, &seeds, &variables, newest, algebra, cotangents)?;
            continue;
        }
        let _within = gradient.map(|_| origin.name_scope().enter());
        let flowing = origin.scope(|| differentiate(&kind, &cx, algebra))?;
        for ((&input, &needed), cotangent) in inputs.iter().zip(&step.needed).zip(flowing) {
            if let (true, Some(cotangent)) = (needed, cotangent) {
                debug_assert_eq!(trace.fact(input), trace.fact(cotangent), "vjp of `{}`", kind.name());
                origin.scope(|| accumulate(trace, algebra, cotangents, input, cotangent))?;
            }
        }
    }
    Ok(())
}

/// A node on a path from the variables to the seeds.
struct Step {
    id: NodeId,
    num_outputs: usize,
    /// Which operands depend on a variable and have a gradient.
    needed: SmallVec<[bool; 4]>,
}

/// The nodes that depend on `wrt` and that the seeds depend on, operands first. In a trace, which only grows, that is
/// the order of the indices.
fn nodes_between(
    trace: &Trace,
    wrt: &[Value],
    seeds: &[(Value, Value)],
    boundary: Option<NodeId>,
) -> Vec<Step> {
    trace.with_graph(|graph| {
        // Nothing older than the oldest variable can depend on one.
        let Some(oldest) = wrt.iter().map(|v| v.node()).min() else { return Vec::new() };
        let is_within = |id: NodeId| id >= oldest && boundary.is_none_or(|boundary| id > boundary);
        let mut ancestors = Vec::new();
        let mut seen = FxHashSet::default();
        let mut stack: Vec<Value> = seeds.iter().map(|&(value, _)| value).collect();
        while let Some(value) = stack.pop() {
            let id = value.node();
            if is_within(id) && !wrt.contains(&value) && seen.insert(id) {
                ancestors.push(id);
                stack.extend(graph.node(id).inputs());
            }
        }
        ancestors.sort_unstable();
        let mut depends: FxHashSet<Value> = wrt.iter().copied().collect();
        let mut steps = Vec::new();
        for id in ancestors {
            let node = graph.node(id);
            let needed: SmallVec<[bool; 4]> = node
                .inputs()
                .iter()
                .map(|v| depends.contains(v) && graph.fact(*v).dtype.is_float())
                .collect();
            if needed.contains(&true) {
                let num_outputs = node.facts().len();
                depends.extend((0..num_outputs).map(|output| Value::new(id, output)));
                steps.push(Step { id, num_outputs, needed });
            }
        }
        steps
    })
}

fn differentiate(
    kind: &NodeKind,
    cx: &Vjp<'_>,
    algebra: &dyn Algebra,
) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
    match kind {
        NodeKind::Apply(op) => op.vjp(cx),
        NodeKind::Call { vjp: Some(vjp), .. } => {
            let mut operands: Vec<Value> = cx.inputs.iter().chain(cx.outputs).copied().collect();
            for (output, cotangent) in cx.outputs.iter().zip(cx.cotangents) {
                operands.push(match cotangent {
                    Some(cotangent) => *cotangent,
                    None => algebra.zeros(cx.trace(), &cx.trace().fact(*output))?,
                });
            }
            let call = NodeKind::Call { body: vjp.clone(), vjp: None };
            let values = add_node(cx, call, &operands)?;
            Ok(values.into_iter().map(Some).collect())
        }
        NodeKind::If { then_branch, else_branch } => {
            control::vjp_of_if(cx, then_branch, else_branch, algebra)
        }
        NodeKind::For { .. } | NodeKind::While { .. } => control::vjp_of_loop(cx, kind, algebra),
        // Inputs and constants have no operands, so none is ever on a path; other calls are seen to by the caller.
        NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Call { .. } => Ok(SmallVec::new()),
    }
}

fn accumulate(
    trace: &Trace,
    algebra: &dyn Algebra,
    cotangents: &mut FxHashMap<Value, Value>,
    value: Value,
    cotangent: Value,
) -> Result<(), Error> {
    let total = match cotangents.get(&value) {
        Some(&sum) if trace.fact(sum).is_stack() => control::add_stacks(trace, algebra, sum, cotangent)?,
        Some(&sum) => algebra.add(trace, sum, cotangent)?,
        None => cotangent,
    };
    cotangents.insert(value, total);
    Ok(())
}

/// Adds a node in the course of differentiating another.
fn add_node(cx: &Vjp<'_>, kind: NodeKind, operands: &[Value]) -> Result<Values, Error> {
    let name = kind.name().to_owned();
    cx.trace().add(kind, operands, cx.origin).map_err(|reason| wrap(reason, &name, cx))
}

fn wrap(error: OpError, op: &str, cx: &Vjp<'_>) -> Error {
    let operands = cx
        .inputs
        .iter()
        .map(|&v| Operand { fact: cx.trace().fact(v), origin: cx.trace().origin(v) })
        .collect();
    Error::op(op, error, operands, cx.origin)
}
