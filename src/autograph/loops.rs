//! What the drivers of loops share: variables that are carried from iteration to iteration.

use std::sync::Arc;

use graph_core::{Error, Fact, NodeKind, Origin};
use graph_ops::{OpenRegion, Region, Tensor, apply_many, or_raise, outer, raise, union};

use super::flow::Flag;
use super::report::{described, place, raise_host_change, raise_push};
use super::variable::{Entry, Saved, restore, save, set_leaves, unify};

/// The variables of a staged loop.
pub(super) struct Carried {
    what: &'static str,
    origin: Origin,
    /// What they hold before the loop.
    pub(super) before: Vec<Saved>,
    /// What stands for their tensors in the body.
    inputs: Vec<Tensor>,
}

/// What an iteration left in them.
pub(super) struct Iteration {
    after: Vec<Saved>,
}

impl Carried {
    pub(super) fn new(what: &'static str, state: &[Entry<'_>], origin: Origin) -> Carried {
        Carried { what, origin, before: save(state), inputs: Vec::new() }
    }

    /// The tensors before the loop.
    pub(super) fn initial(&self) -> impl Iterator<Item = &Tensor> {
        self.before.iter().flat_map(|saved| &saved.leaves)
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        self.initial().map(|leaf| leaf.fact().clone()).collect()
    }

    /// Lets the variables hold what stands for them in a region.
    pub(super) fn enter(&mut self, state: &mut [Entry<'_>], inputs: Vec<Tensor>) {
        restore(state, &self.before);
        set_leaves(state, &mut inputs.iter().cloned());
        self.inputs = inputs;
    }

    /// The condition has left the variables alone.
    pub(super) fn check_untouched(&self, state: &[Entry<'_>]) {
        let now = save(state);
        let leaves = now.iter().flat_map(|saved| &saved.leaves);
        let same = leaves.zip(&self.inputs).all(|(now, input)| now.is_same(input))
            && now.iter().zip(&self.before).all(|(now, before)| now.has_form_of(before));
        if !same {
            let what = self.what;
            let message = format!("the condition of `{what}` assigns a variable; do that in the body");
            raise(Error::Usage { message, origin: self.origin });
        }
    }

    /// Ends an iteration. `None` when it has to be traced again, since a flag or a slot turns out to depend on a
    /// tensor.
    pub(super) fn end(&mut self, state: &mut [Entry<'_>]) -> Option<Iteration> {
        let mut after = save(state);
        let mut is_again = false;
        for (i, entry) in state.iter_mut().enumerate() {
            let (first, last) = (&self.before[i], &after[i]);
            if let Some((before, now)) = unify(entry, first, last) {
                if !before.has_form_of(&now) {
                    if entry.is_pushed {
                        raise_push(entry.name, self.what, self.origin);
                    }
                    let (first, second) = before.difference(&now);
                    let how = "before the loop and, after an iteration,";
                    raise_host_change(entry.name, &first, &second, how, self.origin);
                }
                is_again |= !before.has_form_of(first);
                (self.before[i], after[i]) = (before, now);
            }
        }
        if is_again {
            restore(state, &self.before);
            return None;
        }
        for ((entry, first), last) in state.iter().zip(&self.before).zip(&after) {
            for (leaf, (x, y)) in first.leaves.iter().zip(&last.leaves).enumerate() {
                if x.fact() != y.fact() {
                    let message = format!(
                        "{} is {} before the `{}` loop and {} after an iteration",
                        place(entry.name, first, leaf),
                        described(x),
                        self.what,
                        described(y)
                    );
                    raise(Error::Usage { message, origin: self.origin });
                }
            }
        }
        Some(Iteration { after })
    }

    /// What the iteration has pushed to each vector that it does nothing else with; the vectors lose it.
    pub(super) fn take_pushed(&self, state: &mut [Entry<'_>]) -> Vec<Vec<Tensor>> {
        let entries = state.iter_mut().zip(&self.before);
        entries
            .map(|(entry, before)| match (entry.is_pushed, entry.variable.vector()) {
                (true, Some(vector)) => vector.split_off(before.leaves.len()),
                _ => Vec::new(),
            })
            .collect()
    }

    /// Which tensors an iteration leaves as they are: for those the loop need carry nothing.
    pub(super) fn changed(&self, iteration: &Iteration) -> Vec<bool> {
        iteration.leaves().zip(&self.inputs).map(|(after, input)| !after.is_same(input)).collect()
    }

    /// Adds the loop of these regions; gives what the tensors that change are after it.
    pub(super) fn repeat(&self, condition: &Region, body: &Region, changed: &[bool]) -> Vec<Tensor> {
        let captures = union(&[condition, body]);
        let (kept, invariant) = partition(changed, 0);
        let order: Vec<usize> = kept.iter().chain(&invariant).copied().collect();
        let kind = NodeKind::While {
            condition: Arc::new(condition.closed_in_order(&order, &captures)),
            body: Arc::new(body.closed_in_order(&order, &captures)),
            carried: kept.len(),
        };
        let initial: Vec<&Tensor> = self.initial().collect();
        let captured: Vec<Tensor> = captures.iter().map(outer).collect();
        let operands: Vec<&Tensor> = order.iter().map(|&i| initial[i]).chain(&captured).collect();
        self.origin.scope(|| apply_many(kind, &operands)).into_vec()
    }

    /// After the loop: the variables hold `results` where they changed, and what they held before elsewhere.
    pub(super) fn leave(
        &self,
        state: &mut [Entry<'_>],
        changed: &[bool],
        results: &mut dyn Iterator<Item = Tensor>,
    ) {
        restore(state, &self.before);
        let mut leaves = self.initial().zip(changed).map(|(initial, &changed)| {
            if changed { results.next().expect("a result for each") } else { initial.clone() }
        });
        set_leaves(state, &mut leaves);
    }
}

impl Iteration {
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Tensor> {
        self.after.iter().flat_map(|saved| &saved.leaves)
    }

    /// The next values of the tensors that change, as values of the body.
    pub(super) fn outputs(
        &self,
        body: &OpenRegion,
        changed: &[bool],
        origin: Origin,
    ) -> Vec<graph_core::Value> {
        let changed = self.leaves().zip(changed).filter(|(_, changed)| **changed);
        changed.map(|(leaf, _)| or_raise(body.value_of(leaf, origin))).collect()
    }
}

/// The flags that end a loop.
pub(super) fn exits(state: &[Entry<'_>]) -> Vec<Flag> {
    let exits = state.iter().filter(|entry| entry.is_exit);
    exits.filter_map(|entry| entry.variable.flag().cloned()).collect()
}

/// Whether none of the flags that end a loop is set.
pub(super) fn is_clear(state: &[Entry<'_>]) -> Flag {
    Flag::none_of(&exits(state).iter().collect::<Vec<_>>())
}

/// The positions of the inputs of a region that are carried, then of the rest.
pub(super) fn partition(changed: &[bool], offset: usize) -> (Vec<usize>, Vec<usize>) {
    (0..changed.len()).map(|i| i + offset).partition(|i| changed[i - offset])
}
