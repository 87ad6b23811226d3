//! `cse`: what is computed twice is computed once (common subexpressions).

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use smallvec::SmallVec;

use super::rebuild::{Changed, Rewritten, in_place, rebuild, rewrite_regions};
use super::same::{hash_kind, same_kind};
use crate::error::Error;
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{Value, Values};

/// Merges nodes of the same kind on the same operands into the first of them.
///
/// Constants are the same by their bits, ops by their attributes, structural nodes by their regions, node for node.
/// `a + b` and `b + a` are not the same: no op is taken to be commutative. What acts on the world is never merged.
///
/// *After:* no two nodes of a graph without effects have the same kind and operands. Those of different regions may.
///
/// # Errors
/// Never.
pub fn cse(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, merged)
}

fn merged(graph: &Graph) -> Rewritten {
    let hashers = RandomState::new();
    // Values of the first node of each kind and operands; several kinds may share a hash.
    let mut first: HashMap<u64, SmallVec<[Values; 1]>> = HashMap::with_capacity(graph.num_nodes());
    rebuild(graph, &mut |new, node, inputs| {
        if node.facts().is_empty() || node.kind().has_effect() {
            return new.copy(node, inputs, &mut merged);
        }
        // Regions first: two may become the same by it.
        let rewritten = rewrite_regions(node.kind(), &mut merged)?;
        let kind = rewritten.as_ref().unwrap_or(node.kind());
        let hash = {
            let mut hasher = hashers.build_hasher();
            hash_kind(kind, &mut hasher);
            inputs.hash(&mut hasher);
            hasher.finish()
        };
        let candidates = first.entry(hash).or_default();
        let same = candidates.iter().find(|values| is_same(new.graph.node(values[0].node()), kind, inputs));
        if let Some(values) = same {
            new.changed = Changed::Yes;
            return Ok(values.clone());
        }
        let values = new.copy_as(rewritten, node, inputs);
        candidates.push(values.clone());
        Ok(values)
    })
}

fn is_same(have: &Node, kind: &NodeKind, inputs: &[Value]) -> bool {
    have.inputs() == inputs && same_kind(have.kind(), kind)
}
