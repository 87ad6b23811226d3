//! `if`: one arm for a host condition, both for a tensor.

use std::sync::Arc;

use graph_core::{Error, NodeKind, Origin, Value};
use graph_ops::{OpenRegion, Tensor, TensorTree, apply_many, or_raise, outer, raise, union};

use super::flow::{Flag, Slot};
use super::logic::{Condition, Truth, check_condition};
use super::report::{described, place, raise_host_change};
use super::tracing::is_tracing;
use super::variable::{Entry, Saved, refuse_opaque, restore, save, set_leaves, unify};

/// The driver of an `if`.
#[derive(Debug)]
pub struct If {
    choice: Choice,
    origin: Origin,
}

#[derive(Debug)]
enum Choice {
    Host(bool),
    Tensor(Box<Staged>),
}

struct Staged {
    /// What it was written as: `if` or `match`.
    what: &'static str,
    condition: Tensor,
    before: Vec<Saved>,
    then_arm: Option<Arm>,
    else_arm: Option<Arm>,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged").field("condition", &self.condition).finish_non_exhaustive()
    }
}

/// An arm that is or was traced, and what it left in the variables.
struct Arm {
    region: OpenRegion,
    after: Vec<Saved>,
}

impl Arm {
    fn open(name: &str, origin: Origin) -> Arm {
        Arm { region: OpenRegion::open(name, &[], origin).0, after: Vec::new() }
    }

    fn end(&mut self, state: &[Entry<'_>]) {
        self.after = save(state);
        self.region.leave();
    }
}

impl If {
    /// An `if` on this condition, or the `match` that became one.
    #[track_caller]
    pub fn new(what: &'static str, condition: impl Condition) -> If {
        If::on(what, condition.truth(), Origin::caller())
    }

    /// The rest of a block, unless it has been left.
    #[track_caller]
    pub fn unless(flags: &[&Flag]) -> If {
        let truth = match Flag::none_of(flags) {
            Flag::Host(clear) => Truth::Host(clear),
            Flag::Tensor(clear) => Truth::Tensor(clear),
        };
        If::on("if", truth, Origin::caller())
    }

    #[track_caller]
    fn on(what: &'static str, truth: Truth, origin: Origin) -> If {
        let choice = match truth {
            Truth::Host(condition) => Choice::Host(condition),
            Truth::Tensor(condition) => {
                check_condition(what, &condition, origin);
                if is_tracing() {
                    let staged =
                        Staged { what, condition, before: Vec::new(), then_arm: None, else_arm: None };
                    Choice::Tensor(Box::new(staged))
                } else {
                    Choice::Host(origin.scope(|| condition.item::<bool>()))
                }
            }
        };
        If { choice, origin }
    }

    /// Whether the first arm runs now.
    pub fn then(&mut self, state: &mut [Entry<'_>]) -> bool {
        match &mut self.choice {
            Choice::Host(condition) => *condition,
            Choice::Tensor(staged) => {
                refuse_opaque(staged.what, state, self.origin);
                staged.before = save(state);
                staged.then_arm = Some(Arm::open("then", self.origin));
                true
            }
        }
    }

    /// Whether the second arm runs now.
    pub fn otherwise(&mut self, state: &mut [Entry<'_>]) -> bool {
        match &mut self.choice {
            Choice::Host(condition) => !*condition,
            Choice::Tensor(staged) => {
                staged.then_arm.as_mut().expect("the first arm has run").end(state);
                restore(state, &staged.before);
                staged.else_arm = Some(Arm::open("else", self.origin));
                true
            }
        }
    }

    /// Merges the arms, with `value` among the variables: what it holds after the first is in `then_value`.
    fn merge(mut staged: Box<Staged>, state: &mut [Entry<'_>], values: [Saved; 2], origin: Origin) {
        let (last, rest) = state.split_last_mut().expect("the value is the last entry");
        let mut then_arm = staged.then_arm.take().expect("the first arm has run");
        let mut else_arm = staged.else_arm.take().expect("the second arm has run");
        else_arm.end(rest);
        let [then_value, else_value] = values;
        then_arm.after.push(then_value);
        else_arm.after.push(else_value);
        for (i, entry) in rest.iter_mut().chain([last]).enumerate() {
            let (a, b) = (&then_arm.after[i], &else_arm.after[i]);
            if let Some((a, b)) = unify(entry, a, b) {
                if !a.has_form_of(&b) {
                    let (first, second) = a.difference(&b);
                    let how = "in one arm and in the other";
                    raise_host_change(entry.name, &first, &second, how, origin);
                }
                (then_arm.after[i], else_arm.after[i]) = (a, b);
            }
        }
        let mut merged: Vec<Option<Tensor>> = Vec::new();
        let (mut then_outputs, mut else_outputs): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
        for (i, entry) in state.iter().enumerate() {
            let (a, b) = (&then_arm.after[i], &else_arm.after[i]);
            for (leaf, (x, y)) in a.leaves.iter().zip(&b.leaves).enumerate() {
                if x.is_same(y) {
                    merged.push(Some(x.clone()));
                    continue;
                }
                if x.fact() != y.fact() {
                    let message = format!(
                        "{} is {} where the condition of `{}` is true, and {} where it is false",
                        place(entry.name, a, leaf),
                        described(x),
                        staged.what,
                        described(y)
                    );
                    raise(Error::Usage { message, origin });
                }
                merged.push(None);
                then_outputs.push(or_raise(then_arm.region.value_of(x, origin)));
                else_outputs.push(or_raise(else_arm.region.value_of(y, origin)));
            }
        }
        let (then_region, else_region) =
            (then_arm.region.close(then_outputs), else_arm.region.close(else_outputs));
        let captures = union(&[&then_region, &else_region]);
        let kind = NodeKind::If {
            then_branch: Arc::new(then_region.closed_over(&captures)),
            else_branch: Arc::new(else_region.closed_over(&captures)),
        };
        let mut operands = vec![staged.condition];
        operands.extend(captures.iter().map(outer));
        let operands: Vec<&Tensor> = operands.iter().collect();
        let mut results = origin.scope(|| apply_many(kind, &operands)).into_iter();
        let mut leaves = merged
            .into_iter()
            .map(|same| same.unwrap_or_else(|| results.next().expect("an output for each")));
        restore(state, &then_arm.after);
        set_leaves(state, &mut leaves);
    }
}

/// What the two arms gave: nothing for an arm that did not run or was left.
#[derive(Debug)]
pub struct Arms<V> {
    then_value: Option<V>,
    else_value: Option<V>,
}

impl<V> Arms<V> {
    /// The values of both arms, or of the only one that has any.
    pub fn new(then_value: Option<V>, else_value: Option<V>) -> Arms<V> {
        Arms { then_value, else_value }
    }

    /// The values of both arms. `alike` is an `if` with one of each in its arms, where the user's arms stand: it is there
    /// that the compiler finds them to be of different types, in its own words.
    pub fn alike<B>(
        then_value: Option<V>,
        else_value: Option<B>,
        alike: impl FnOnce(fn() -> V, (B,)) -> V,
    ) -> Arms<V> {
        let then = || unreachable!("the arm is the other one");
        Arms { then_value, else_value: else_value.map(|value| alike(then, (value,))) }
    }
}

/// Joins arms whose values are trees of tensors.
pub trait JoinTree<V> {
    /// Ends the `if`: the merged value, or none if the arm that ran was left.
    fn join(self, driver: If, state: &mut [Entry<'_>]) -> Option<V>;
}

impl<V: TensorTree + 'static> JoinTree<V> for Arms<V> {
    fn join(self, driver: If, state: &mut [Entry<'_>]) -> Option<V> {
        let staged = match driver.choice {
            Choice::Host(_) => return self.then_value.or(self.else_value),
            Choice::Tensor(staged) => staged,
        };
        let values = [Saved::of(&self.then_value), Saved::of(&self.else_value)];
        let mut value: Slot<V> = Slot::empty();
        let mut all: Vec<Entry<'_>> = state.iter_mut().map(Entry::reborrow).collect();
        all.push(value.entry());
        If::merge(staged, &mut all, values, driver.origin);
        drop(all);
        value.0
    }
}

/// Joins arms whose values a graph cannot hold.
pub trait JoinAny<V> {
    /// Ends the `if`: the value of the arm that ran.
    ///
    /// # Panics
    /// When the condition is a tensor.
    fn join(&mut self, driver: If, state: &mut [Entry<'_>]) -> Option<V>;
}

impl<V> JoinAny<V> for Arms<V> {
    fn join(&mut self, driver: If, _: &mut [Entry<'_>]) -> Option<V> {
        match driver.choice {
            Choice::Host(_) => self.then_value.take().or(self.else_value.take()),
            Choice::Tensor(staged) => {
                let (what, ty) = (staged.what, std::any::type_name::<V>());
                let message = format!(
                    "this `{what}` on a tensor gives a value of type `{ty}`, which a graph cannot hold; give tensors, \
                     or a struct of them that derives `TensorTree` (for `&Tensor`: clone it)"
                );
                raise(Error::Usage { message, origin: driver.origin })
            }
        }
    }
}
