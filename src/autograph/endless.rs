//! `loop`: Rust's loop as long as no tensor decides when it ends, one node where one does.

use graph_core::{Error, Origin, Trace, Value};
use graph_ops::{OpenRegion, Tensor, or_raise};

use super::flow::Flag;
use super::loops::{Carried, exits, is_clear};
use super::tracing::is_tracing;
use super::variable::{Entry, refuse_opaque, save, set_leaves};

/// The driver of a `loop`.
///
/// Each iteration is traced into a region. If no tensor decides whether it was the last one, what the region computes
/// is done in the surroundings, and Rust goes on; otherwise the region is the body of a loop.
pub struct Endless {
    origin: Origin,
    carried: Option<Carried>,
    body: Option<OpenRegion>,
}

impl std::fmt::Debug for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endless").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Endless {
    /// A `loop` at the caller's line.
    #[expect(clippy::new_without_default, reason = "it notes the caller's line")]
    #[track_caller]
    pub fn new() -> Endless {
        Endless { origin: Origin::caller(), carried: None, body: None }
    }

    /// Before the body.
    pub fn begin(&mut self, state: &mut [Entry<'_>]) {
        if !is_tracing() {
            return;
        }
        let carried = self.carried.get_or_insert_with(|| Carried::new("loop", state, self.origin));
        let (body, inputs) = OpenRegion::open("body", &carried.facts(), self.origin);
        carried.enter(state, inputs);
        self.body = Some(body);
    }

    /// After the body: whether there is another iteration, or another look at this one.
    pub fn advance(&mut self, state: &mut [Entry<'_>]) -> bool {
        let origin = self.origin;
        let (Some(mut body), Some(mut carried)) = (self.body.take(), self.carried.take()) else {
            return !exits(state).iter().any(Flag::is_set);
        };
        let depends = |flags: Vec<Flag>| flags.iter().any(|flag| matches!(flag, Flag::Tensor(_)));
        body.leave();
        if !depends(exits(state))
            && !carried
                .before
                .iter()
                .zip(&*state)
                .any(|(before, entry)| entry.is_exit && !before.leaves.is_empty())
        {
            repeat_here(body, &carried, state, origin);
            return !exits(state).iter().any(Flag::is_set);
        }
        refuse_opaque("loop", state, origin);
        let Some(iteration) = carried.end(state) else {
            self.carried = Some(carried);
            return true;
        };
        let changed = carried.changed(&iteration);
        let outputs = iteration.outputs(&body, &changed, origin);
        let body = body.close(outputs);
        let (condition, inputs) = OpenRegion::open("condition", &carried.facts(), origin);
        carried.enter(state, inputs);
        let clear = match is_clear(state) {
            Flag::Tensor(clear) => clear,
            Flag::Host(clear) => Tensor::scalar(clear),
        };
        let decision = or_raise(condition.value_of(&clear, origin));
        let condition = condition.close(vec![decision]);
        let results = carried.repeat(&condition, &body, &changed);
        carried.leave(state, &changed, &mut results.into_iter());
        false
    }
}

/// An iteration of a host loop: what was traced into a region is done in the surroundings.
fn repeat_here(body: OpenRegion, carried: &Carried, state: &mut [Entry<'_>], origin: Origin) {
    let trace = Trace::current().expect("a loop is staged within a trace");
    let after: Vec<Tensor> = save(state).into_iter().flat_map(|saved| saved.leaves).collect();
    let outputs = after.iter().map(|leaf| or_raise(body.value_of(leaf, origin))).collect();
    let region = body.close(outputs);
    let captured = region.captured();
    let arguments: Vec<Value> =
        carried.initial().chain(&captured).map(|tensor| or_raise(tensor.value_in(&trace, origin))).collect();
    let values = trace.inline(region.graph(), &arguments, origin.name_scope()).map_err(|reason| {
        let operands = Vec::new();
        Error::op("loop", reason, operands, origin)
    });
    let named =
        |(value, leaf): (Value, &Tensor)| Tensor::from_traced(&trace, value).with_origin(leaf.origin());
    set_leaves(state, &mut or_raise(values).into_iter().zip(&after).map(named));
}
