//! `inline`: calls become the nodes of what they call; control flow that is decided already disappears.

use std::sync::Arc;

use smallvec::SmallVec;

use super::rebuild::{Changed, Rebuild, Rewritten, in_place, rebuild, rewrite_regions};
use super::same::same_graph;
use crate::array::Array;
use crate::error::Error;
use crate::exec;
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{Value, Values};
use crate::op::Class;

/// A condition on constants is decided if none of them is larger.
const SMALL_BYTES: usize = 4096;

/// Replaces
/// - a `call` by the nodes of its body, in a name scope of the function's name,
/// - an `if` on a constant by the nodes of the branch it takes, and one of two equal branches by either,
/// - a `while` whose condition is false for what it starts from, as far as that is constant, and a `for` of no trips, by
///   the initial values.
///
/// *Before:* gradients have been taken: the custom gradients of calls are lost. *After:* no call is left.
///
/// # Errors
/// Never.
pub fn inline(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, inlined)
}

fn inlined(graph: &Graph) -> Rewritten {
    rebuild(graph, &mut inline_node)
}

fn inline_node(new: &mut Rebuild, node: &Node, inputs: &[Value]) -> Result<Values, Error> {
    let around = node.origin().name_scope();
    let values = match node.kind() {
        NodeKind::Call { body, .. } => {
            let within = new.calls.fresh(around, body.name());
            new.emit_all(body, inputs, within, &mut inline_node)?
        }
        NodeKind::If { then_branch, else_branch } => match truth(&new.graph, inputs[0]) {
            Some(true) => new.emit_all(then_branch, &inputs[1..], around, &mut inline_node)?,
            Some(false) => new.emit_all(else_branch, &inputs[1..], around, &mut inline_node)?,
            None => {
                // What the branches do is seen once they are inlined themselves.
                let rewritten = rewrite_regions(node.kind(), &mut inlined)?;
                match rewritten.as_ref().unwrap_or(node.kind()) {
                    NodeKind::If { then_branch, else_branch } if same_graph(then_branch, else_branch) => {
                        new.emit_all(then_branch, &inputs[1..], around, &mut inline_node)?
                    }
                    _ => return Ok(new.copy_as(rewritten, node, inputs)),
                }
            }
        },
        NodeKind::While { carried, .. } => {
            let rewritten = rewrite_regions(node.kind(), &mut inlined)?;
            // Of a loop that also collects, something would have to stand for the empty stacks.
            let collects = node.facts().len() > *carried;
            if !collects && never_runs(&new.graph, rewritten.as_ref().unwrap_or(node.kind()), inputs) {
                inputs[..*carried].to_vec()
            } else {
                return Ok(new.copy_as(rewritten, node, inputs));
            }
        }
        NodeKind::For { trips: Some(0), carried, .. } => {
            let collected = node.facts()[*carried..].iter();
            let empty =
                collected.map(|fact| new.graph.add_constant(Array::zeros(fact.clone()), node.origin()));
            inputs[..*carried].iter().copied().chain(empty).collect()
        }
        _ => return new.copy(node, inputs, &mut inlined),
    };
    new.changed = Changed::Yes;
    Ok(SmallVec::from_vec(values))
}

/// Whether the node is a loop whose condition is false before the first iteration.
fn never_runs(graph: &Graph, kind: &NodeKind, inputs: &[Value]) -> bool {
    let NodeKind::While { condition, .. } = kind else { return false };
    if let Some(truth) = truth(condition, condition.outputs()[0]) {
        return !truth;
    }
    // What it starts from may be known, as a counter is.
    let is_plain = |id| match condition.node(id).kind() {
        NodeKind::Input { .. } | NodeKind::Constant(_) => true,
        NodeKind::Apply(op) => op.class() != Class::Effect,
        _ => false,
    };
    if !condition.node_ids().all(is_plain) {
        return false;
    }
    let (decision, used) = condition.subgraph(condition.outputs());
    let operands: Option<Vec<&Array>> = used.iter().map(|&index| graph.constant(inputs[index])).collect();
    let Some(operands) =
        operands.filter(|all| all.iter().all(|array| array.fact().num_bytes() <= SMALL_BYTES))
    else {
        return false;
    };
    // A condition that fails is left to fail where it is reached.
    let call = NodeKind::Call { body: Arc::new(decision), vjp: None };
    let decided = exec::compute(&call, &operands).ok();
    decided.is_some_and(|arrays| arrays[0].as_slice::<bool>() == Some(&[false]))
}

/// The truth value of a condition that is a constant.
fn truth(graph: &Graph, condition: Value) -> Option<bool> {
    let truths = graph.constant(condition)?.as_slice::<bool>()?;
    truths.first().copied().filter(|_| truths.len() == 1)
}
