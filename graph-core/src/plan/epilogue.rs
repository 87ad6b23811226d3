//! Epilogues: row work that is done on the tiles of what it follows. A kernel that computes its output in tiles, as a product
//! of matrices is computed, is the *producer*; the ops that go along its rows are its *epilogue*, and both are one unit. Each
//! tile is worked on by the thread that has just computed it.
//!
//! The producer moves to the place of what follows, past units that do not read its output. So the first unit that does is
//! the only one that can be its epilogue.

use std::collections::{HashMap, HashSet};

use super::apart::Apart;
use super::kernels::Kernels;
use super::options::Fusion;
use super::rows::{PART_COST, Space};
use super::schedule::{Group, Unit};
use crate::graph::Graph;
use crate::ids::{NodeId, Value};
use crate::kernel::Tiled;
use crate::shape::Shape;

/// Columns that a tile has at least, unless it consists of whole rows. With fewer, the shorter rows cost more than the way
/// to memory that is saved (docs/performance.md has the figures).
const LEAST_COLUMNS: usize = 192;
/// So many tiles are enough for any work.
const ENOUGH_TILES: usize = 4;

/// Makes row work the epilogue of what it follows, where it can be; gives the reasons where row work follows, but stays
/// apart.
pub(super) fn attach_epilogues(
    graph: &Graph,
    units: &mut Vec<Unit>,
    kernels: &Kernels,
    fusion: Fusion,
) -> HashMap<NodeId, Apart> {
    let positions =
        units.iter().enumerate().flat_map(|(i, unit)| unit.nodes().iter().map(move |&id| (id, i)));
    let position: HashMap<NodeId, usize> = positions.collect();
    let mut slots: Vec<Option<Unit>> = std::mem::take(units).into_iter().map(Some).collect();
    let mut reasons = HashMap::new();
    for index in 0..slots.len() {
        let Some(Unit::Node(id)) = slots[index] else { continue };
        let kernel = kernels.get(id).filter(|kernel| !kernel.may_fail());
        let Some(tiled) = kernel.and_then(|kernel| kernel.tiled().ok()) else { continue };
        let output = Output::of(graph, id, &position);
        let Some(follower) = output.first_user else { continue };
        let Some(group) = slots[follower].as_ref().and_then(|unit| as_group(graph, unit, kernels)) else {
            continue;
        };
        match output.obstacle(graph, id, tiled, &group, kernels, fusion) {
            None => {
                slots[index] = None;
                output.views.iter().for_each(|view| slots[position[view]] = None);
                slots[follower] = Some(Unit::Rows(group.behind(id, &output.views)));
            }
            Some(reason) => drop(reasons.insert(id, reason)),
        }
    }
    units.extend(slots.into_iter().flatten());
    reasons
}

/// A unit as ops on rows that have no producer yet.
fn as_group(graph: &Graph, unit: &Unit, kernels: &Kernels) -> Option<Group> {
    match unit {
        Unit::Rows(group) if group.producer().is_none() => Some(group.clone()),
        Unit::Rows(_) => None,
        Unit::Node(id) => {
            let node = graph.node(*id);
            let row = kernels.row(graph, *id)?;
            let operands: Vec<&Shape> = node.inputs().iter().map(|&value| &graph.fact(value).shape).collect();
            let space = Space::opened(&row, &operands, &node.facts()[0].shape)?;
            Some(Group::new(space, vec![*id]))
        }
    }
}

/// What is read of a producer's output.
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
                if graph.node(user).kind().is_view() {
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

    /// Why a group is not the epilogue of the producer, if it is not.
    fn obstacle(
        &self,
        graph: &Graph,
        id: NodeId,
        tiled: &dyn Tiled,
        group: &Group,
        kernels: &Kernels,
        fusion: Fusion,
    ) -> Option<Apart> {
        let shape = &group.space.shape;
        let num_elements = graph.node(id).facts()[0].shape.num_elements();
        if num_elements <= 1 {
            return Some(Apart::Single);
        }
        if num_elements != shape.num_elements() {
            return Some(Apart::Broadcast);
        }
        if group.space.row_len() != tiled.width() {
            return Some(Apart::OtherRows);
        }
        if group.space.is_long() {
            return Some(Apart::LongRows);
        }
        let mut cost = 0;
        let mut read: HashSet<Value> = HashSet::new();
        for &member in group.members() {
            let Some(row) = kernels.row(graph, member) else { continue }; // A view.
            cost += row.cost;
            let inputs = graph.node(member).inputs();
            let own = inputs.iter().filter(|value| self.values.contains(value));
            if own.clone().any(|&value| graph.fact(value).shape != *shape) {
                return Some(Apart::OtherShape);
            }
            read.extend(own);
            // Data is looked at before anything is computed.
            let checked = row.check.as_ref().map(|(operand, _)| inputs[*operand]);
            if checked.is_some_and(|value| self.values.contains(&value)) {
                return Some(Apart::Checked);
            }
        }
        // One argument of the program is computed tile by tile; a second way to read the output would be another one.
        if read.len() != 1 {
            return Some(Apart::TwoWays);
        }
        let is_whole = |tile: usize| tiled.rectangle(tile).columns == (0..tiled.width());
        if group.space.row_axes.is_some() && !(0..tiled.num_tiles()).all(is_whole) {
            return Some(Apart::NoWholeRows);
        }
        if fusion == Fusion::Forced {
            return None;
        }
        // Row by row, an op on few columns takes longer to begin than to compute.
        let is_wide = |tile: usize| is_whole(tile) || tiled.rectangle(tile).columns.len() >= LEAST_COLUMNS;
        if !(0..tiled.num_tiles()).any(is_wide) {
            return Some(Apart::Narrow);
        }
        // With few tiles, many threads would have nothing to do.
        let parts = num_elements.saturating_mul(cost) / PART_COST;
        (tiled.num_tiles() < parts.min(ENOUGH_TILES)).then_some(Apart::FewTiles)
    }
}
