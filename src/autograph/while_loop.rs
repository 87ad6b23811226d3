//! `while`: Rust's loop for a host condition, one node for a tensor.

use std::marker::PhantomData;
use std::sync::Arc;

use graph_core::{Fact, NodeKind, Origin};
use graph_ops::{OpenRegion, Tensor, apply_many, or_raise, outer, union};

use super::flow::Flag;
use super::logic::{Condition, Truth, check_condition};
use super::loops::{Carried, exits, is_clear};
use super::tracing::is_tracing;
use super::variable::{Entry, refuse_opaque};

/// The driver of a `while` whose condition is of type `C`.
pub struct While<C> {
    origin: Origin,
    staged: Option<Staged>,
    condition: PhantomData<fn() -> C>,
}

struct Staged {
    carried: Carried,
    phase: Phase,
}

enum Phase {
    Condition {
        region: OpenRegion,
        /// Where the flags that end the loop are tensors: the condition is computed only if none is set.
        guard: Option<(OpenRegion, Tensor)>,
    },
    Body {
        condition: graph_ops::Region,
        body: OpenRegion,
    },
    Between,
}

impl<C> std::fmt::Debug for While<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("While").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl<C: Condition> While<C> {
    /// A `while` at the caller's line.
    #[expect(clippy::new_without_default, reason = "it notes the caller's line")]
    #[track_caller]
    pub fn new() -> While<C> {
        While { origin: Origin::caller(), staged: None, condition: PhantomData }
    }

    /// Before the condition.
    pub fn begin(&mut self, state: &mut [Entry<'_>]) {
        if !C::IS_TENSOR || !is_tracing() {
            return;
        }
        let origin = self.origin;
        let staged = self.staged.get_or_insert_with(|| {
            refuse_opaque("while", state, origin);
            Staged { carried: Carried::new("while", state, origin), phase: Phase::Between }
        });
        let (region, inputs) = OpenRegion::open("condition", &staged.carried.facts(), origin);
        staged.carried.enter(state, inputs);
        let guard = match is_clear(state) {
            Flag::Tensor(clear) => Some((OpenRegion::open("then", &[], origin).0, clear)),
            Flag::Host(_) => None,
        };
        staged.phase = Phase::Condition { region, guard };
    }

    /// After the condition: whether the body runs now.
    pub fn decide(&mut self, condition: C, state: &mut [Entry<'_>]) -> bool {
        let origin = self.origin;
        let Some(staged) = &mut self.staged else {
            let truth = condition.truth();
            return !exits(state).iter().any(Flag::is_set) && truth.is_true("while", origin);
        };
        let Phase::Condition { region, guard } = std::mem::replace(&mut staged.phase, Phase::Between) else {
            unreachable!("the condition has begun")
        };
        let condition = match condition.truth() {
            Truth::Tensor(condition) => condition,
            Truth::Host(condition) => Tensor::scalar(condition),
        };
        check_condition("while", &condition, origin);
        staged.carried.check_untouched(state);
        let condition = match guard {
            Some((guard, clear)) => guarded(guard, &clear, &condition, origin),
            None => condition,
        };
        let decision = or_raise(region.value_of(&condition, origin));
        let condition = region.close(vec![decision]);
        let (body, inputs) = OpenRegion::open("body", &staged.carried.facts(), origin);
        staged.carried.enter(state, inputs);
        staged.phase = Phase::Body { condition, body };
        true
    }

    /// After the body: whether there is another iteration, or another look at this one.
    pub fn advance(&mut self, state: &mut [Entry<'_>]) -> bool {
        let origin = self.origin;
        let Some(staged) = &mut self.staged else { return true };
        let Phase::Body { condition, mut body } = std::mem::replace(&mut staged.phase, Phase::Between) else {
            unreachable!("the body has begun")
        };
        body.leave();
        let Some(iteration) = staged.carried.end(state) else { return true };
        let changed = staged.carried.changed(&iteration);
        let outputs = iteration.outputs(&body, &changed, origin);
        let body = body.close(outputs);
        let results = staged.carried.repeat(&condition, &body, &changed);
        staged.carried.leave(state, &changed, &mut results.into_iter());
        false
    }
}

/// The condition where no flag is set, and false elsewhere.
fn guarded(mut guard: OpenRegion, clear: &Tensor, condition: &Tensor, origin: Origin) -> Tensor {
    guard.leave();
    let then_output = or_raise(guard.value_of(condition, origin));
    let then_region = guard.close(vec![then_output]);
    let captures = union(&[&then_region]);
    let (else_region, _) = OpenRegion::open("else", &[] as &[Fact], origin);
    let never = or_raise(else_region.value_of(&Tensor::scalar(false), origin));
    let else_region = else_region.close(vec![never]);
    let kind = NodeKind::If {
        then_branch: Arc::new(then_region.closed_over(&captures)),
        else_branch: Arc::new(else_region.closed_over(&captures)),
    };
    let captured: Vec<Tensor> = captures.iter().map(outer).collect();
    let operands: Vec<&Tensor> = std::iter::once(clear).chain(&captured).collect();
    origin.scope(|| apply_many(kind, &operands)).swap_remove(0)
}
