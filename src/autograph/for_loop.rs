//! `for`: Rust's loop over a host iterator, one node for a tensor's rows or a range with a tensor bound.

use std::sync::Arc;

use graph_core::{Fact, NodeKind, Origin};
use graph_ops::{
    OpenRegion, Operand, Rows, Tensor, TensorIterator, TensorRange, Trips, apply_many, or_raise, outer,
    range_between, union,
};

use super::flow::Flag;
use super::logic::TensorLike;
use super::loops::{Carried, exits, is_clear, partition};
use super::tracing::is_tracing;
use super::variable::{Entry, refuse_opaque};

/// What a `for` walks along.
#[derive(Debug)]
pub struct Iterate<I>(Option<I>);

impl<I> Iterate<I> {
    /// Walks along `iterable`.
    pub fn new(iterable: I) -> Iterate<I> {
        Iterate(Some(iterable))
    }
}

/// How a `for` takes its steps.
pub trait Steps {
    /// What the pattern of the `for` is matched with.
    type Item;
    /// The next item of a host loop.
    fn next_on_host(&mut self) -> Option<Self::Item>;
    /// Sequences to walk along row by row, and the number of items; `None` for what only Rust can walk along.
    fn parts(&self) -> Option<(Vec<Tensor>, Trips)>;
    /// The item of an iteration that is being traced.
    fn item(&self, number: &Tensor, rows: &[Tensor]) -> Self::Item;
}

/// Steps that only Rust can take.
#[derive(Debug)]
pub struct OnHost<I>(I);

impl<I: Iterator> Steps for OnHost<I> {
    type Item = I::Item;
    fn next_on_host(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn parts(&self) -> Option<(Vec<Tensor>, Trips)> {
        None
    }
    fn item(&self, _: &Tensor, _: &[Tensor]) -> I::Item {
        unreachable!("a host iterator is not staged")
    }
}

/// Steps that a graph can take.
#[derive(Debug)]
pub struct InGraph<I>(I);

impl<I: TensorIterator + Iterator<Item = <I as TensorIterator>::Item>> Steps for InGraph<I> {
    type Item = <I as TensorIterator>::Item;
    fn next_on_host(&mut self) -> Option<Self::Item> {
        Iterator::next(&mut self.0)
    }
    fn parts(&self) -> Option<(Vec<Tensor>, Trips)> {
        Some((self.0.sequences(), self.0.trips()))
    }
    fn item(&self, number: &Tensor, rows: &[Tensor]) -> Self::Item {
        TensorIterator::item(&self.0, number, rows)
    }
}

/// The steps along what a graph can walk along.
pub trait TensorSteps {
    /// How the steps are taken.
    type Steps: Steps;
    /// The driver.
    fn steps(self) -> For<Self::Steps>;
}

impl<I: TensorIterator + Iterator<Item = <I as TensorIterator>::Item>> TensorSteps for Iterate<I> {
    type Steps = InGraph<I>;
    #[track_caller]
    fn steps(self) -> For<InGraph<I>> {
        For::new(InGraph(self.0.expect("made with something")))
    }
}

/// The steps along the rows of a tensor.
pub trait IntoSteps {
    /// The driver.
    fn steps(self) -> For<InGraph<Rows>>;
}

impl<T: TensorLike> IntoSteps for Iterate<T> {
    #[track_caller]
    fn steps(self) -> For<InGraph<Rows>> {
        For::new(InGraph(self.0.expect("made with something").tensor().rows()))
    }
}

/// The steps along anything else.
pub trait HostSteps {
    /// What there is.
    type Iterator: Iterator;
    /// The driver.
    fn steps(&mut self) -> For<OnHost<Self::Iterator>>;
}

impl<I: IntoIterator> HostSteps for Iterate<I> {
    type Iterator = I::IntoIter;
    #[track_caller]
    fn steps(&mut self) -> For<OnHost<I::IntoIter>> {
        For::new(OnHost(self.0.take().expect("made with something").into_iter()))
    }
}

/// The bounds of a range in a `for`.
#[derive(Debug)]
pub struct Bounds<L, R> {
    start: Option<L>,
    end: Option<R>,
}

impl<L, R> Bounds<L, R> {
    /// From `start` to `end`.
    pub fn new(start: L, end: R) -> Bounds<L, R> {
        Bounds { start: Some(start), end: Some(end) }
    }
}

/// A range whose bounds are tensors, or one of them.
pub trait TensorBounds {
    /// The range without its end.
    fn range(self) -> TensorRange;
    /// The range with its end.
    fn range_inclusive(self) -> TensorRange;
}

/// A pair of bounds of which one is a tensor.
trait TensorPair {
    fn pair(self) -> (Tensor, Tensor);
}

macro_rules! tensor_pairs {
    ($($l:ty, $r:ty;)*) => {$(
        impl TensorPair for Bounds<$l, $r> {
            #[track_caller]
            fn pair(self) -> (Tensor, Tensor) {
                let (start, end) = (self.start.expect("made with both"), self.end.expect("made with both"));
                let like = start.as_tensor().or(end.as_tensor()).expect("one is a tensor").dtype();
                (tensor_of(&start, like), tensor_of(&end, like))
            }
        }
        impl TensorBounds for Bounds<$l, $r> {
            #[track_caller]
            fn range(self) -> TensorRange {
                let (start, end) = self.pair();
                range_between(start, end)
            }
            #[track_caller]
            fn range_inclusive(self) -> TensorRange {
                let (start, end) = self.pair();
                range_between(start, end).inclusive()
            }
        }
    )*};
}

tensor_pairs! {
    Tensor, Tensor; Tensor, &Tensor; &Tensor, Tensor; &Tensor, &Tensor;
    i32, Tensor; i64, Tensor; usize, Tensor; i32, &Tensor; i64, &Tensor; usize, &Tensor;
    Tensor, i32; Tensor, i64; Tensor, usize; &Tensor, i32; &Tensor, i64; &Tensor, usize;
}

#[track_caller]
fn tensor_of(operand: &impl Operand, dtype: graph_core::DType) -> Tensor {
    match (operand.as_tensor(), operand.as_scalar()) {
        (Some(tensor), _) => tensor.clone(),
        (None, Some(scalar)) => {
            let array = scalar.to_array(dtype).expect("an integer fits where a range counts");
            Tensor::from_array(array)
        }
        (None, None) => unreachable!("an operand is a tensor or a scalar"),
    }
}

/// A range of host values.
pub trait HostRange<T> {
    /// The range without its end.
    fn range(&mut self) -> std::ops::Range<T>;
    /// The range with its end.
    fn range_inclusive(&mut self) -> std::ops::RangeInclusive<T>;
}

impl<T> HostRange<T> for Bounds<T, T> {
    fn range(&mut self) -> std::ops::Range<T> {
        self.start.take().expect("made with both")..self.end.take().expect("made with both")
    }
    fn range_inclusive(&mut self) -> std::ops::RangeInclusive<T> {
        self.start.take().expect("made with both")..=self.end.take().expect("made with both")
    }
}

/// The driver of a `for`.
pub struct For<S> {
    steps: S,
    origin: Origin,
    is_unrolled: bool,
    staged: Option<Staged>,
}

struct Staged {
    carried: Carried,
    sequences: Vec<Tensor>,
    trips: Trips,
    body: Option<OpenRegion>,
    number: Option<Tensor>,
}

impl<S> std::fmt::Debug for For<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("For").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl<S: Steps> For<S> {
    #[track_caller]
    fn new(steps: S) -> For<S> {
        For { steps, origin: Origin::caller(), is_unrolled: false, staged: None }
    }

    /// Lets Rust take the steps, so that each iteration is traced by itself.
    #[must_use]
    pub fn unrolled(mut self) -> For<S> {
        self.is_unrolled = true;
        self
    }

    /// The item of the next iteration; of the only one that is traced.
    pub fn next(&mut self, state: &mut [Entry<'_>]) -> Option<S::Item> {
        if self.staged.is_none() {
            let parts = if self.is_unrolled || !is_tracing() {
                None
            } else {
                self.origin.scope(|| self.steps.parts())
            };
            let Some((sequences, trips)) = parts else {
                let is_over = exits(state).iter().any(Flag::is_set);
                return if is_over { None } else { self.steps.next_on_host() };
            };
            refuse_opaque("for", state, self.origin);
            let trips = self.origin.scope(|| as_far_as_needed(trips, state));
            let carried = Carried::new("for", state, self.origin);
            self.staged = Some(Staged { carried, sequences, trips, body: None, number: None });
        }
        let staged = self.staged.as_mut().expect("set above");
        if let Some(body) = staged.body.take()
            && staged.end(body, state, self.origin)
        {
            return None;
        }
        let (number, rows) = staged.begin(state, self.origin);
        Some(self.origin.scope(|| self.steps.item(&number, &rows)))
    }
}

/// The number of iterations of a loop that may end early: even if it is known, it is a bound only, which a loop along
/// rows would go to. (What is pushed to a vector needs as many iterations as are known.)
fn as_far_as_needed(trips: Trips, state: &mut [Entry<'_>]) -> Trips {
    let may_end_early =
        !exits(state).is_empty() && !state.iter_mut().any(|entry| entry.variable.vector().is_some());
    match trips {
        Trips::Known(trips) if may_end_early => Trips::Computed(Tensor::scalar(trips as i64)),
        trips => trips,
    }
}

/// Pushes what each iteration pushed, in order: rows of what the loop collected.
fn push_rows(
    state: &mut [Entry<'_>],
    pushed: &[Vec<Tensor>],
    trips: usize,
    collected: &mut dyn Iterator<Item = Tensor>,
    origin: Origin,
) {
    for (entry, pushed) in state.iter_mut().zip(pushed) {
        let all: Vec<Tensor> = collected.take(pushed.len()).collect();
        let Some(vector) = entry.variable.vector() else { continue };
        for trip in 0..trips {
            vector.extend(all.iter().map(|rows| origin.scope(|| rows.index_axis(0, trip as isize))));
        }
    }
}

impl Staged {
    /// Opens the body: gives the iteration's number and the rows.
    fn begin(&mut self, state: &mut [Entry<'_>], origin: Origin) -> (Tensor, Vec<Tensor>) {
        let mut facts = vec![Fact::scalar(graph_core::DType::I64)];
        facts.extend(self.carried.facts());
        let is_known = matches!(self.trips, Trips::Known(_));
        if is_known {
            facts.extend(self.sequences.iter().map(|x| Fact::new(x.dtype(), &x.shape()[1..])));
        }
        let (body, mut inputs) = OpenRegion::open("body", &facts, origin);
        let number = inputs.remove(0);
        let rows = inputs.split_off(self.carried.facts().len());
        self.carried.enter(state, inputs);
        self.body = Some(body);
        self.number = Some(number.clone());
        let rows = match is_known {
            true => rows,
            false => origin.scope(|| self.sequences.iter().map(|x| x.index(&number)).collect()),
        };
        (number, rows)
    }

    /// Ends the body: whether the loop is complete.
    fn end(&mut self, mut body: OpenRegion, state: &mut [Entry<'_>], origin: Origin) -> bool {
        body.leave();
        let pushed = match self.trips {
            Trips::Known(_) => self.carried.take_pushed(state),
            Trips::Computed(_) => Vec::new(),
        };
        let Some(iteration) = self.carried.end(state) else { return false };
        let changed = self.carried.changed(&iteration);
        let mut results = match &self.trips {
            Trips::Known(trips) => {
                let mut outputs = iteration.outputs(&body, &changed, origin);
                let rows = pushed.iter().flatten();
                outputs.extend(rows.map(|row| or_raise(body.value_of(row, origin))));
                self.walk(*trips, &body.close(outputs), &changed, origin)
            }
            Trips::Computed(trips) => {
                let trips = trips.clone();
                let number = self.number.take().expect("set where the body began");
                let next = body.enter_again(|| origin.scope(|| &number + 1));
                let mut outputs = vec![or_raise(body.value_of(&next, origin))];
                outputs.extend(iteration.outputs(&body, &changed, origin));
                self.count(&trips, &body.close(outputs), &changed, state, origin)
            }
        }
        .into_iter();
        self.carried.leave(state, &changed, &mut results);
        if let Trips::Known(trips) = self.trips {
            push_rows(state, &pushed, trips, &mut results, origin);
        }
        true
    }

    /// A loop along rows: what the tensors that change are after it.
    fn walk(&self, trips: usize, body: &graph_ops::Region, changed: &[bool], origin: Origin) -> Vec<Tensor> {
        let captures = union(&[body]);
        let (kept, invariant) = partition(changed, 1);
        let rows = 1 + changed.len()..1 + changed.len() + self.sequences.len();
        let order: Vec<usize> = std::iter::once(0)
            .chain(kept.iter().copied())
            .chain(rows)
            .chain(invariant.iter().copied())
            .collect();
        let kind = NodeKind::For {
            body: Arc::new(body.closed_in_order(&order, &captures)),
            trips: Some(trips),
            reverse: false,
            carried: kept.len(),
            scanned: self.sequences.len(),
        };
        let initial: Vec<&Tensor> = self.carried.initial().collect();
        let captured: Vec<Tensor> = captures.iter().map(outer).collect();
        let operands: Vec<&Tensor> = (kept.iter().map(|&i| initial[i - 1]))
            .chain(&self.sequences)
            .chain(invariant.iter().map(|&i| initial[i - 1]))
            .chain(&captured)
            .collect();
        origin.scope(|| apply_many(kind, &operands)).into_vec()
    }

    /// A loop as long as a tensor says: what the tensors that change are after it.
    fn count(
        &mut self,
        trips: &Tensor,
        body: &graph_ops::Region,
        changed: &[bool],
        state: &mut [Entry<'_>],
        origin: Origin,
    ) -> Vec<Tensor> {
        let mut facts = vec![Fact::scalar(graph_core::DType::I64)];
        facts.extend(self.carried.facts());
        let (condition, mut inputs) = OpenRegion::open("condition", &facts, origin);
        let number = inputs.remove(0);
        self.carried.enter(state, inputs);
        let decision = origin.scope(|| {
            let goes_on = number.lt(trips);
            match is_clear(state) {
                Flag::Tensor(clear) => goes_on & clear,
                Flag::Host(_) => goes_on,
            }
        });
        let decision = or_raise(condition.value_of(&decision, origin));
        let condition = condition.close(vec![decision]);
        let mut all_changed = vec![true];
        all_changed.extend(changed);
        let captures = union(&[&condition, body]);
        let (kept, invariant) = partition(&all_changed, 0);
        let order: Vec<usize> = kept.iter().chain(&invariant).copied().collect();
        let kind = NodeKind::While {
            condition: Arc::new(condition.closed_in_order(&order, &captures)),
            body: Arc::new(body.closed_in_order(&order, &captures)),
            carried: kept.len(),
        };
        let zero = Tensor::scalar(0i64).with_origin(origin);
        let initial: Vec<&Tensor> = std::iter::once(&zero).chain(self.carried.initial()).collect();
        let captured: Vec<Tensor> = captures.iter().map(outer).collect();
        let operands: Vec<&Tensor> = order.iter().map(|&i| initial[i]).chain(&captured).collect();
        origin.scope(|| apply_many(kind, &operands)).into_iter().skip(1).collect()
    }
}
