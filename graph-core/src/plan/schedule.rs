//! The schedule: in which order the nodes of a graph are computed, and which of them together.
//!
//! The order is built from the front, always with the first node that is ready. A node that can be computed row by row
//! opens a group; from then on nodes that can be computed on the same rows, and share a value with the group, go first,
//! until none is ready. So a group is a stretch of a valid order, and no path leads out of it and back in.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::kernels::Kernels;
use super::options::Fusion;
use super::rows::{Level, Space};
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::kernel::{RowKernel, RowSpan};
use crate::shape::Shape;

/// A group of so many ops is closed: more would not stay in the cache together.
const MOST_MEMBERS: usize = 64;
/// What has nothing in common but its shape is computed together where that saves more than it costs.
const SMALL_ELEMENTS: usize = 1 << 12;

/// What is computed at once.
#[derive(Debug)]
pub(super) enum Unit {
    /// A node by itself.
    Node(NodeId),
    /// Ops on the same rows, in order, with views of what they compute.
    Rows(Group),
}

impl Unit {
    /// Its nodes, in order.
    pub(super) fn nodes(&self) -> &[NodeId] {
        match self {
            Unit::Node(id) => std::slice::from_ref(id),
            Unit::Rows(group) => &group.nodes,
        }
    }
}

/// Ops that are computed together, row by row.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) space: Space,
    nodes: Vec<NodeId>,
    /// How many of the nodes come before the rows.
    num_before: usize,
}

impl Group {
    pub(super) fn new(space: Space, members: Vec<NodeId>) -> Group {
        Group { space, nodes: members, num_before: 0 }
    }

    /// The ops that go by rows, with views of what they compute.
    pub(super) fn members(&self) -> &[NodeId] {
        &self.nodes[self.num_before..]
    }

    /// The node that is computed in tiles, of each of which the members are the epilogue.
    pub(super) fn producer(&self) -> Option<NodeId> {
        self.nodes[..self.num_before].first().copied()
    }

    /// Views of the producer's output.
    pub(super) fn views(&self) -> &[NodeId] {
        self.nodes[..self.num_before].get(1..).unwrap_or_default()
    }

    /// The same behind a producer.
    pub(super) fn behind(self, producer: NodeId, views: &[NodeId]) -> Group {
        let nodes = [producer].iter().chain(views).chain(&self.nodes).copied().collect();
        Group { nodes, num_before: 1 + views.len(), ..self }
    }
}

/// What is ready may be much; so many of one shape are looked at.
const MOST_CANDIDATES: usize = 64;

/// The nodes of a graph, given in a topological order, as units.
pub(super) fn schedule(graph: &Graph, order: &[NodeId], kernels: &Kernels, fusion: Fusion) -> Vec<Unit> {
    if fusion == Fusion::Off {
        return order.iter().copied().map(Unit::Node).collect();
    }
    let mut scheduler = Scheduler::new(graph, order, kernels, fusion);
    while let Some(position) = scheduler.next() {
        scheduler.take(position);
    }
    scheduler.close();
    scheduler.units
}

struct Scheduler<'g> {
    /// Whatever it costs, if that is forced.
    fusion: Fusion,
    graph: &'g Graph,
    order: &'g [NodeId],
    position: HashMap<NodeId, usize>,
    rows: Vec<Option<RowKernel>>,
    /// Operands that have not been scheduled, by position.
    waiting: Vec<usize>,
    /// What may fail or acts on the world, and has not been scheduled.
    fallible: BTreeSet<usize>,
    /// Nodes with an effect keep their order: the position of the one after.
    effect_after: HashMap<usize, usize>,
    ready: BTreeSet<usize>,
    /// Those of them that go by rows, by the shape of what they compute, and of their first operand.
    by_shape: HashMap<Shape, BTreeSet<usize>>,
    open: Option<Open>,
    units: Vec<Unit>,
}

/// The group that is being filled.
struct Open {
    space: Space,
    members: Vec<NodeId>,
    num_ops: usize,
    levels: HashMap<Value, Level>,
    /// Values from outside that members read.
    outside: HashSet<Value>,
}

impl<'g> Scheduler<'g> {
    fn new(graph: &'g Graph, order: &'g [NodeId], kernels: &Kernels, fusion: Fusion) -> Scheduler<'g> {
        let position: HashMap<NodeId, usize> = order.iter().enumerate().map(|(i, &id)| (id, i)).collect();
        let rows = order.iter().map(|&id| kernels.row(graph, id)).collect();
        let mut waiting: Vec<usize> = order.iter().map(|&id| graph.node(id).inputs().len()).collect();
        let effects: Vec<usize> =
            (0..order.len()).filter(|&i| graph.node(order[i]).kind().has_effect()).collect();
        let effect_after: HashMap<usize, usize> = effects.windows(2).map(|pair| (pair[0], pair[1])).collect();
        effect_after.values().for_each(|&after| waiting[after] += 1);
        let may_fail = |&position: &usize| kernels.may_fail(graph, order[position]);
        let fallible = (0..order.len()).filter(may_fail).chain(effects).collect();
        let mut scheduler = Scheduler {
            fusion,
            graph,
            order,
            position,
            rows,
            waiting,
            fallible,
            effect_after,
            ready: BTreeSet::new(),
            by_shape: HashMap::new(),
            open: None,
            units: Vec::with_capacity(order.len()),
        };
        let first: Vec<usize> = (0..order.len()).filter(|&i| scheduler.waiting[i] == 0).collect();
        for position in first {
            // What is there from the start keeps no group waiting.
            match graph.node(order[position]).kind() {
                NodeKind::Input { .. } | NodeKind::Constant(_) => scheduler.take_alone(position),
                _ => scheduler.make_ready(position),
            }
        }
        scheduler
    }

    fn shapes(&self, position: usize) -> [Option<Shape>; 2] {
        if self.rows[position].is_none() {
            return [None, None];
        }
        let node = self.graph.node(self.order[position]);
        let output = node.facts()[0].shape.clone();
        let first = node.inputs().first().map(|&value| self.graph.fact(value).shape.clone());
        [Some(output.clone()), first.filter(|first| *first != output)]
    }

    fn make_ready(&mut self, position: usize) {
        self.ready.insert(position);
        for shape in self.shapes(position).into_iter().flatten() {
            self.by_shape.entry(shape).or_default().insert(position);
        }
    }

    /// The position of the node that goes next.
    fn next(&mut self) -> Option<usize> {
        if let Some(open) = &self.open {
            match self.candidate(open) {
                Some(position) => return Some(position),
                None => self.close(),
            }
        }
        self.ready.first().copied()
    }

    /// A ready node that belongs into the open group.
    fn candidate(&self, open: &Open) -> Option<usize> {
        if open.num_ops >= MOST_MEMBERS {
            return None;
        }
        let shape = &open.space.shape;
        let per_row = open.space.row_axes.map(|axes| shape.rank() - axes);
        let kept = per_row.map(|outer| {
            shape.iter().enumerate().map(|(i, &len)| if i < outer { len } else { 1 }).collect::<Shape>()
        });
        let dropped = per_row.map(|outer| Shape::from(&shape[..outer]));
        let shapes = [Some(shape.clone()), kept, dropped];
        let of_shape = |shape| self.by_shape.get(shape).into_iter().flatten().take(MOST_CANDIDATES);
        let candidates = shapes.iter().flatten().flat_map(of_shape).copied();
        candidates.filter(|&position| self.fits(open, position).is_some()).min()
    }

    /// The space of the open group with this node in it, and the node's level there; `None` where it does not belong.
    fn fits(&self, open: &Open, position: usize) -> Option<(Space, Level)> {
        let row = self.rows[position].as_ref()?;
        let node = self.graph.node(self.order[position]);
        let shape = |value: &Value| &self.graph.fact(*value).shape;
        let space = match row.span {
            RowSpan::Elements => open.space.clone(),
            RowSpan::Row { axes } | RowSpan::Total { axes } => open.space.with_rows(axes, row)?,
        };
        let output = &node.facts()[0].shape;
        let level = space.writes(row.span, output)?;
        let is_related = self.fusion == Fusion::Forced
            || space.shape.num_elements() <= SMALL_ELEMENTS
            || node
                .inputs()
                .iter()
                .any(|value| open.levels.contains_key(value) || open.outside.contains(value));
        let reads = |value: &Value| match open.levels.get(value) {
            Some(&own) => space.reads_member(row.span, shape(value), own, output),
            None => space.reads_outside(row.span, shape(value)),
        };
        let checks_outside =
            row.check.as_ref().is_none_or(|(operand, _)| !open.levels.contains_key(&node.inputs()[*operand]));
        // A program looks at its data before anything else: not before what would have failed, or printed, earlier.
        let fails_in_order =
            row.check.is_none() || self.fallible.first().is_none_or(|&first| first >= position);
        let stays_even = space.row_axes == open.space.row_axes
            || open.outside.iter().all(|value| space.is_even(shape(value)));
        // [n, 1] also has a level here, but no rows to be added up.
        let has_rows = !matches!(row.span, RowSpan::Total { .. })
            || node.inputs().first().is_some_and(|value| *shape(value) == space.shape);
        (is_related
            && checks_outside
            && fails_in_order
            && stays_even
            && has_rows
            && node.inputs().iter().all(reads))
        .then_some((space, level))
    }

    fn take(&mut self, position: usize) {
        let id = self.order[position];
        self.ready.remove(&position);
        for shape in self.shapes(position).into_iter().flatten() {
            self.by_shape.get_mut(&shape).expect("it was ready").remove(&position);
        }
        if self.open.is_some() || !self.opens(position) {
            match &self.open {
                Some(open) => {
                    let (space, level) = self.fits(open, position).expect("chosen for the group");
                    self.admit(id, space, level);
                }
                None => self.units.push(Unit::Node(id)),
            }
        }
        self.release(position);
    }

    /// Opens a group of this node, if it goes by rows.
    fn opens(&mut self, position: usize) -> bool {
        let Some(row) = &self.rows[position] else { return false };
        let id = self.order[position];
        let node = self.graph.node(id);
        let operands: Vec<&Shape> =
            node.inputs().iter().map(|&value| &self.graph.fact(value).shape).collect();
        let output = &node.facts()[0].shape;
        let Some(space) = Space::opened(row, &operands, output) else { return false };
        let Some(level) = space.writes(row.span, output) else { return false };
        self.open = Some(Open {
            space: space.clone(),
            members: Vec::new(),
            num_ops: 0,
            levels: HashMap::new(),
            outside: HashSet::new(),
        });
        self.admit(id, space, level);
        true
    }

    /// Makes a node the next member of the open group.
    fn admit(&mut self, id: NodeId, space: Space, level: Level) {
        let open = self.open.as_mut().expect("a group is open");
        for &value in self.graph.node(id).inputs() {
            if !open.levels.contains_key(&value) {
                open.outside.insert(value);
            }
        }
        open.space = space;
        open.levels.insert(Value::new(id, 0), level);
        open.members.push(id);
        open.num_ops += 1;
    }

    fn take_alone(&mut self, position: usize) {
        self.units.push(Unit::Node(self.order[position]));
        self.release(position);
    }

    /// Counts a scheduled node off. Views that become ready are taken at once: nothing is computed for them.
    fn release(&mut self, position: usize) {
        let mut done = vec![position];
        while let Some(position) = done.pop() {
            self.fallible.remove(&position);
            let id = self.order[position];
            let node = self.graph.node(id);
            let mut users: Vec<usize> = (0..node.facts().len())
                .flat_map(|output| self.graph.users(Value::new(id, output)))
                .map(|(user, _)| self.position[&user])
                .collect();
            users.extend(self.effect_after.get(&position));
            users.sort_unstable();
            for user in users {
                self.waiting[user] -= 1;
                if self.waiting[user] == 0 {
                    if self.takes_view(user) { done.push(user) } else { self.make_ready(user) }
                }
            }
        }
    }

    /// Takes a view: of a member, into the group, if it has the same level there; of anything else before the group.
    fn takes_view(&mut self, position: usize) -> bool {
        let id = self.order[position];
        let node = self.graph.node(id);
        if !node.kind().is_view() {
            return false;
        }
        let open = self.open.as_mut();
        let Some((open, own)) =
            open.and_then(|open| open.levels.get(&node.inputs()[0]).copied().map(|own| (open, own)))
        else {
            self.units.push(Unit::Node(id));
            return true;
        };
        let is_in_place = open.space.level(&node.facts()[0].shape) == Some(own);
        if is_in_place {
            open.levels.insert(Value::new(id, 0), own);
            open.members.push(id);
        }
        is_in_place
    }

    /// Ends the open group. One op alone is no group, unless it is forced to be.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.num_ops > 1 || self.fusion == Fusion::Forced {
            self.units.push(Unit::Rows(Group::new(open.space, open.members)));
        } else {
            self.units.extend(open.members.into_iter().map(Unit::Node));
        }
    }
}
