//! Gradients of structural nodes: a node whose regions compute, from what the forward regions were given, the
//! cotangents of it.
//!
//! A branch is computed again in its gradient. A loop keeps the loop variables that each iteration started from, as rows
//! of stacks, and computes each iteration again, from the last to the first. What of this the gradient does not read is
//! removed by `dce`, as anything else that nothing uses.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Algebra, add_node, backward, wrap};
use crate::dtype::DType;
use crate::error::Error;
use crate::fact::Fact;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value, Values};
use crate::passes::quiet;
use crate::scope::NameScope;
use crate::trace::{Trace, TraceKind};
use crate::vjp::Vjp;

type Cotangents = SmallVec<[Option<Value>; 4]>;

/// The gradient of an `If` is an `If` on the same condition, with the gradients of the branches.
pub(super) fn vjp_of_if(
    cx: &Vjp<'_>,
    then_branch: &Graph,
    else_branch: &Graph,
    algebra: &dyn Algebra,
) -> Result<Cotangents, Error> {
    let (condition, inputs) = cx.inputs.split_first().expect("an if has a condition");
    let given: Vec<usize> = (0..cx.outputs.len()).filter(|&o| cx.cotangents[o].is_some()).collect();
    let wanted: Vec<usize> = (0..inputs.len()).filter(|&i| cx.needed[i + 1]).collect();
    let gradient = |branch: &Graph| gradient_of_branch(cx, branch, &given, &wanted, algebra).map(Arc::new);
    let kind = NodeKind::If { then_branch: gradient(then_branch)?, else_branch: gradient(else_branch)? };
    let mut operands = vec![*condition];
    operands.extend(inputs);
    operands.extend(given.iter().filter_map(|&o| cx.cotangents[o]));
    let results = add_node(cx, kind, &operands)?;
    let mut cotangents: Cotangents = SmallVec::from_elem(None, cx.inputs.len());
    for (&i, &result) in wanted.iter().zip(&results) {
        cotangents[i + 1] = Some(result);
    }
    Ok(cotangents)
}

/// A region that takes a branch's inputs and the cotangents of some of its outputs, and gives those of some inputs.
fn gradient_of_branch(
    cx: &Vjp<'_>,
    branch: &Graph,
    given: &[usize],
    wanted: &[usize],
    algebra: &dyn Algebra,
) -> Result<Graph, Error> {
    let region = RegionBuilder::new(format!("{}.gradient", branch.name()), cx);
    let inputs = region.inputs("input", branch.input_facts());
    let facts: Vec<&Fact> = branch.output_facts().collect();
    let cotangents = region.inputs("cotangent", given.iter().map(|&o| facts[o]));
    let outputs = region.inline(branch, &inputs)?;
    let seeds: Vec<(Value, Value)> = given.iter().map(|&o| outputs[o]).zip(cotangents).collect();
    let variables: Vec<Value> = wanted.iter().map(|&i| inputs[i]).collect();
    let results = region.backward(&seeds, &variables, algebra)?;
    Ok(region.trace.finish(results))
}

/// The parts of a loop.
struct Loop<'a> {
    body: &'a Graph,
    /// Known, or that of its stacks: of a `while` and of a loop along stacks alike.
    trips: Option<usize>,
    reverse: bool,
    carried: usize,
    scanned: usize,
    /// Whether the body takes the number of the row.
    counts: bool,
}

impl<'a> Loop<'a> {
    fn of(kind: &'a NodeKind) -> Loop<'a> {
        match kind {
            NodeKind::For { body, trips, reverse, carried, scanned } => Loop {
                body,
                trips: *trips,
                reverse: *reverse,
                carried: *carried,
                scanned: *scanned,
                counts: true,
            },
            NodeKind::While { body, carried, .. } => {
                Loop { body, trips: None, reverse: false, carried: *carried, scanned: 0, counts: false }
            }
            _ => unreachable!("called for a loop"),
        }
    }
}

/// The gradient of a loop is a `For` that walks along its rows the other way: those of its sequences, and of what each
/// iteration started from, which the loop learns to collect. It carries the cotangents of the loop variables and of the
/// invariants, and collects the cotangents of the rows.
pub(super) fn vjp_of_loop(cx: &Vjp<'_>, kind: &NodeKind, algebra: &dyn Algebra) -> Result<Cotangents, Error> {
    let node = Loop::of(kind);
    let Loop { trips, carried, scanned, .. } = node;
    let trace = cx.trace();
    if trips.is_none() && trace.kind() == TraceKind::Tape {
        return vjp_at_once(cx, kind, algebra);
    }
    let (initial, rest) = cx.inputs.split_at(carried);
    let (sequences, invariants) = rest.split_at(scanned);
    let is_float = |value: &Value| trace.fact(*value).dtype.is_float();
    // Every loop variable that may have a cotangent carries it, needed or not: the others' flow through it. One that cannot
    // carries none: zeros are no help, since zero times an infinite derivative is NaN.
    let is_active = active_variables(cx, &node);
    let flows = Flows {
        variables: (0..carried).filter(|&k| is_active[k] && is_float(&initial[k])).collect(),
        rows: (0..scanned).filter(|&j| cx.needed[carried + j]).collect(),
        shared: (0..invariants.len()).filter(|&i| cx.needed[carried + scanned + i]).collect(),
        collected: (carried..cx.outputs.len()).filter(|&o| cx.cotangents[o].is_some()).collect(),
    };
    let starts = keep_starts(cx, kind)?;
    let gradient = gradient_of_iteration(cx, &node, &flows, algebra)?;
    let Flows { variables, rows, shared, collected } = &flows;

    let zeros = |value: Value| algebra.zeros(trace, &trace.fact(value));
    let mut operands: Vec<Value> = Vec::new();
    for &k in variables {
        operands.push(match cx.cotangents[k] {
            Some(cotangent) => cotangent,
            None => zeros(initial[k])?,
        });
    }
    for &i in shared {
        operands.push(zeros(invariants[i])?);
    }
    operands.extend(starts);
    operands.extend(sequences);
    operands.extend(collected.iter().filter_map(|&o| cx.cotangents[o]));
    operands.extend(invariants);
    let kind = NodeKind::For {
        body: Arc::new(gradient),
        trips,
        reverse: !node.reverse,
        carried: variables.len() + shared.len(),
        scanned: carried + scanned + collected.len(),
    };
    let results = add_node(cx, kind, &operands)?;

    let mut cotangents: Cotangents = SmallVec::from_elem(None, cx.inputs.len());
    let (flowing, rest) = results.split_at(variables.len());
    let (totals, of_rows) = rest.split_at(shared.len());
    for (&k, &value) in variables.iter().zip(flowing) {
        cotangents[k] = Some(value);
    }
    for (&i, &value) in shared.iter().zip(totals) {
        cotangents[carried + scanned + i] = Some(value);
    }
    for (&j, &value) in rows.iter().zip(of_rows) {
        cotangents[carried + j] = Some(value);
    }
    Ok(cotangents)
}

/// For each loop variable, whether it has a cotangent, or an output with one is computed from it, in however many iterations.
fn active_variables(cx: &Vjp<'_>, node: &Loop<'_>) -> Vec<bool> {
    let Loop { body, carried, counts, .. } = *node;
    let first = usize::from(counts);
    let starts = &body.inputs()[first..first + carried];
    let position: HashMap<NodeId, usize> = starts.iter().enumerate().map(|(k, &id)| (id, k)).collect();
    let has_cotangent = |o: &usize| cx.cotangents[*o].is_some();
    let mut is_active: Vec<bool> = (0..carried).map(|k| has_cotangent(&k)).collect();
    let mut open: Vec<Value> =
        (0..cx.outputs.len()).filter(has_cotangent).map(|o| body.outputs()[o]).collect();
    let mut seen = HashSet::new();
    while let Some(value) = open.pop() {
        if !seen.insert(value.node()) {
            continue;
        }
        if let Some(&k) = position.get(&value.node())
            && !std::mem::replace(&mut is_active[k], true)
        {
            open.push(body.outputs()[k]); // The iteration before has made it.
        }
        open.extend(body.node(value.node()).inputs());
    }
    is_active
}

/// Between which parts of a loop cotangents flow, by position among their kind.
struct Flows {
    /// Loop variables.
    variables: Vec<usize>,
    /// Sequences, row by row.
    rows: Vec<usize>,
    /// Invariants.
    shared: Vec<usize>,
    /// Outputs that collect rows, counted from the first output.
    collected: Vec<usize>,
}

/// The body of the gradient's loop.
fn gradient_of_iteration(
    cx: &Vjp<'_>,
    node: &Loop<'_>,
    flows: &Flows,
    algebra: &dyn Algebra,
) -> Result<Graph, Error> {
    let Loop { body, carried, scanned, counts, .. } = *node;
    let Flows { variables, rows, shared, collected } = flows;
    let region = RegionBuilder::new(format!("{}.gradient", body.name()), cx);
    let counter = Fact::scalar(DType::I64);
    let facts: Vec<&Fact> = body.input_facts().collect();
    let (carried_facts, rest) = facts[usize::from(counts)..].split_at(carried);
    let (row_facts, invariant_facts) = rest.split_at(scanned);
    let output_facts: Vec<&Fact> = body.output_facts().collect();
    // What a `For` gives its body: the row's number, the loop variables, rows, invariants.
    let number = region.inputs("number", [&counter]);
    let flowing = region.inputs("cotangent", variables.iter().map(|&k| carried_facts[k]));
    let totals = region.inputs("total", shared.iter().map(|&i| invariant_facts[i]));
    let start = region.inputs("start", carried_facts.iter().copied());
    let row = region.inputs("row", row_facts.iter().copied());
    let row_cotangents = region.inputs("row_cotangent", collected.iter().map(|&o| output_facts[o]));
    let own = region.inputs("invariant", invariant_facts.iter().copied());

    let number = if counts { &number[..] } else { &[] };
    let arguments: Vec<Value> = [number, &start, &row, &own].concat();
    let outputs = region.inline(body, &arguments)?;
    let seeds: Vec<(Value, Value)> = (variables.iter().map(|&k| outputs[k]).zip(flowing))
        .chain(collected.iter().map(|&o| outputs[o]).zip(row_cotangents))
        .collect();
    let wrt: Vec<Value> = (variables.iter().map(|&k| start[k]))
        .chain(shared.iter().map(|&i| own[i]))
        .chain(rows.iter().map(|&j| row[j]))
        .collect();
    let mut results = region.backward(&seeds, &wrt, algebra)?;
    for (result, &total) in results[variables.len()..].iter_mut().zip(&totals) {
        *result = algebra.add(&region.trace, total, *result)?;
    }
    Ok(region.trace.finish(results))
}

/// Lets the loop collect the loop variables that each iteration starts from; gives the stacks of them.
fn keep_starts(cx: &Vjp<'_>, kind: &NodeKind) -> Result<Vec<Value>, Error> {
    let Loop { body, carried, counts, .. } = Loop::of(kind);
    let mut keeping = body.clone();
    let first = usize::from(counts);
    let starts = body.inputs()[first..first + carried].iter().map(|&id| Value::new(id, 0));
    keeping.set_outputs(body.outputs().iter().copied().chain(starts).collect());
    let keeping = Arc::new(keeping);
    let kind = match kind.clone() {
        NodeKind::For { trips, reverse, carried, scanned, .. } => {
            NodeKind::For { body: keeping, trips, reverse, carried, scanned }
        }
        NodeKind::While { condition, carried, .. } => NodeKind::While { condition, body: keeping, carried },
        _ => unreachable!("called for a loop"),
    };
    let trace = cx.trace();
    let outputs: Values = if trace.kind() == TraceKind::Tape {
        add_node(cx, kind, cx.inputs)?
    } else {
        // The node itself learns to keep them; a second loop would compute everything twice.
        trace.extend(cx.outputs[0].node(), kind).map_err(|reason| wrap(reason, "for", cx))?
    };
    Ok(outputs[outputs.len() - carried..].to_vec())
}

/// A tape computes node by node, and no stack outlives a node: so the loop and its gradient become one.
fn vjp_at_once(cx: &Vjp<'_>, kind: &NodeKind, algebra: &dyn Algebra) -> Result<Cotangents, Error> {
    let given: Vec<usize> = (0..cx.outputs.len()).filter(|&o| cx.cotangents[o].is_some()).collect();
    let wanted: Vec<usize> = (0..cx.inputs.len()).filter(|&i| cx.needed[i]).collect();
    let region = RegionBuilder::new("loop.gradient".to_owned(), cx);
    let facts: Vec<Fact> = cx.inputs.iter().map(|&value| cx.trace().fact(value)).collect();
    let inputs = region.inputs("input", &facts);
    let facts: Vec<Fact> = given.iter().map(|&o| cx.trace().fact(cx.outputs[o])).collect();
    let cotangents = region.inputs("cotangent", &facts);
    let outputs = (region.trace.add(kind.clone(), &inputs, cx.origin))
        .map_err(|reason| wrap(reason, kind.name(), cx))?;
    let seeds: Vec<(Value, Value)> = given.iter().map(|&o| outputs[o]).zip(cotangents).collect();
    let variables: Vec<Value> = wanted.iter().map(|&i| inputs[i]).collect();
    let results = region.backward(&seeds, &variables, algebra)?;
    let body = Arc::new(region.trace.finish(results));
    drop(region);
    let operands: Vec<Value> =
        cx.inputs.iter().copied().chain(given.iter().filter_map(|&o| cx.cotangents[o])).collect();
    let results = add_node(cx, NodeKind::Call { body, vjp: None }, &operands)?;
    let mut cotangents: Cotangents = SmallVec::from_elem(None, cx.inputs.len());
    for (&i, &result) in wanted.iter().zip(&results) {
        cotangents[i] = Some(result);
    }
    Ok(cotangents)
}

/// The sum of two stacks, row by row.
pub(super) fn add_stacks(trace: &Trace, algebra: &dyn Algebra, a: Value, b: Value) -> Result<Value, Error> {
    let origin = trace.origin(b);
    let row = trace.fact(a).row().expect("a stack has rows");
    let region = Trace::new(TraceKind::Region, "add");
    let body = {
        let _entered = region.enter();
        region.add_input("number", Fact::scalar(DType::I64), origin);
        let rows = [region.add_input("a", row.clone(), origin), region.add_input("b", row, origin)];
        let sum = algebra.add(&region, rows[0], rows[1])?;
        region.finish(vec![sum])
    };
    let kind = NodeKind::For { body: Arc::new(body), trips: None, reverse: false, carried: 0, scanned: 2 };
    let sums = trace.add(kind, &[a, b], origin);
    Ok(sums.map_err(|reason| Error::op("for", reason, Vec::new(), origin))?[0])
}

/// The graph without what acts on the world: what is repeated for a gradient acts but once.
pub(super) fn without_effects(graph: &Graph) -> Result<Cow<'_, Graph>, Error> {
    Ok(quiet(graph)?.map_or(Cow::Borrowed(graph), Cow::Owned))
}

/// A region under construction, current on this thread while it lives.
struct RegionBuilder<'a> {
    trace: Trace,
    _entered: crate::trace::Entered,
    cx: &'a Vjp<'a>,
}

impl<'a> RegionBuilder<'a> {
    fn new(name: String, cx: &'a Vjp<'a>) -> RegionBuilder<'a> {
        let trace = Trace::new(TraceKind::Region, name);
        let _entered = trace.enter();
        RegionBuilder { trace, _entered, cx }
    }

    fn inputs<'f>(&self, name: &str, facts: impl IntoIterator<Item = &'f Fact>) -> Vec<Value> {
        let input = |(i, fact): (usize, &Fact)| {
            self.trace.add_input(format!("{name}.{i}"), fact.clone(), self.cx.origin)
        };
        facts.into_iter().enumerate().map(input).collect()
    }

    fn inline(&self, graph: &Graph, arguments: &[Value]) -> Result<Vec<Value>, Error> {
        self.trace
            .inline(&*without_effects(graph)?, arguments, NameScope::ROOT)
            .map_err(|reason| wrap(reason, "region", self.cx))
    }

    /// The cotangents of the variables, zeros where nothing flows.
    fn backward(
        &self,
        seeds: &[(Value, Value)],
        variables: &[Value],
        algebra: &dyn Algebra,
    ) -> Result<Vec<Value>, Error> {
        let cotangents = backward(&self.trace, seeds, variables, algebra)?;
        let or_zeros = |(cotangent, &variable): (Option<Value>, &Value)| match cotangent {
            Some(cotangent) => Ok(cotangent),
            None => algebra.zeros(&self.trace, &self.trace.fact(variable)),
        };
        cotangents.into_iter().zip(variables).map(or_zeros).collect()
    }
}
