//! `dce`: what no output depends on is removed (dead code).

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::rebuild::{Changed, Rewritten, in_place};
use crate::error::Error;
use crate::graph::{Graph, Node, NodeKind};
use crate::ids::{NodeId, Value, Values};

/// Removes nodes that neither an output nor an effect depends on; and of `if`, `call`, `while` and `for`, the outputs
/// that nothing uses, the loop variables that nothing but themselves uses, and the operands that no region reads.
///
/// A loop of which nothing is used is removed, too, whether it would have ended or not; as is an op that would have
/// failed.
///
/// *After:* every value but the graph's inputs is needed. The calls that have a custom gradient keep their signature.
///
/// # Errors
/// Never.
pub fn dce(graph: &mut Graph) -> Result<Changed, Error> {
    in_place(graph, |graph| {
        let (outputs, inputs) = (vec![true; graph.outputs().len()], vec![true; graph.inputs().len()]);
        prune(graph, &outputs, &inputs, &mut Known::default())
    })
}

/// What is needed of a structural node.
struct Needed {
    outputs: Vec<bool>,
    operands: Vec<bool>,
}

/// Which inputs of a region its outputs need, by region and outputs: what is known already. Loops ask until nothing
/// changes, and each level of pruning asks again; without this the questions double at every level of nesting.
///
/// A region is known by its address, since none is freed during a pass.
#[derive(Default)]
struct Known(HashMap<(*const Graph, Vec<bool>), Vec<bool>>);

/// What is needed of a graph.
struct Liveness {
    /// Values, as bits: which outputs of a node are needed.
    values: Vec<SmallVec<[bool; 8]>>,
    /// Nodes.
    nodes: Vec<bool>,
    structure: HashMap<NodeId, Needed>,
}

impl Liveness {
    /// What is needed for these outputs of the graph, and for all effects.
    fn new(graph: &Graph, wanted: &[bool], known: &mut Known) -> Liveness {
        let bound = graph.index_bound();
        let mut live = Liveness {
            values: vec![SmallVec::new(); bound],
            nodes: vec![false; bound],
            structure: HashMap::new(),
        };
        for id in graph.node_ids() {
            live.values[id.index()].resize(graph.node(id).facts().len(), false);
        }
        for (output, _) in graph.outputs().iter().zip(wanted).filter(|(_, wanted)| **wanted) {
            live.mark(*output);
        }
        for id in graph.topological_order().into_iter().rev() {
            let node = graph.node(id);
            if !live.values[id.index()].contains(&true) && !node.kind().has_effect() {
                continue;
            }
            live.nodes[id.index()] = true;
            match needed(node, &live.values[id.index()], known) {
                None => node.inputs().iter().for_each(|&input| live.mark(input)),
                Some(needed) => {
                    for (&input, _) in node.inputs().iter().zip(&needed.operands).filter(|(_, n)| **n) {
                        live.mark(input);
                    }
                    live.structure.insert(id, needed);
                }
            }
        }
        live
    }

    fn mark(&mut self, value: Value) {
        self.values[value.node().index()][value.output()] = true;
    }

    /// Which of the graph's inputs are needed.
    fn inputs(&self, graph: &Graph) -> Vec<bool> {
        graph.inputs().iter().map(|id| self.values[id.index()][0]).collect()
    }
}

/// Which inputs of a region these outputs need.
fn needed_inputs(region: &Graph, outputs: &[bool], known: &mut Known) -> Vec<bool> {
    let key = (std::ptr::from_ref(region), outputs.to_vec());
    if let Some(inputs) = known.0.get(&key) {
        return inputs.clone();
    }
    let inputs = Liveness::new(region, outputs, known).inputs(region);
    known.0.insert(key, inputs.clone());
    inputs
}

fn union(a: Vec<bool>, b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| a | b).collect()
}

/// What is needed of a structural node of which these outputs are used; `None` where all of it is.
fn needed(node: &Node, used: &[bool], known: &mut Known) -> Option<Needed> {
    match node.kind() {
        NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => None,
        NodeKind::Call { vjp: Some(_), .. } => None,
        NodeKind::Call { body, vjp: None } => {
            Some(Needed { outputs: used.to_vec(), operands: needed_inputs(body, used, known) })
        }
        NodeKind::If { then_branch, else_branch } => {
            let by_then = needed_inputs(then_branch, used, known);
            let mut operands = union(by_then, &needed_inputs(else_branch, used, known));
            operands.insert(0, true);
            Some(Needed { outputs: used.to_vec(), operands })
        }
        NodeKind::While { condition, body, carried } => {
            let by_condition = needed_inputs(condition, &[true], known);
            let (outputs, operands) = until_stable(used, *carried, |outputs| {
                union(needed_inputs(body, outputs, known), &by_condition)
            });
            Some(Needed { outputs, operands })
        }
        NodeKind::For { body, trips, carried, scanned, .. } => {
            let without_counter = |outputs: &[bool]| needed_inputs(body, outputs, known).split_off(1);
            let (outputs, mut operands) = until_stable(used, *carried, without_counter);
            let sequences = &mut operands[*carried..carried + scanned];
            if trips.is_none() && !sequences.contains(&true) {
                // Its length is that of its stacks.
                sequences[0] = true;
            }
            Some(Needed { outputs, operands })
        }
    }
}

/// A loop variable is needed where an output, or an iteration's part of another needed one, reads it.
fn until_stable(
    used: &[bool],
    carried: usize,
    mut operands_for: impl FnMut(&[bool]) -> Vec<bool>,
) -> (Vec<bool>, Vec<bool>) {
    let mut outputs = used.to_vec();
    loop {
        let mut operands = operands_for(&outputs);
        let before = outputs.clone();
        for (output, operand) in outputs[..carried].iter_mut().zip(&mut operands) {
            *output |= *operand;
            *operand = *output;
        }
        if outputs == before {
            return (outputs, operands);
        }
    }
}

/// The graph with only what is needed for these outputs, and with only these inputs; `None` where that is all of it.
fn prune(graph: &Graph, outputs: &[bool], inputs: &[bool], known: &mut Known) -> Rewritten {
    let live = Liveness::new(graph, outputs, known);
    let mut changed = outputs.contains(&false) || inputs.contains(&false);
    let mut new = Graph::new(graph.name().clone());
    let mut renamed: Vec<SmallVec<[Option<Value>; 1]>> = vec![SmallVec::new(); graph.index_bound()];
    for (&id, &keep) in graph.inputs().iter().zip(inputs) {
        renamed[id.index()].push(keep.then(|| new.copy_input(graph.node(id))));
    }
    let rename = |renamed: &[SmallVec<[Option<Value>; 1]>], value: &Value| {
        renamed[value.node().index()][value.output()].expect("what is needed was kept")
    };
    for id in graph.topological_order() {
        let node = graph.node(id);
        if matches!(node.kind(), NodeKind::Input { .. }) {
            continue;
        }
        if !live.nodes[id.index()] {
            changed = true;
            continue;
        }
        let Some(needed) = live.structure.get(&id) else {
            let operands: SmallVec<[Value; 4]> = node.inputs().iter().map(|v| rename(&renamed, v)).collect();
            renamed[id.index()] = new.copy_node(node, &operands).into_iter().map(Some).collect();
            continue;
        };
        let operands: SmallVec<[Value; 4]> =
            kept(node.inputs(), &needed.operands).map(|v| rename(&renamed, v)).collect();
        let values = match prune_kind(node.kind(), needed, known)? {
            None => new.copy_node(node, &operands),
            Some(kind) => {
                changed = true;
                new.add(kind, &operands, node.origin()).map_err(|reason| Error::Pass {
                    pass: "dce".to_owned(),
                    message: format!("{}: {reason}", node.kind().name()),
                })?
            }
        };
        let mut values: Values = values;
        values.reverse();
        renamed[id.index()] =
            needed.outputs.iter().map(|&keep| if keep { values.pop() } else { None }).collect();
    }
    new.set_outputs(kept(graph.outputs(), outputs).map(|v| rename(&renamed, v)).collect());
    Ok(changed.then_some(new))
}

fn kept<'a, T>(all: &'a [T], keep: &'a [bool]) -> impl Iterator<Item = &'a T> {
    all.iter().zip(keep).filter_map(|(item, &keep)| keep.then_some(item))
}

/// A structural node with only what is needed of it; `None` where that is all.
fn prune_kind(kind: &NodeKind, needed: &Needed, known: &mut Known) -> Result<Option<NodeKind>, Error> {
    let mut changed = needed.outputs.contains(&false) || needed.operands.contains(&false);
    let mut region = |region: &Arc<Graph>, outputs: &[bool], inputs: &[bool]| -> Result<Arc<Graph>, Error> {
        Ok(match prune(region, outputs, inputs, known)? {
            None => region.clone(),
            Some(new) => {
                changed = true;
                Arc::new(new)
            }
        })
    };
    let Needed { outputs, operands } = needed;
    let count = |keep: &[bool]| keep.iter().filter(|&&keep| keep).count();
    let kind = match kind {
        NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => return Ok(None),
        NodeKind::Call { body, vjp } => {
            NodeKind::Call { body: region(body, outputs, operands)?, vjp: vjp.clone() }
        }
        NodeKind::If { then_branch, else_branch } => NodeKind::If {
            then_branch: region(then_branch, outputs, &operands[1..])?,
            else_branch: region(else_branch, outputs, &operands[1..])?,
        },
        NodeKind::While { condition, body, carried } => NodeKind::While {
            condition: region(condition, &[true], operands)?,
            body: region(body, outputs, operands)?,
            carried: count(&operands[..*carried]),
        },
        NodeKind::For { body, trips, reverse, carried, scanned } => {
            let mut inputs = operands.clone();
            inputs.insert(0, true);
            NodeKind::For {
                body: region(body, outputs, &inputs)?,
                trips: *trips,
                reverse: *reverse,
                carried: count(&operands[..*carried]),
                scanned: count(&operands[*carried..carried + scanned]),
            }
        }
    };
    Ok(changed.then_some(kind))
}
