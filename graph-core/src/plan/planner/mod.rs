//! The planner: from a graph to steps over places.

mod groups;

use std::collections::HashMap;

use smallvec::SmallVec;

use super::Plan;
use super::apart::Apart;
use super::arena::Lifetimes;
use super::epilogue::attach_epilogues;
use super::kernels::Kernels;
use super::options::{Fusion, PlanOptions};
use super::provenance::Provenance;
use super::schedule::{Unit, schedule};
use super::step::{Action, Argument, Place, Slot, Step, SubPlan};
use crate::dtype::DType;
use crate::error::Error;
use crate::graph::{Graph, NodeKind};
use crate::ids::{NodeId, Value};
use crate::op::Class;
use crate::team::Pace;

/// Who receives the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Border {
    /// A caller from outside: an output may be an input's or a constant's own buffer.
    Caller,
    /// The step of a parent plan: each output is written to the place that the parent chose, `Fresh(i)` for output i.
    Parent,
    /// A loop of a parent plan: the same, but a loop variable may stay in its place, the input's.
    Loop {
        /// Number of the input that is the first loop variable.
        first: usize,
        /// Number of loop variables, which are the first outputs.
        carried: usize,
    },
}

impl Border {
    /// The input that is the loop variable of this output.
    fn variable(self, output: usize) -> Option<usize> {
        match self {
            Border::Loop { first, carried } if output < carried => Some(first + output),
            _ => None,
        }
    }
}

pub(super) fn plan(graph: &Graph, border: Border, options: PlanOptions) -> Result<Plan, Error> {
    let order = graph.topological_order();
    let kernels = Kernels::of(graph, &order)?;
    let mut units = schedule(graph, &order, &kernels, options.fusion);
    let apart = match options.fusion {
        Fusion::Off => HashMap::new(),
        fusion => attach_epilogues(graph, &mut units, &kernels, fusion),
    };
    let mut planner = Planner::new(graph, border, options, &units, kernels, apart);
    for (position, unit) in units.iter().enumerate() {
        match unit {
            Unit::Node(id) => planner.place_node(*id, position)?,
            Unit::Rows(group) => planner.place_rows(group, position),
        }
    }
    Ok(planner.finish())
}

/// Memory that one or more values share (a value, and views of it or what is computed in place over it).
#[derive(Debug)]
struct Storage {
    place: Place,
    /// Position of the last unit that reads it; `usize::MAX` where it outlives the plan.
    last_use: usize,
}

struct Planner<'g> {
    graph: &'g Graph,
    border: Border,
    options: PlanOptions,
    last_use: HashMap<Value, usize>,
    storage_of: HashMap<Value, usize>,
    storages: Vec<Storage>,
    /// Slots of the arena. Until the plan is finished, a place in the arena is a slot's number.
    slots: Lifetimes,
    kernels: Kernels,
    /// Position of the last unit that may fail; `None` where none may.
    last_failure: Option<usize>,
    /// Why row work that follows a kernel in tiles is not its epilogue.
    apart: HashMap<NodeId, Apart>,
    plan: Plan,
}

impl<'g> Planner<'g> {
    fn new(
        graph: &'g Graph,
        border: Border,
        options: PlanOptions,
        units: &[Unit],
        kernels: Kernels,
        apart: HashMap<NodeId, Apart>,
    ) -> Planner<'g> {
        let last_use = last_uses(graph, units);
        let last_failure =
            units.iter().rposition(|unit| unit.nodes().iter().any(|&id| kernels.may_fail(graph, id)));
        let plan = Plan {
            steps: Vec::new(),
            arena_bytes: 0,
            least_bytes: 0,
            num_stacks: 0,
            constants: Vec::new(),
            overwritten: vec![false; graph.inputs().len()],
            input_facts: graph.input_facts().cloned().collect(),
            fresh: Vec::new(),
            outputs: Vec::new(),
            stays: Vec::new(),
            apart: Vec::new(),
            pace: Pace::default(),
        };
        let mut planner = Planner {
            graph,
            border,
            options,
            last_use,
            storage_of: HashMap::new(),
            storages: Vec::new(),
            slots: Lifetimes::default(),
            kernels,
            last_failure,
            apart,
            plan,
        };
        for (index, &id) in graph.inputs().iter().enumerate() {
            planner.new_storage(Value::new(id, 0), Place::Input(index));
        }
        if border != Border::Caller {
            planner.plan.fresh = graph.output_facts().cloned().collect();
        }
        planner
    }

    /// Chooses places for a node's outputs, adds its step, and frees what it was the last to use.
    fn place_node(&mut self, id: NodeId, position: usize) -> Result<(), Error> {
        let node = self.graph.node(id);
        let outputs: SmallVec<[Value; 1]> = (0..node.facts().len()).map(|o| Value::new(id, o)).collect();
        match node.kind() {
            NodeKind::Input { .. } => {}
            NodeKind::Constant(array) => {
                self.new_storage(outputs[0], Place::Constant(self.plan.constants.len()));
                self.plan.constants.push(array.clone());
            }
            kind if kind.is_view() => self.place_view(id),
            NodeKind::Apply(op) => {
                let in_place = self.in_place_operand(op.class(), id, position);
                match in_place {
                    Some(operand) => self.overwrite(node.inputs()[operand], outputs[0]),
                    None => outputs.iter().for_each(|&output| self.allocate(output)),
                }
                let kernel = self.kernels.take(id);
                let apart = Apart::of(&*kernel, node.facts().first());
                let apart = self.apart.get(&id).copied().unwrap_or(apart);
                self.plan.apart.push((node.kind().name().to_owned(), apart));
                self.push_step(id, Action::Kernel(kernel), in_place);
            }
            kind => {
                outputs.iter().for_each(|&output| self.allocate(output));
                let (action, scratch) = self.structure(id, kind)?;
                self.push_step(id, action, None);
                scratch.into_iter().for_each(|slot| self.slots.give_back(slot));
            }
        }
        self.free_dead(node.inputs(), &outputs, position);
        Ok(())
    }

    /// A view is where what it views is.
    fn place_view(&mut self, id: NodeId) {
        let view = Value::new(id, 0);
        let viewed = self.storage_of[&self.graph.node(id).inputs()[0]];
        let storage = &mut self.storages[viewed];
        storage.last_use = storage.last_use.max(self.last_use[&view]);
        self.storage_of.insert(view, viewed);
    }

    /// The action of a structural node, and the arena ranges that only it uses.
    fn structure(&mut self, id: NodeId, kind: &NodeKind) -> Result<(Action, Vec<usize>), Error> {
        let mut scratch = Vec::new();
        if let Some(code) = super::scalar::compile(self.graph, id, self.options)? {
            let registers = self.scratch(code.program.num_registers * size_of::<u64>(), &mut scratch);
            return Ok((Action::Scalar { code, registers }, scratch));
        }
        let action = match kind {
            NodeKind::Call { body, .. } => Action::Call(self.sub_plan(body, Border::Parent, &mut scratch)?),
            NodeKind::If { then_branch, else_branch } => Action::If {
                then_plan: self.sub_plan(then_branch, Border::Parent, &mut scratch)?,
                else_plan: self.sub_plan(else_branch, Border::Parent, &mut scratch)?,
            },
            NodeKind::While { condition, body, carried } => {
                let condition = self.sub_plan(condition, Border::Parent, &mut scratch)?;
                let border = Border::Loop { first: 0, carried: *carried };
                let body = self.sub_plan(body, border, &mut scratch)?;
                let decision = self.scratch(DType::Bool.size(), &mut scratch);
                let spare = self.spare(id, &body, &mut scratch);
                Action::While { condition, body, carried: *carried, decision, spare }
            }
            NodeKind::For { body, trips, reverse, carried, scanned } => {
                let border = Border::Loop { first: 1, carried: *carried };
                let body = self.sub_plan(body, border, &mut scratch)?;
                let counter = self.scratch(DType::I64.size(), &mut scratch);
                let spare = self.spare(id, &body, &mut scratch);
                Action::For {
                    body,
                    trips: *trips,
                    reverse: *reverse,
                    carried: *carried,
                    scanned: *scanned,
                    counter,
                    spare,
                }
            }
            NodeKind::Input { .. } | NodeKind::Constant(_) | NodeKind::Apply(_) => {
                unreachable!("placed by place_node")
            }
        };
        Ok((action, scratch))
    }

    fn sub_plan(
        &mut self,
        region: &Graph,
        border: Border,
        scratch: &mut Vec<usize>,
    ) -> Result<SubPlan, Error> {
        let plan = plan(region, border, self.options)?;
        let arena = self.scratch(plan.arena_bytes, scratch);
        let first_stack = self.plan.num_stacks;
        self.plan.num_stacks += plan.num_stacks;
        Ok(SubPlan { plan, arena, first_stack })
    }

    /// Second homes of the loop variables that do not stay in one.
    fn spare(&mut self, id: NodeId, body: &SubPlan, scratch: &mut Vec<usize>) -> Vec<usize> {
        let facts = self.graph.node(id).facts().iter().zip(&body.plan.stays);
        let bytes = facts.map(|(fact, &stays)| if stays { 0 } else { fact.num_bytes() });
        bytes.map(|bytes| self.scratch(bytes, scratch)).collect()
    }

    fn scratch(&mut self, bytes: usize, scratch: &mut Vec<usize>) -> usize {
        let slot = self.slots.take(bytes);
        scratch.push(slot);
        slot
    }

    /// An operand that the output may overwrite: it has the output's fact, dies here, and its memory is ours.
    fn in_place_operand(&self, class: Class, id: NodeId, position: usize) -> Option<usize> {
        let node = self.graph.node(id);
        let [_] = node.facts() else { return None };
        (0..node.inputs().len()).find(|&i| {
            let storage = self.storage_of[&node.inputs()[i]];
            let mut others = node.inputs().iter().enumerate().filter(|&(j, _)| j != i);
            class.allows_in_place(i)
                && self.is_ours_to_overwrite(node.inputs()[i], Value::new(id, 0), position)
                && others.all(|(_, other)| self.storage_of[other] != storage)
        })
    }

    /// Whether a result computed at this position may take an operand's memory: they have one fact, the operand dies
    /// here, and its memory is ours.
    fn is_ours_to_overwrite(&self, operand: Value, result: Value, position: usize) -> bool {
        let storage = &self.storages[self.storage_of[&operand]];
        let is_exposed = self.border != Border::Caller && self.graph.outputs().contains(&result);
        let is_ours = match storage.place {
            // The parent has chosen its place, which may be that of a loop variable.
            place if is_exposed => self.is_variable_of(place, result),
            Place::Arena(_) => self.last_use[&result] != usize::MAX,
            // What the caller gave is overwritten only once nothing can fail any more: a failed call loses nothing.
            Place::Input(index) => self.is_donated(index) && self.last_failure < Some(position),
            Place::Constant(_) | Place::Fresh(_) | Place::Stack(_) => false,
        };
        is_ours && storage.last_use == position && self.graph.fact(operand) == self.graph.fact(result)
    }

    /// Lets a result take the memory of an operand.
    fn overwrite(&mut self, operand: Value, result: Value) {
        let storage = self.storage_of[&operand];
        self.storages[storage].last_use = self.last_use[&result];
        self.storage_of.insert(result, storage);
        if let Place::Input(index) = self.storages[storage].place {
            self.plan.overwritten[index] = true;
        }
    }

    /// Whether the place is that of the loop variable whose next value this is, and nothing else.
    fn is_variable_of(&self, place: Place, result: Value) -> bool {
        let mut outputs = self.graph.outputs().iter().enumerate().filter(|(_, output)| **output == result);
        match (outputs.next(), outputs.next()) {
            (Some((output, _)), None) => {
                self.border.variable(output).is_some_and(|input| place == Place::Input(input))
            }
            _ => false,
        }
    }

    fn is_donated(&self, index: usize) -> bool {
        let kind = self.graph.node(self.graph.inputs()[index]).kind();
        matches!(kind, NodeKind::Input { donated: true, .. })
    }

    /// Memory of its own for a value.
    fn allocate(&mut self, value: Value) {
        if self.graph.fact(value).is_stack() {
            self.new_storage(value, Place::Stack(self.plan.num_stacks));
            self.plan.num_stacks += 1;
            return;
        }
        let position = self.graph.outputs().iter().position(|&output| output == value);
        let place = match (self.border, position) {
            (Border::Parent | Border::Loop { .. }, Some(index)) => Place::Fresh(index),
            (Border::Caller, _) if self.last_use[&value] == usize::MAX => {
                self.plan.fresh.push(self.graph.fact(value).clone());
                Place::Fresh(self.plan.fresh.len() - 1)
            }
            _ => Place::Arena(self.slots.take(self.graph.fact(value).num_bytes())),
        };
        self.new_storage(value, place);
    }

    fn new_storage(&mut self, value: Value, place: Place) {
        self.storage_of.insert(value, self.storages.len());
        self.storages.push(Storage { place, last_use: self.last_use[&value] });
    }

    /// Frees arena memory that this node was the last to use. A result that nothing reads dies at once.
    fn free_dead(&mut self, inputs: &[Value], outputs: &[Value], position: usize) {
        let mut touched: SmallVec<[usize; 8]> =
            inputs.iter().chain(outputs).map(|value| self.storage_of[value]).collect();
        touched.sort_unstable();
        touched.dedup();
        for storage in touched {
            let storage = &self.storages[storage];
            if let Place::Arena(slot) = storage.place
                && storage.last_use <= position
            {
                self.slots.give_back(slot);
            }
        }
    }

    fn push_step(&mut self, id: NodeId, action: Action, in_place: Option<usize>) {
        let node = self.graph.node(id);
        let argument = |(i, &value): (usize, &Value)| match in_place {
            Some(operand) if operand == i => Argument::InPlace,
            _ => Argument::Slot(self.slot(value)),
        };
        let step = Step {
            action,
            arguments: node.inputs().iter().enumerate().map(argument).collect(),
            results: (0..node.facts().len()).map(|o| self.slot(Value::new(id, o))).collect(),
            provenance: Provenance::of(self.graph, id),
        };
        self.plan.steps.push(step);
    }

    fn slot(&self, value: Value) -> Slot {
        let place = self.storages[self.storage_of[&value]].place;
        Slot { place, fact: self.graph.fact(value).clone() }
    }

    fn finish(mut self) -> Plan {
        for (index, &output) in self.graph.outputs().iter().enumerate() {
            let slot = self.slot(output);
            let variable = self.border.variable(index);
            let stays = variable.is_some_and(|input| slot.place == Place::Input(input));
            if variable.is_some() {
                self.plan.stays.push(stays);
            }
            if self.border != Border::Caller && slot.place != Place::Fresh(index) && !stays {
                let target = Slot { place: Place::Fresh(index), fact: slot.fact.clone() };
                self.plan.steps.push(Step {
                    action: Action::Copy,
                    arguments: SmallVec::from_iter([Argument::Slot(slot)]),
                    results: SmallVec::from_iter([target]),
                    provenance: Provenance { op: "copy".into(), ..Provenance::of(self.graph, output.node()) },
                });
            } else {
                self.plan.outputs.push(slot);
            }
        }
        let layout = self.slots.lay_out();
        self.plan.in_arena_mut(|slot| *slot = layout.offsets[*slot]);
        self.plan.arena_bytes = layout.bytes;
        self.plan.least_bytes = layout.least;
        self.plan
    }
}

/// For each value, the position of the last unit that reads it or a view of it: `usize::MAX` for an output, its own
/// position where nothing reads it.
fn last_uses(graph: &Graph, units: &[Unit]) -> HashMap<Value, usize> {
    let mut last_use: HashMap<Value, usize> = HashMap::with_capacity(units.len());
    let nodes = || units.iter().enumerate().flat_map(|(i, unit)| unit.nodes().iter().map(move |&id| (i, id)));
    for (position, id) in nodes() {
        let node = graph.node(id);
        for output in 0..node.facts().len() {
            last_use.insert(Value::new(id, output), position);
        }
        for input in node.inputs() {
            last_use.insert(*input, position);
        }
    }
    for output in graph.outputs() {
        last_use.insert(*output, usize::MAX);
    }
    // A viewed value lives as long as its views: users come later, so one sweep from the end settles chains.
    let order: Vec<NodeId> = nodes().map(|(_, id)| id).collect();
    for &id in order.iter().rev() {
        let node = graph.node(id);
        if node.kind().is_view() {
            let view = last_use[&Value::new(id, 0)];
            let viewed = last_use.get_mut(&node.inputs()[0]).expect("operands are in the order");
            *viewed = (*viewed).max(view);
        }
    }
    last_use
}
