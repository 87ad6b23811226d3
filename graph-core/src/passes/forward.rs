//! `forward`: what control flow leaves as it is, is taken from before it.

use std::sync::Arc;

use super::rebuild::{Changed, Rebuild, Rewritten, in_place, rebuild, rewrite_regions};
use crate::error::{Error, OpError};
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{Value, Values};

/// Replaces
/// - an output of an `if` that both branches give as they were given it, by the operand,
/// - a loop variable that every iteration leaves as it is, by what it starts from: in the loop it becomes an invariant.
///
/// *After:* no branch and no iteration hands an input on in its own place.
///
/// # Errors
/// Never.
pub fn forward(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, forwarded)
}

fn forwarded(graph: &Graph) -> Rewritten {
    rebuild(graph, &mut forward_node)
}

fn forward_node(new: &mut Rebuild, node: &Node, inputs: &[Value]) -> Result<Values, Error> {
    // Regions first: an inner construct may turn out to hand on what the outer one then does.
    let rewritten = rewrite_regions(node.kind(), &mut forwarded)?;
    let kind = rewritten.as_ref().unwrap_or(node.kind());
    // For each output, the operand that it is.
    let passed: Vec<Option<usize>> = match kind {
        NodeKind::If { then_branch, else_branch } => (0..node.facts().len())
            .map(|output| {
                let index = input_behind(then_branch, output)?;
                (input_behind(else_branch, output) == Some(index)).then_some(index + 1)
            })
            .collect(),
        NodeKind::While { body, carried, .. } => unchanged(body, *carried, 0),
        NodeKind::For { body, carried, .. } => unchanged(body, *carried, 1),
        _ => return Ok(new.copy_as(rewritten, node, inputs)),
    };
    if passed.iter().all(Option::is_none) {
        return Ok(new.copy_as(rewritten, node, inputs));
    }
    let (kind, operands) = without(kind, inputs, &passed);
    new.changed = Changed::Yes;
    let is_needed = passed.len() < node.facts().len() || passed.contains(&None) || kind.has_effect();
    let mut rest = match is_needed {
        true => new.graph.add(kind, &operands, node.origin()).map_err(broken)?.into_iter(),
        false => Values::new().into_iter(),
    };
    let passed = passed.into_iter().chain(std::iter::repeat(None));
    Ok(passed
        .take(node.facts().len())
        .map(|operand| match operand {
            Some(operand) => inputs[operand],
            None => rest.next().expect("a value for each output that is left"),
        })
        .collect())
}

fn broken(reason: OpError) -> Error {
    Error::Pass { pass: "forward".to_owned(), message: reason.to_string() }
}

/// Which input of a region one of its outputs is.
fn input_behind(region: &Graph, output: usize) -> Option<usize> {
    let value = region.outputs()[output];
    region.inputs().iter().position(|&id| Value::new(id, 0) == value)
}

/// The loop variables that the body leaves as they are, as operands of the loop. The body takes so many inputs before
/// them.
fn unchanged(body: &Graph, carried: usize, before: usize) -> Vec<Option<usize>> {
    (0..carried)
        .map(|variable| (input_behind(body, variable)? == variable + before).then_some(variable))
        .collect()
}

/// The node without the outputs that were passed; a loop takes the variables last, as invariants.
fn without(kind: &NodeKind, inputs: &[Value], passed: &[Option<usize>]) -> (NodeKind, Vec<Value>) {
    let is_kept = |output: usize| passed.get(output).is_none_or(Option::is_none);
    let (kept, moved): (Vec<usize>, Vec<usize>) = (0..passed.len()).partition(|&output| is_kept(output));
    // The operands of a loop in their new order, as positions among the old ones.
    let order: Vec<usize> = kept.iter().copied().chain(passed.len()..inputs.len()).chain(moved).collect();
    let reordered = |region: &Graph, before: usize, narrow: bool| {
        let positions: Vec<usize> = (0..before).chain(order.iter().map(|&i| i + before)).collect();
        let mut new = Graph::new(region.name().clone());
        let mut arguments: Vec<Option<Value>> = vec![None; positions.len()];
        for position in positions {
            arguments[position] = Some(new.copy_input(region.node(region.inputs()[position])));
        }
        let arguments: Vec<Value> =
            arguments.into_iter().map(|argument| argument.expect("each has its place")).collect();
        let outputs = new.splice(region, &arguments);
        let outputs = outputs.into_iter().enumerate().filter(|&(output, _)| !narrow || is_kept(output));
        new.set_outputs(outputs.map(|(_, value)| value).collect());
        Arc::new(new)
    };
    let operands = || order.iter().map(|&i| inputs[i]).collect();
    match kind {
        NodeKind::If { then_branch, else_branch } => {
            let narrowed = |branch: &Arc<Graph>| {
                let mut branch = (**branch).clone();
                let outputs = branch.outputs().iter().enumerate().filter(|&(output, _)| is_kept(output));
                branch.set_outputs(outputs.map(|(_, &value)| value).collect());
                Arc::new(branch)
            };
            let kind =
                NodeKind::If { then_branch: narrowed(then_branch), else_branch: narrowed(else_branch) };
            (kind, inputs.to_vec())
        }
        NodeKind::While { condition, body, .. } => {
            let (condition, body) = (reordered(condition, 0, false), reordered(body, 0, true));
            (NodeKind::While { condition, body, carried: kept.len() }, operands())
        }
        NodeKind::For { body, trips, reverse, scanned, .. } => {
            let kind = NodeKind::For {
                body: reordered(body, 1, true),
                trips: *trips,
                reverse: *reverse,
                carried: kept.len(),
                scanned: *scanned,
            };
            (kind, operands())
        }
        _ => unreachable!("called for control flow"),
    }
}
