//! Placing groups: where what leaves a row program goes, and what it may overwrite.

use smallvec::SmallVec;

use super::super::provenance::Provenance;
use super::super::rows::{self, Compiled, PART_COST, RowProgram};
use super::super::schedule::Group;
use super::super::step::{Action, Argument, Place, Step, TileProgram};
use super::Planner;
use crate::ids::{NodeId, Value};
use crate::kernel::Tiled;

impl Planner<'_> {
    /// Chooses places for what leaves a group, adds its step, and frees what it was the last to use.
    pub(super) fn place_rows(&mut self, group: &Group, position: usize) {
        let kernel = |id: NodeId| self.kernels.row(self.graph, id).expect("what goes by rows was grouped");
        let producer = group.producer();
        let Compiled { program, mut arguments, mut results } =
            rows::compile(self.graph, &group.space, group.members(), producer.is_some(), &kernel);
        let (mut placed, mut taken) = (None, SmallVec::<[usize; 4]>::new());
        if producer.is_some() {
            placed = self.place_output(group, &program, &arguments, &results, position);
            if placed.is_some() {
                taken.push(self.computed(group, &arguments));
            }
            group.views().iter().for_each(|&view| self.place_view(view));
        }
        for (result, &value) in results.iter().enumerate().filter(|(result, _)| placed != Some(*result)) {
            let may_overwrite = |&argument: &usize| {
                !taken.contains(&argument)
                    && self.may_overwrite(group, &program, &arguments, argument, (result, value), position)
            };
            match (0..arguments.len()).find(may_overwrite) {
                Some(argument) => {
                    taken.push(argument);
                    self.overwrite(arguments[argument], value);
                }
                None => self.allocate(value),
            }
        }
        for &id in group.members().iter().filter(|&&id| self.graph.node(id).kind().is_view()) {
            // A view of what leaves the group is where that is.
            if let Some(&storage) = self.storage_of.get(&self.graph.node(id).inputs()[0]) {
                self.storage_of.insert(Value::new(id, 0), storage);
            }
        }
        let members = producer.iter().chain(group.members());
        let names: Vec<&str> = members.map(|&id| self.graph.node(id).kind().name()).collect();
        let named = producer.unwrap_or(group.members()[group.members().len() - 1]);
        let origin = self.graph.node(named).origin();
        let action = match producer {
            None => Action::Rows(program),
            Some(producer) => {
                let computed = self.computed(group, &arguments);
                // The producer's operands follow those of the rows.
                arguments.extend(self.graph.node(producer).inputs());
                if self.is_needed_elsewhere(group) {
                    results.push(Value::new(producer, 0));
                }
                let kernel = self.kernels.take(producer);
                let tiled = kernel.tiled().expect("the producer has tiles");
                assert_eq!(program.width, tiled.width(), "rows of the producer's width");
                let tiles_per_part = tiles_per_part(tiled, &program);
                let producer = self.graph.node(producer).kind().name().to_owned();
                Action::Tiles(TileProgram { kernel, producer, program, computed, tiles_per_part })
            }
        };
        self.plan.steps.push(Step {
            action,
            arguments: arguments.iter().map(|&value| Argument::Slot(self.slot(value))).collect(),
            results: results.iter().map(|&value| self.slot(value)).collect(),
            provenance: Provenance {
                op: names.join("+"),
                nodes: producer.into_iter().chain(group.members().iter().copied()).collect(),
                origin,
                operands: Vec::new(),
            },
        });
        let outputs: SmallVec<[Value; 4]> =
            results.iter().copied().chain(producer.map(|id| Value::new(id, 0))).collect();
        self.free_dead(&arguments, &outputs, position);
    }

    /// Whether a result may be written over an argument of its program.
    fn may_overwrite(
        &self,
        group: &Group,
        program: &RowProgram,
        arguments: &[Value],
        argument: usize,
        (result, value): (usize, Value),
        position: usize,
    ) -> bool {
        let storage = self.storage_of[&arguments[argument]];
        let same = arguments.iter().filter(|other| self.storage_of.get(other) == Some(&storage));
        // Other tiles need all of what the producer reads.
        let producer = group.producer().map(|id| self.graph.node(id).inputs()).unwrap_or_default();
        same.count() == 1
            && producer.iter().all(|operand| self.storage_of[operand] != storage)
            && self.is_ours_to_overwrite(arguments[argument], value, position)
            && program.may_overwrite(result, argument)
    }

    /// The argument that is the producer's output, or a view of it.
    fn computed(&self, group: &Group, arguments: &[Value]) -> usize {
        let own =
            |value: &Value| Some(value.node()) == group.producer() || group.views().contains(&value.node());
        arguments.iter().position(own).expect("the rows read what leads them")
    }

    /// Chooses the place of the producer's output: that of a result which is written over it, if nothing else needs it.
    /// Gives the result that has been placed so.
    fn place_output(
        &mut self,
        group: &Group,
        program: &RowProgram,
        arguments: &[Value],
        results: &[Value],
        position: usize,
    ) -> Option<usize> {
        let computed = self.computed(group, arguments);
        let output = Value::new(group.producer().expect("there is one"), 0);
        let is_input = |argument: &usize| {
            let storage = self.storage_of.get(&arguments[*argument]);
            storage.is_some_and(|&storage| matches!(self.storages[storage].place, Place::Input(_)))
        };
        let fits = |&result: &usize| {
            let value = results[result];
            // To update an input in its buffer is worth more.
            let updates_input = (0..arguments.len()).filter(is_input).any(|argument| {
                self.may_overwrite(group, program, arguments, argument, (result, value), position)
            });
            let same_fact = self.graph.fact(value) == self.graph.fact(arguments[computed]);
            same_fact && program.may_overwrite(result, computed) && !updates_input
        };
        let result = match self.is_needed_elsewhere(group) {
            true => None,
            false => (0..results.len()).find(fits),
        };
        match result {
            Some(result) => {
                self.allocate(results[result]);
                self.storage_of.insert(output, self.storage_of[&results[result]]);
            }
            None => self.allocate(output),
        }
        result
    }

    /// Whether what the producer computes is read by others than the group.
    fn is_needed_elsewhere(&self, group: &Group) -> bool {
        let own =
            group.producer().iter().chain(group.views()).map(|&id| Value::new(id, 0)).collect::<Vec<_>>();
        own.iter().any(|&value| {
            let is_own = |user: NodeId| group.members().contains(&user) || own.contains(&Value::new(user, 0));
            self.graph.outputs().contains(&value) || self.graph.users(value).any(|(user, _)| !is_own(user))
        })
    }
}

/// How many tiles, with what is done with them, are worth a part of their own.
fn tiles_per_part(tiled: &dyn Tiled, program: &RowProgram) -> usize {
    let all = tiled.cost().saturating_mul(tiled.num_tiles()).saturating_add(program.cost());
    let tile = all / tiled.num_tiles().max(1);
    if all < PART_COST { tiled.num_tiles().max(1) } else { (PART_COST / 2 / tile.max(1)).max(1) }
}
