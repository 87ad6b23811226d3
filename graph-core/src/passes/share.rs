//! `share`: what a region computes that its surroundings have computed already is taken from there.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use smallvec::SmallVec;

use super::rebuild::{Changed, Rewritten, in_place, rebuild, rewrite_regions};
use super::same::{hash_kind, same_kind};
use crate::error::{Error, OpError};
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value, Values};
use crate::op::Class;

/// Replaces an op in a region by a further operand of the region's node, where the same op on the same operands stands
/// before that node: common subexpressions across the border of a region. One border at a time: what an inner region
/// shares with the outermost graph only is left.
///
/// *Before:* `cse` and `dce` have run: nothing stands there twice, and nothing that is not needed. *After:* no op on
/// nothing but invariants is the same as one before its region.
///
/// # Errors
/// Never.
pub fn share(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, shared)
}

fn shared(graph: &Graph) -> Rewritten {
    let mut known = Known::default();
    rebuild(graph, &mut |new, node, inputs| {
        if node.kind().regions().is_empty() {
            let values = new.graph.copy_node(node, inputs);
            if !matches!(node.kind(), NodeKind::Apply(op) if op.class() == Class::Effect) {
                known.note(node.kind(), inputs, &values);
            }
            return Ok(values);
        }
        let rewritten = rewrite_regions(node.kind(), &mut shared)?;
        let kind = rewritten.as_ref().unwrap_or(node.kind());
        // Operands of the node: its own, then what is captured.
        let own = invariants(kind, inputs);
        let mut operands = own.clone();
        let regions = kind.regions();
        let taken: Vec<Taken> =
            regions.iter().map(|region| take(region, &known, &new.graph, &mut operands)).collect();
        if taken.iter().all(Taken::is_empty) {
            drop(regions);
            return Ok(new.copy_as(rewritten, node, inputs));
        }
        let mut taken = taken.iter();
        let kind = rewrite_regions(kind, &mut |region| {
            let taken = taken.next().expect("one for each region");
            Ok(Some(without(region, taken, &operands, &new.graph)))
        })?;
        let captured = operands[own.len()..].iter().flatten();
        let operands: Vec<Value> = inputs.iter().chain(captured).copied().collect();
        new.changed = Changed::Yes;
        new.graph.add(kind.expect("its regions were changed"), &operands, node.origin()).map_err(broken)
    })
}

fn broken(reason: OpError) -> Error {
    Error::Pass { pass: "share".to_owned(), message: reason.to_string() }
}

/// Nodes by what they compute.
#[derive(Default)]
struct Known {
    hashers: RandomState,
    nodes: HashMap<u64, SmallVec<[Values; 1]>>,
}

impl Known {
    fn hash(&self, kind: &NodeKind, inputs: &[Value]) -> u64 {
        let mut hasher = self.hashers.build_hasher();
        hash_kind(kind, &mut hasher);
        inputs.hash(&mut hasher);
        hasher.finish()
    }

    fn note(&mut self, kind: &NodeKind, inputs: &[Value], values: &Values) {
        if !values.is_empty() {
            let hash = self.hash(kind, inputs);
            self.nodes.entry(hash).or_default().push(values.clone());
        }
    }

    fn find(&self, graph: &Graph, kind: &NodeKind, inputs: &[Value]) -> Option<&Values> {
        self.nodes.get(&self.hash(kind, inputs))?.iter().find(|values| {
            let node = graph.node(values[0].node());
            node.inputs() == inputs && same_kind(node.kind(), kind)
        })
    }
}

/// For each input of the regions of a node, the operand that it is in every iteration.
fn invariants(kind: &NodeKind, inputs: &[Value]) -> Vec<Option<Value>> {
    let all = |from: usize| inputs[from..].iter().copied().map(Some);
    let none = |count: usize| std::iter::repeat_n(None, count);
    match kind {
        NodeKind::If { .. } => all(1).collect(),
        NodeKind::While { carried, .. } => none(*carried).chain(all(*carried)).collect(),
        NodeKind::For { carried, scanned, .. } => {
            none(1 + carried + scanned).chain(all(carried + scanned)).collect()
        }
        // A call keeps its signature: it is inlined, if at all.
        NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) | NodeKind::Call { .. } => {
            Vec::new()
        }
    }
}

/// The ops of a region that stand in its surroundings, too, and what those of their values are there that others use.
#[derive(Default)]
struct Taken {
    ops: HashSet<NodeId>,
    values: Vec<(Value, Value)>,
}

impl Taken {
    fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
}

/// Finds the ops of a region that stand in its surroundings. Their values become `operands`, if they are not yet.
fn take(region: &Graph, known: &Known, graph: &Graph, operands: &mut Vec<Option<Value>>) -> Taken {
    let inputs = region.inputs().iter().zip(&*operands);
    let mut outside: HashMap<Value, Value> =
        inputs.filter_map(|(&id, value)| Some((Value::new(id, 0), (*value)?))).collect();
    let mut taken = Taken::default();
    if outside.is_empty() {
        return taken;
    }
    for id in region.topological_order() {
        let node = region.node(id);
        let is_op = match node.kind() {
            NodeKind::Apply(op) => op.class() != Class::Effect && !node.inputs().is_empty(),
            NodeKind::Constant(_) => false,
            _ => continue,
        };
        let inputs: Option<SmallVec<[Value; 4]>> =
            node.inputs().iter().map(|input| outside.get(input).copied()).collect();
        let Some(same) = inputs.and_then(|inputs| known.find(graph, node.kind(), &inputs)) else {
            continue;
        };
        outside.extend(same.iter().enumerate().map(|(output, &value)| (Value::new(id, output), value)));
        if is_op {
            taken.ops.insert(id);
        }
    }
    for &id in &taken.ops {
        for output in 0..region.node(id).facts().len() {
            let value = Value::new(id, output);
            let is_used = region.outputs().contains(&value)
                || region.users(value).any(|(user, _)| !taken.ops.contains(&user));
            if is_used {
                taken.values.push((value, outside[&value]));
            }
        }
    }
    taken.values.sort_unstable();
    for (_, outer) in &taken.values {
        if !operands.contains(&Some(*outer)) {
            operands.push(Some(*outer));
        }
    }
    taken
}

/// The region with inputs for all operands, and what was taken in the place of its ops.
fn without(region: &Graph, taken: &Taken, operands: &[Option<Value>], graph: &Graph) -> Graph {
    let mut new = region.signature();
    for outer in operands[region.inputs().len()..].iter().flatten() {
        new.add_input("shared", graph.fact(*outer).clone(), graph.node(outer.node()).origin());
    }
    let input = |new: &Graph, index: usize| Value::new(new.inputs()[index], 0);
    let mut renamed: HashMap<Value, Value> =
        region.inputs().iter().enumerate().map(|(i, &id)| (Value::new(id, 0), input(&new, i))).collect();
    for &(value, outer) in &taken.values {
        let index = operands.iter().position(|operand| *operand == Some(outer));
        renamed.insert(value, input(&new, index.expect("all that is taken is an operand")));
    }
    for id in region.topological_order() {
        let node = region.node(id);
        if taken.ops.contains(&id) || matches!(node.kind(), NodeKind::Input { .. }) {
            continue;
        }
        let inputs: SmallVec<[Value; 4]> = node.inputs().iter().map(|input| renamed[input]).collect();
        let values = new.copy_node(node, &inputs);
        renamed.extend(values.into_iter().enumerate().map(|(output, value)| (Value::new(id, output), value)));
    }
    new.set_outputs(region.outputs().iter().map(|output| renamed[output]).collect());
    new
}
