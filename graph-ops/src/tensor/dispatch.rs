//! Dispatch: what applying an op to tensors means, by mode and by what the operands are.
//!
//! | operands | no trace | in a symbolic trace | on a tape |
//! | --- | --- | --- | --- |
//! | concrete | computed (eager) or pending (lazy) | become constants of the trace | computed |
//! | of the current trace | | recorded | computed and recorded |
//! | of an enclosing trace | | captured | computed and recorded |
//! | pending | pending | captured by a region, computed for a function | computed first |
//! | of any other trace | error | error | error, unless computed |

use std::borrow::{Borrow, Cow};
use std::ops::Deref;

use graph_core::{
    Array, Captured, Error, Fact, Given, Mode, NodeKind, OpRef, Origin, Pending, PendingOperand, Trace,
    TraceKind, Value, compute, compute_over, mode,
};
use smallvec::SmallVec;

use super::raise::{failed_op, or_raise};
use super::{Repr, Tensor, unreadable};

/// Applies an op that has one output.
///
/// # Panics
/// When the op does not take these operands, at the caller's line.
#[track_caller]
pub fn apply(op: impl Into<OpRef>, inputs: &[&Tensor]) -> Tensor {
    or_raise(try_apply_many(NodeKind::Apply(op.into()), inputs)).swap_remove(0)
}

/// Applies a node of any kind.
///
/// # Panics
/// When the node does not take these operands, at the caller's line.
#[track_caller]
pub fn apply_many(kind: NodeKind, inputs: &[&Tensor]) -> SmallVec<[Tensor; 1]> {
    or_raise(try_apply_many(kind, inputs))
}

/// Applies a node of any kind.
///
/// # Errors
/// When the node does not take these operands, or fails on their data where it is computed at once.
#[track_caller]
pub fn try_apply_many(kind: NodeKind, inputs: &[&Tensor]) -> Result<SmallVec<[Tensor; 1]>, Error> {
    let mut operands: SmallVec<[_; 4]> = inputs.iter().map(|input| Given::Kept(*input)).collect();
    try_apply_over(kind, &mut operands)
}

/// Applies an op that has one output to operands of which some may be donated. Where it is computed at once, the result
/// may take the memory of one.
///
/// # Panics
/// As [`apply`].
#[track_caller]
pub(crate) fn apply_over(op: impl Into<OpRef>, operands: &mut [Given<'_, Tensor>]) -> Tensor {
    or_raise(try_apply_over(NodeKind::Apply(op.into()), operands)).swap_remove(0)
}

#[track_caller]
fn try_apply_over(
    kind: NodeKind,
    operands: &mut [Given<'_, Tensor>],
) -> Result<SmallVec<[Tensor; 1]>, Error> {
    let origin = Origin::caller();
    match Way::of(operands) {
        Way::Record(trace) => record(&trace, kind, &references(operands), origin),
        Way::RecordComputed(tape) => record_computed(&tape, kind, &references(operands), origin),
        Way::Pend => record_pending(kind, &references(operands), origin),
        Way::Compute => compute_now(&kind, operands, origin),
    }
}

fn references<'a>(operands: &'a [Given<'_, Tensor>]) -> SmallVec<[&'a Tensor; 4]> {
    operands.iter().map(Deref::deref).collect()
}

/// What applying an op means: the table above, as code.
enum Way {
    /// It is added to a symbolic trace.
    Record(Trace),
    /// It is computed, and added to a tape.
    RecordComputed(Trace),
    /// It is added to the pending graph.
    Pend,
    /// It is computed.
    Compute,
}

impl Way {
    fn of<T: Borrow<Tensor>>(inputs: &[T]) -> Way {
        match Trace::current().or_else(|| symbolic_trace(inputs)) {
            Some(trace) if trace.kind() != TraceKind::Tape => Way::Record(trace),
            Some(tape) if inputs.iter().any(|input| input.borrow().is_on(&tape)) => Way::RecordComputed(tape),
            None if mode() == Mode::Lazy => Way::Pend,
            Some(_) | None => Way::Compute,
        }
    }
}

/// Whether ops on these operands are computed at once, so that control flow on their values can be plain Rust: no
/// symbolic trace is recording, and the mode is eager.
pub fn computes_at_once(operands: &[&Tensor]) -> bool {
    matches!(Way::of(operands), Way::Compute | Way::RecordComputed(_))
}

/// The open trace of a symbolic operand: where ops go when no trace is current, as for a graph built by hand.
pub fn symbolic_trace<T: Borrow<Tensor>>(inputs: &[T]) -> Option<Trace> {
    inputs.iter().find_map(|input| match &input.borrow().repr {
        Repr::Symbolic { trace, .. } if trace.is_open() => Some(trace.clone()),
        _ => None,
    })
}

fn record(
    trace: &Trace,
    kind: NodeKind,
    inputs: &[&Tensor],
    origin: Origin,
) -> Result<SmallVec<[Tensor; 1]>, Error> {
    let values: SmallVec<[Value; 4]> =
        inputs.iter().map(|input| input.value_in(trace, origin)).collect::<Result<_, _>>()?;
    let name = kind.name().to_owned();
    let outputs = trace.add(kind, &values, origin).map_err(|e| failed_op(name, e, inputs, origin))?;
    Ok(outputs.into_iter().map(|value| Tensor::from_traced(trace, value).with_origin(origin)).collect())
}

fn record_computed(
    tape: &Trace,
    kind: NodeKind,
    inputs: &[&Tensor],
    origin: Origin,
) -> Result<SmallVec<[Tensor; 1]>, Error> {
    // What cannot be on the tape is said before anything is computed.
    let values: SmallVec<[Value; 4]> =
        inputs.iter().map(|input| input.value_in(tape, origin)).collect::<Result<_, _>>()?;
    let arrays = computed(&kind, inputs, origin)?;
    let values = tape.add_computed(kind, &values, arrays.clone(), origin);
    let tensor = |(array, value)| Tensor { repr: Repr::Taped { array, trace: tape.clone(), value }, origin };
    Ok(arrays.into_iter().zip(values).map(tensor).collect())
}

fn compute_now(
    kind: &NodeKind,
    operands: &mut [Given<'_, Tensor>],
    origin: Origin,
) -> Result<SmallVec<[Tensor; 1]>, Error> {
    let present: Option<SmallVec<[_; 4]>> = operands.iter_mut().map(present_array).collect();
    let outputs = present.map(|mut arrays| compute_over(kind, &mut arrays));
    let arrays = match outputs {
        Some(outputs) => outputs.map_err(|e| failed_op(kind.name(), e, &references(operands), origin))?,
        None => computed(kind, &references(operands), origin)?,
    };
    Ok(arrays.into_iter().map(|array| Tensor { repr: Repr::Concrete(array), origin }).collect())
}

/// The array of an operand that is computed, donated as the operand is.
fn present_array<'a>(operand: &'a mut Given<'_, Tensor>) -> Option<Given<'a, Array>> {
    match operand {
        Given::Donated(Tensor { repr: Repr::Concrete(array), .. }) => Some(Given::Donated(array)),
        operand => match &operand.repr {
            Repr::Concrete(array) | Repr::Taped { array, .. } => Some(Given::Kept(array)),
            Repr::Symbolic { .. } | Repr::Pending(_) => None,
        },
    }
}

fn computed(kind: &NodeKind, inputs: &[&Tensor], origin: Origin) -> Result<SmallVec<[Array; 1]>, Error> {
    let arrays: SmallVec<[Cow<'_, Array>; 4]> =
        inputs.iter().map(|input| origin.scope(|| input.try_array_ref())).collect::<Result<_, _>>()?;
    let array_refs: SmallVec<[&Array; 4]> = arrays.iter().map(|array| &**array).collect();
    compute(kind, &array_refs).map_err(|e| failed_op(kind.name(), e, inputs, origin))
}

fn record_pending(
    kind: NodeKind,
    inputs: &[&Tensor],
    origin: Origin,
) -> Result<SmallVec<[Tensor; 1]>, Error> {
    let operands: Vec<PendingOperand> = inputs
        .iter()
        .map(|input| match &input.repr {
            Repr::Concrete(array) | Repr::Taped { array, .. } => {
                Ok(PendingOperand::Ready(array.clone(), input.origin))
            }
            Repr::Pending(pending) => Ok(match pending.array() {
                Some(array) => PendingOperand::Ready(array, input.origin),
                None => PendingOperand::Pending(pending.clone()),
            }),
            Repr::Symbolic { trace, .. } => Err(origin.scope(|| unreadable(trace))),
        })
        .collect::<Result<_, _>>()?;
    let name = kind.name().to_owned();
    let outputs = Pending::record(kind, operands, origin).map_err(|e| failed_op(name, e, inputs, origin))?;
    Ok(outputs.into_iter().map(Tensor::from_pending).collect())
}

impl Tensor {
    /// Whether the tensor is a value of this tape, which records what becomes of it.
    fn is_on(&self, tape: &Trace) -> bool {
        matches!(&self.repr, Repr::Taped { trace, .. } if trace == tape && tape.is_recording())
    }

    /// The tensor as a value of a trace: its own, captured from around the trace, or a constant.
    ///
    /// # Errors
    /// When it belongs to a trace that is neither this one nor around it.
    pub fn value_in(&self, trace: &Trace, origin: Origin) -> Result<Value, Error> {
        match &self.repr {
            Repr::Concrete(array) => Ok(trace.add_constant(array, self.origin.here())),
            Repr::Taped { trace: own, value, .. } if own == trace && own.is_open() => Ok(*value),
            // A function traced beneath a tape: as a constant the tensor would lose its gradient without a word.
            Repr::Taped { trace: own, .. } if own.is_open() && Trace::stack().contains(own) => {
                Err(foreign(own, trace, origin))
            }
            Repr::Taped { array, .. } => Ok(trace.add_constant(array, self.origin.here())),
            Repr::Symbolic { trace: own, value, fact } => {
                if own.is_open() {
                    if own == trace {
                        return Ok(*value);
                    }
                    if let Some(value) = capture_through(own, *value, fact, trace, self.origin) {
                        return Ok(value);
                    }
                }
                Err(foreign(own, trace, origin))
            }
            Repr::Pending(pending) => {
                if let Some(array) = pending.array() {
                    return Ok(trace.add_constant(&array, self.origin.here()));
                }
                match outermost_region(trace) {
                    Some(region) => {
                        let captured = Captured::Pending(pending.clone());
                        let value = region.capture(captured, self.fact().clone(), self.origin);
                        if &region == trace {
                            return Ok(value);
                        }
                        capture_through(&region, value, self.fact(), trace, self.origin)
                            .ok_or_else(|| foreign(&region, trace, origin))
                    }
                    None => {
                        let array = origin.scope(|| self.try_array())?;
                        Ok(trace.add_constant(&array, self.origin.here()))
                    }
                }
            }
        }
    }
}

/// Brings a value of an enclosing trace inwards, one capture at each level. Only regions capture.
fn capture_through(from: &Trace, value: Value, fact: &Fact, to: &Trace, origin: Origin) -> Option<Value> {
    let stack = Trace::stack();
    // A trace may have been entered again: from its innermost entry to the next entry of the other.
    let outer = stack.iter().rposition(|trace| trace == from)?;
    let inner = outer + stack[outer..].iter().position(|trace| trace == to)?;
    let (mut value, mut owner) = (value, from);
    for region in stack.get(outer + 1..=inner)? {
        if region.kind() != TraceKind::Region {
            return None;
        }
        value = region.capture(Captured::Outer(owner.clone(), value), fact.clone(), origin);
        owner = region;
    }
    Some(value)
}

/// The outermost trace of an unbroken run of regions that ends at `trace`; `None` where a function or tape is around
/// it, since pending values are computed for those.
fn outermost_region(trace: &Trace) -> Option<Trace> {
    let stack = Trace::stack();
    let inner = stack.iter().position(|t| t == trace)?;
    let regions = stack[..=inner].iter().all(|t| t.kind() == TraceKind::Region);
    regions.then(|| stack[0].clone())
}

fn foreign(own: &Trace, current: &Trace, origin: Origin) -> Error {
    let (own_name, current_name) = (own.name(), current.name());
    let message = if own.is_open() {
        format!(
            "a tensor of the trace of `{own_name}` is used in that of `{current_name}`; pass it as an argument"
        )
    } else {
        format!(
            "a tensor was kept after the trace of `{own_name}` ended; return it from the function instead"
        )
    };
    Error::Trace { message, origin }
}
