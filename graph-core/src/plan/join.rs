//! Joining row work to what it follows: a kernel that computes its output in pieces, as a product of matrices is, and the
//! ops that go along its rows are one unit. Each piece is worked on by the thread that has just computed it.
//!
//! The kernel moves to the place of what follows, past units that do not read its output. So the first unit that does is
//! the only one that it can be joined to.

use std::collections::{HashMap, HashSet};

use super::Alone;
use super::rows::{MOST_OPERANDS, PART_COST, Space};
use super::schedule::{Group, Kernels, Unit};
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::kernel::{Piecewise, RowKernel};
use crate::op::Class;
use crate::shape::Shape;

/// Columns that a piece has at least, unless it consists of whole rows. With fewer, the shorter rows cost more than the way
/// to memory that is saved (docs/performance.md has the figures).
const LEAST_COLUMNS: usize = 192;
/// So many pieces are enough for any work.
const ENOUGH_PIECES: usize = 4;

/// Joins what can be joined; gives the reasons where row work follows, but cannot be.
pub(super) fn join(
    graph: &Graph,
    units: &mut Vec<Unit>,
    kernels: &Kernels,
    is_forced: bool,
) -> HashMap<NodeId, Alone> {
    let positions =
        units.iter().enumerate().flat_map(|(i, unit)| unit.nodes().iter().map(move |&id| (id, i)));
    let position: HashMap<NodeId, usize> = positions.collect();
    let mut slots: Vec<Option<Unit>> = std::mem::take(units).into_iter().map(Some).collect();
    let mut reasons = HashMap::new();
    for index in 0..slots.len() {
        let Some(Unit::Node(id)) = slots[index] else { continue };
        let kernel = kernels[id.index()].as_ref().filter(|kernel| !kernel.may_fail());
        let Some(pieces) = kernel.and_then(|kernel| kernel.piecewise()) else { continue };
        let output = Output::of(graph, id, &position);
        let Some(follower) = output.first_user else { continue };
        let joined = slots[follower]
            .as_ref()
            .and_then(|unit| as_group(graph, unit, kernels))
            .map(|group| output.joined(graph, id, pieces, group, kernels, is_forced));
        match joined {
            Some(Ok(group)) => {
                slots[index] = None;
                output.views.iter().for_each(|view| slots[position[view]] = None);
                slots[follower] = Some(Unit::Rows(group));
            }
            Some(Err(reason)) => drop(reasons.insert(id, reason)),
            None => {}
        }
    }
    units.extend(slots.into_iter().flatten());
    reasons
}

/// A unit as ops on rows that nothing leads yet.
fn as_group(graph: &Graph, unit: &Unit, kernels: &Kernels) -> Option<Group> {
    match unit {
        Unit::Rows(group) if group.leader().is_none() => Some(group.clone()),
        Unit::Rows(_) => None,
        Unit::Node(id) => {
            let node = graph.node(*id);
            let row = row_kernel(kernels, *id).filter(|_| node.inputs().len() <= MOST_OPERANDS)?;
            let operands: Vec<&Shape> = node.inputs().iter().map(|&value| &graph.fact(value).shape).collect();
            let space = Space::opened(&row, &operands, &node.facts()[0].shape)?;
            Some(Group::new(space, vec![*id]))
        }
    }
}

fn row_kernel(kernels: &Kernels, id: NodeId) -> Option<RowKernel> {
    kernels[id.index()].as_ref().and_then(|kernel| kernel.row())
}

/// What is read of a kernel's output.
struct Output {
    /// The output itself and views of it.
    values: HashSet<Value>,
    /// The unit that reads it first.
    first_user: Option<usize>,
    /// Views that come before that, in order.
    views: Vec<NodeId>,
}

impl Output {
    fn of(graph: &Graph, id: NodeId, position: &HashMap<NodeId, usize>) -> Output {
        let mut values = HashSet::from([Value::new(id, 0)]);
        let mut rest = vec![Value::new(id, 0)];
        let mut views: Vec<NodeId> = Vec::new();
        let mut first_user: Option<usize> = None;
        while let Some(value) = rest.pop() {
            for (user, _) in graph.users(value) {
                if matches!(graph.node(user).kind(), NodeKind::Apply(op) if op.class() == Class::View) {
                    if values.insert(Value::new(user, 0)) {
                        rest.push(Value::new(user, 0));
                        views.push(user);
                    }
                } else {
                    let at = position[&user];
                    first_user = Some(first_user.map_or(at, |first| first.min(at)));
                }
            }
        }
        views.retain(|view| first_user.is_some_and(|first| position[view] < first));
        views.sort_by_key(|view| position[view]);
        Output { values, first_user, views }
    }

    /// The group with the kernel before it.
    fn joined(
        &self,
        graph: &Graph,
        id: NodeId,
        pieces: &dyn Piecewise,
        group: Group,
        kernels: &Kernels,
        is_forced: bool,
    ) -> Result<Group, Alone> {
        let shape = &group.space.shape;
        let num_elements = graph.node(id).facts()[0].shape.num_elements();
        if num_elements <= 1 || num_elements != shape.num_elements() {
            return Err(Alone::OtherRows);
        }
        if group.space.row_len() != pieces.width() || group.space.is_long() {
            return Err(Alone::OtherRows);
        }
        let mut cost = 0;
        let mut read: HashSet<Value> = HashSet::new();
        for &member in group.members() {
            let Some(row) = row_kernel(kernels, member) else { continue }; // A view.
            cost += row.cost;
            let inputs = graph.node(member).inputs();
            let own = inputs.iter().filter(|value| self.values.contains(value));
            // Broadcast, or by another view than the first, it is not there when it is needed.
            if own.clone().any(|&value| graph.fact(value).shape != *shape) {
                return Err(Alone::OtherRows);
            }
            read.extend(own);
            let checked = row.check.as_ref().map(|(operand, _)| inputs[*operand]);
            if checked.is_some_and(|value| self.values.contains(&value)) {
                return Err(Alone::OtherRows);
            }
        }
        if read.len() != 1 {
            return Err(Alone::OtherRows);
        }
        let is_whole = |piece: usize| pieces.rectangle(piece).columns == (0..pieces.width());
        if group.space.row_axes.is_some() && !(0..pieces.pieces()).all(is_whole) {
            return Err(Alone::NoWholeRows);
        }
        if is_forced {
            return Ok(group.led_by(id, &self.views));
        }
        // Row by row, an op on few columns takes longer to begin than to compute.
        let is_wide =
            |piece: usize| is_whole(piece) || pieces.rectangle(piece).columns.len() >= LEAST_COLUMNS;
        if !(0..pieces.pieces()).any(is_wide) {
            return Err(Alone::Narrow);
        }
        // With few pieces, many threads would have nothing to do.
        let parts = num_elements.saturating_mul(cost) / PART_COST;
        if pieces.pieces() < parts.min(ENOUGH_PIECES) {
            return Err(Alone::FewPieces);
        }
        Ok(group.led_by(id, &self.views))
    }
}
