//! `fold`: what depends on nothing but constants is computed now.

use smallvec::SmallVec;

use super::rebuild::{Changed, Rebuild, Rewritten, in_place, rebuild};
use crate::array::Array;
use crate::error::Error;
use crate::exec;
use crate::fact::Fact;
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{Value, Values};
use crate::op::Class;

/// A result of at most this many bytes is folded whatever it is made from; a larger one only where it is not larger
/// than what it is made from.
const SMALL_BYTES: usize = 4096;

/// Replaces ops on constants by their results, computed by their own kernels.
///
/// An op stays where its result would make the graph larger, where it acts on the world, and where it fails: a
/// division by zero is reported when it is reached, at the user's line. Loops stay, since they may not end.
///
/// *After:* no op remains that has only constant operands and a small result, but for those that fail.
///
/// # Errors
/// Never.
pub fn fold(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, folded)
}

fn folded(graph: &Graph) -> Rewritten {
    rebuild(graph, &mut fold_node)
}

fn fold_node(new: &mut Rebuild, node: &Node, inputs: &[Value]) -> Result<Values, Error> {
    match compute(&new.graph, node, inputs) {
        None => new.copy(node, inputs, &mut folded),
        Some(arrays) => {
            new.changed = Changed::Yes;
            let constants = arrays.into_iter().map(|array| new.graph.add_constant(array, node.origin()));
            Ok(constants.collect())
        }
    }
}

fn compute(graph: &Graph, node: &Node, inputs: &[Value]) -> Option<SmallVec<[Array; 1]>> {
    let NodeKind::Apply(op) = node.kind() else { return None };
    if op.class() == Class::Effect {
        return None;
    }
    let operands: SmallVec<[&Array; 4]> =
        inputs.iter().map(|&input| graph.constant(input)).collect::<Option<_>>()?;
    let operand_bytes: usize = operands.iter().map(|array| array.fact().num_bytes()).sum();
    let result_bytes: usize = node.facts().iter().map(Fact::num_bytes).sum();
    if result_bytes > operand_bytes.max(SMALL_BYTES) {
        return None;
    }
    exec::compute(node.kind(), &operands).ok()
}
