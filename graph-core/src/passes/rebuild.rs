//! Rebuilding: how passes change a graph, by copying it node by node.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::Error;
use crate::graph::{CallScopes, Graph, Node, NodeKind};
use crate::ids::{Value, Values};
use crate::scope::NameScope;

/// Whether a pass changed the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Changed {
    /// The graph is what it was.
    No,
    /// It is another graph, which computes the same.
    Yes,
}

/// A pass on a graph that it does not own; `None` where it changes nothing.
pub(crate) type Rewritten = Result<Option<Graph>, Error>;

/// Decides what a node becomes: is given the graph being built, the node, and its operands there, and gives the values
/// that its outputs have become.
pub(crate) type Emit<'e> = dyn FnMut(&mut Rebuild, &Node, &[Value]) -> Result<Values, Error> + 'e;

/// A graph being built from another one.
pub(crate) struct Rebuild {
    /// What has been emitted so far.
    pub(crate) graph: Graph,
    /// Whether anything was emitted that is not a plain copy.
    pub(crate) changed: Changed,
    /// The scopes of the calls so far.
    pub(crate) calls: CallScopes,
}

impl Rebuild {
    /// Emits the nodes of a graph, with `arguments` for its inputs; gives what its outputs have become. Those of a nested
    /// graph are, from now on, in the name scope given.
    pub(crate) fn emit_all(
        &mut self,
        old: &Graph,
        arguments: &[Value],
        name_scope: NameScope,
        emit: &mut Emit<'_>,
    ) -> Result<Vec<Value>, Error> {
        let mut renamed: Vec<Values> = vec![Values::new(); old.index_bound()];
        for (id, &argument) in old.inputs().iter().zip(arguments) {
            renamed[id.index()].push(argument);
        }
        let rename = |renamed: &[Values], value: &Value| renamed[value.node().index()][value.output()];
        for id in old.topological_order() {
            let node = old.node(id);
            if matches!(node.kind(), NodeKind::Input { .. }) {
                continue;
            }
            let inputs: SmallVec<[Value; 4]> = node.inputs().iter().map(|v| rename(&renamed, v)).collect();
            let values = match name_scope.is_root() {
                true => emit(self, node, &inputs)?,
                false => emit(self, &node.moved_to(name_scope), &inputs)?,
            };
            debug_assert_eq!(values.len(), node.facts().len(), "a value for each output");
            renamed[id.index()] = values;
        }
        Ok(old.outputs().iter().map(|output| rename(&renamed, output)).collect())
    }

    /// Emits a copy of the node, whose regions become what `pass` makes of them.
    pub(crate) fn copy(
        &mut self,
        node: &Node,
        inputs: &[Value],
        pass: &mut dyn FnMut(&Graph) -> Rewritten,
    ) -> Result<Values, Error> {
        let kind = rewrite_regions(node.kind(), pass)?;
        Ok(self.copy_as(kind, node, inputs))
    }

    /// Emits a copy of the node, as this kind where its regions were rewritten.
    pub(crate) fn copy_as(&mut self, kind: Option<NodeKind>, node: &Node, inputs: &[Value]) -> Values {
        match kind {
            None => self.graph.copy_node(node, inputs),
            Some(kind) => {
                self.changed = Changed::Yes;
                self.graph.copy_node(&node.with_kind(kind), inputs)
            }
        }
    }
}

/// Copies a graph, each node as `emit` says.
pub(crate) fn rebuild(old: &Graph, emit: &mut Emit<'_>) -> Rewritten {
    let graph = old.signature();
    let arguments: Vec<Value> = graph.inputs().iter().map(|&id| Value::new(id, 0)).collect();
    let mut new = Rebuild { graph, changed: Changed::No, calls: CallScopes::default() };
    let outputs = new.emit_all(old, &arguments, NameScope::ROOT, emit)?;
    new.graph.set_outputs(outputs);
    Ok((new.changed == Changed::Yes).then_some(new.graph))
}

/// Runs a pass that makes a new graph on one that it changes.
pub(crate) fn in_place(graph: &mut Graph, pass: impl FnOnce(&Graph) -> Rewritten) -> Result<Changed, Error> {
    match pass(graph)? {
        None => Ok(Changed::No),
        Some(new) => {
            *graph = new;
            Ok(Changed::Yes)
        }
    }
}

/// The kind with each region as `pass` makes it; `None` where nothing changes. A custom gradient is no region: nothing
/// computes it.
pub(crate) fn rewrite_regions(
    kind: &NodeKind,
    pass: &mut dyn FnMut(&Graph) -> Rewritten,
) -> Result<Option<NodeKind>, Error> {
    let mut changed = false;
    let mut region = |region: &Arc<Graph>| -> Result<Arc<Graph>, Error> {
        Ok(match pass(region)? {
            None => region.clone(),
            Some(new) => {
                changed = true;
                Arc::new(new)
            }
        })
    };
    let kind = match kind {
        NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => return Ok(None),
        NodeKind::Call { body, vjp } => NodeKind::Call { body: region(body)?, vjp: vjp.clone() },
        NodeKind::If { then_branch, else_branch } => {
            NodeKind::If { then_branch: region(then_branch)?, else_branch: region(else_branch)? }
        }
        NodeKind::While { condition, body, carried } => {
            NodeKind::While { condition: region(condition)?, body: region(body)?, carried: *carried }
        }
        NodeKind::For { body, trips, reverse, carried, scanned } => NodeKind::For {
            body: region(body)?,
            trips: *trips,
            reverse: *reverse,
            carried: *carried,
            scanned: *scanned,
        },
    };
    Ok(changed.then_some(kind))
}
