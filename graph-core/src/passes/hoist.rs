//! `hoist`: what every iteration of a loop repeats is computed once, before it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::rebuild::{Changed, Rebuild, Rewritten, in_place, rebuild, rewrite_regions};
use crate::error::{Error, OpError};
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{NodeId, Value, Values};
use crate::op::Class;

/// Moves ops out of `for` loops, and out of the conditions of `while` loops, whose operands are the same in every
/// iteration: invariants, constants, and loop variables that the body returns as they are.
///
/// Only out of what runs at least once, and only what every iteration reaches: an op may fail, and must not fail where it
/// would not have been reached. So nothing leaves the body of a `while` or a branch. What acts on the world stays.
///
/// *After:* in no body of a `for` with trips, and in no condition, is there an op on invariants alone.
///
/// # Errors
/// Never.
pub fn hoist(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, hoisted)
}

fn hoisted(graph: &Graph) -> Rewritten {
    rebuild(graph, &mut hoist_node)
}

fn hoist_node(new: &mut Rebuild, node: &Node, inputs: &[Value]) -> Result<Values, Error> {
    // Inner loops first: what leaves them may leave this one, too.
    let rewritten = rewrite_regions(node.kind(), &mut hoisted)?;
    let kind = rewritten.as_ref().unwrap_or(node.kind());
    // What certainly runs, how many inputs it has before those that are operands, and which operands stay the same.
    let (region, before, is_same): (&Graph, usize, Vec<bool>) = match kind {
        NodeKind::For { body, trips: Some(1..), carried, scanned, .. } => {
            let mut is_same = unchanged(body, 1, *carried);
            is_same.resize(carried + scanned, false);
            is_same.resize(inputs.len(), true);
            (body, 1, is_same)
        }
        NodeKind::While { condition, body, carried } => {
            let mut is_same = unchanged(body, 0, *carried);
            is_same.resize(inputs.len(), true);
            (condition, 0, is_same)
        }
        _ => return Ok(new.copy_as(rewritten, node, inputs)),
    };
    let invariant = invariant_nodes(region, before, &is_same);
    if invariant.is_empty() {
        return Ok(new.copy_as(rewritten, node, inputs));
    }
    let outside = emit_outside(new, region, before, node, inputs, &invariant);
    let (region, uses) = without(region, &invariant);
    let operands: Vec<Value> =
        inputs.iter().copied().chain(uses.iter().map(|value| outside[value])).collect();
    let kind = match kind {
        NodeKind::While { body, carried, .. } => {
            let mut body = (**body).clone();
            for &input in &region.inputs()[inputs.len()..] {
                body.copy_input(region.node(input));
            }
            NodeKind::While { condition: Arc::new(region), body: Arc::new(body), carried: *carried }
        }
        NodeKind::For { trips, reverse, carried, scanned, .. } => NodeKind::For {
            body: Arc::new(region),
            trips: *trips,
            reverse: *reverse,
            carried: *carried,
            scanned: *scanned,
        },
        _ => unreachable!("only loops come so far"),
    };
    new.changed = Changed::Yes;
    new.graph.add(kind, &operands, node.origin()).map_err(broken)
}

fn broken(reason: OpError) -> Error {
    Error::Pass { pass: "hoist".to_owned(), message: reason.to_string() }
}

/// Which loop variables the body, which takes so many inputs before them, returns as they are.
fn unchanged(body: &Graph, before: usize, carried: usize) -> Vec<bool> {
    (0..carried).map(|k| body.outputs()[k] == Value::new(body.inputs()[before + k], 0)).collect()
}

/// The ops of a region that give the same in every iteration, in order.
fn invariant_nodes(body: &Graph, before: usize, is_same: &[bool]) -> Vec<NodeId> {
    let inputs = body.inputs()[before..].iter().zip(is_same);
    let mut same: HashSet<NodeId> = inputs.filter(|(_, is_same)| **is_same).map(|(&id, _)| id).collect();
    let mut ops = Vec::new();
    for id in body.topological_order() {
        let node = body.node(id);
        match node.kind() {
            NodeKind::Constant(_) => {
                same.insert(id);
            }
            NodeKind::Apply(op)
                if op.class() != Class::Effect && node.inputs().iter().all(|v| same.contains(&v.node())) =>
            {
                same.insert(id);
                ops.push(id);
            }
            _ => {}
        }
    }
    ops
}

/// Emits the ops before the loop; gives what the values of the body that they take and give are there.
fn emit_outside(
    new: &mut Rebuild,
    body: &Graph,
    before: usize,
    node: &Node,
    inputs: &[Value],
    ops: &[NodeId],
) -> HashMap<Value, Value> {
    let around = node.origin().name_scope();
    // No operand stands for the iteration's number, which comes before all.
    let mut outside: HashMap<Value, Value> =
        body.inputs()[before..].iter().map(|&id| Value::new(id, 0)).zip(inputs.iter().copied()).collect();
    for &id in ops {
        let node = body.node(id);
        let operands: SmallVec<[Value; 4]> = node
            .inputs()
            .iter()
            .map(|&operand| match body.constant(operand) {
                Some(_) => *outside.entry(operand).or_insert_with(|| {
                    new.graph.copy_node(&body.node(operand.node()).moved_to(around), &[])[0]
                }),
                None => outside[&operand],
            })
            .collect();
        let values = new.graph.copy_node(&node.moved_to(around), &operands);
        outside.extend(values.into_iter().enumerate().map(|(output, value)| (Value::new(id, output), value)));
    }
    outside
}

/// The body without these ops, their values taken as further inputs; and which values those inputs are.
fn without(body: &Graph, ops: &[NodeId]) -> (Graph, Vec<Value>) {
    let removed: HashSet<NodeId> = ops.iter().copied().collect();
    let mut new = body.signature();
    let inputs = new.inputs().iter().map(|&id| Value::new(id, 0));
    let mut renamed: HashMap<Value, Value> =
        body.inputs().iter().map(|&id| Value::new(id, 0)).zip(inputs).collect();
    let mut uses = Vec::new();
    let mut rename = |new: &mut Graph, renamed: &mut HashMap<Value, Value>, value: Value| {
        *renamed.entry(value).or_insert_with(|| {
            // Only what was removed is not renamed yet when it is used.
            uses.push(value);
            new.add_input("hoisted", body.fact(value).clone(), body.node(value.node()).origin())
        })
    };
    for id in body.topological_order() {
        let node = body.node(id);
        if removed.contains(&id) || matches!(node.kind(), NodeKind::Input { .. }) {
            continue;
        }
        let operands: SmallVec<[Value; 4]> =
            node.inputs().iter().map(|&value| rename(&mut new, &mut renamed, value)).collect();
        let values = new.copy_node(node, &operands);
        renamed.extend(values.into_iter().enumerate().map(|(output, value)| (Value::new(id, output), value)));
    }
    let outputs = body.outputs().iter().map(|&value| rename(&mut new, &mut renamed, value)).collect();
    new.set_outputs(outputs);
    (new, uses)
}
