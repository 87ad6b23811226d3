//! Walking along tensors: their rows, and ranges with tensor bounds.
//!
//! Each is an [`Iterator`] where values exist, and a [`TensorIterator`] where a graph is made of the loop.

use graph_core::{DType, OpError, Origin};

use crate::tensor::{Operand, Tensor, or_raise, tensor_like, unwrap_or_raise};

/// How many items there are.
#[derive(Debug, Clone)]
pub enum Trips {
    /// Known from shapes.
    Known(usize),
    /// An `i64` scalar.
    Computed(Tensor),
}

/// What a loop of a graph can walk along.
pub trait TensorIterator {
    /// What each iteration is given.
    type Item;
    /// What the items are made of row by row: tensors of as many rows as there are items, at least.
    fn sequences(&self) -> Vec<Tensor>;
    /// The number of items.
    fn trips(&self) -> Trips;
    /// The item of an iteration, given its number (an `i64` scalar) and the row of each sequence.
    fn item(&self, number: &Tensor, rows: &[Tensor]) -> Self::Item;
}

/// The position of an iterator that runs on the host.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    /// Where the iterator was made.
    origin: Origin,
    next: usize,
    /// Read once.
    trips: Option<usize>,
}

impl Default for Cursor {
    #[track_caller]
    fn default() -> Cursor {
        Cursor { origin: Origin::caller(), next: 0, trips: None }
    }
}

impl Cursor {
    #[track_caller]
    fn advance<I: TensorIterator>(&mut self, iterator: impl Fn() -> I) -> Option<I::Item> {
        let origin = self.origin;
        let trips = match self.trips {
            Some(trips) => trips,
            None => match origin.scope(|| iterator().trips()) {
                Trips::Known(trips) => trips,
                Trips::Computed(trips) => or_raise(origin.scope(|| trips.try_item::<i64>())).max(0) as usize,
            },
        };
        self.trips = Some(trips);
        if self.next >= trips {
            return None;
        }
        let position = self.next;
        self.next += 1;
        origin.scope(|| {
            let iterator = iterator();
            let rows: Vec<Tensor> =
                iterator.sequences().iter().map(|x| x.index_axis(0, position as isize)).collect();
            Some(iterator.item(&Tensor::scalar(position as i64), &rows))
        })
    }
}

/// The rows of a tensor, along its first axis. Made by [`Tensor::rows`].
#[derive(Debug, Clone)]
pub struct Rows {
    tensor: Tensor,
    cursor: Cursor,
}

/// The numbers of a range whose bounds may be tensors. Made by [`range`] and its like.
#[derive(Debug, Clone)]
pub struct TensorRange {
    start: Tensor,
    stop: Tensor,
    step: Tensor,
    /// Whether the stop is the last number.
    is_inclusive: bool,
    /// The number of items, where all of these are host numbers.
    trips: Option<usize>,
    cursor: Cursor,
}

/// Two iterators in step. Made by `zip`.
#[derive(Debug, Clone)]
pub struct Zipped<A, B> {
    first: A,
    second: B,
    cursor: Cursor,
}

/// Items with their numbers. Made by `enumerate`.
#[derive(Debug, Clone)]
pub struct Enumerated<A> {
    inner: A,
    cursor: Cursor,
}

impl Tensor {
    /// The rows along the first axis, to iterate over: in a traced function a `for` over them is one loop of the graph.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let sums: Vec<i32> = Tensor::from([[1, 2], [3, 4]]).rows().map(|row| row.sum(..).item()).collect();
    /// assert_eq!(sums, [3, 7]);
    /// ```
    ///
    /// # Panics
    /// When the tensor is a scalar.
    #[track_caller]
    pub fn rows(&self) -> Rows {
        if self.rank() == 0 {
            let origin = Origin::caller();
            let message = format!("a scalar has no rows: {} made at {}", self.fact(), self.origin());
            crate::tensor::raise(graph_core::Error::Usage { message, origin });
        }
        Rows { tensor: self.clone(), cursor: Cursor::default() }
    }
}

impl TensorIterator for Rows {
    type Item = Tensor;
    fn sequences(&self) -> Vec<Tensor> {
        vec![self.tensor.clone()]
    }
    fn trips(&self) -> Trips {
        Trips::Known(self.tensor.shape()[0])
    }
    fn item(&self, _: &Tensor, rows: &[Tensor]) -> Tensor {
        rows[0].clone()
    }
}

/// The integers from 0 up to `stop`, which may be a tensor.
///
/// ```
/// use graph_ops::{Tensor, range};
/// let numbers: Vec<i64> = range(Tensor::scalar(3i64)).map(|i| i.item()).collect();
/// assert_eq!(numbers, [0, 1, 2]);
/// ```
#[track_caller]
pub fn range(stop: impl Operand) -> TensorRange {
    range_between(0i64, stop)
}

/// The integers from `start` up to `stop`, which may be tensors.
#[track_caller]
pub fn range_between(start: impl Operand, stop: impl Operand) -> TensorRange {
    range_step(start, stop, 1i64)
}

/// The integers from `start` towards `stop` in steps of `step`, which may be tensors. A step of zero is an error, found
/// when the number of items is computed.
///
/// ```
/// use graph_ops::{Tensor, range_step};
/// let numbers: Vec<i64> = range_step(17i64, 3i64, Tensor::scalar(-5i64)).map(|i| i.item()).collect();
/// assert_eq!(numbers, [17, 12, 7]);
/// ```
#[track_caller]
pub fn range_step(start: impl Operand, stop: impl Operand, step: impl Operand) -> TensorRange {
    let like = [start.as_tensor(), stop.as_tensor(), step.as_tensor()].into_iter().flatten().next().cloned();
    let is_host = like.is_none();
    let like = like.unwrap_or_else(|| Tensor::scalar(0i64));
    if !like.dtype().is_int() {
        let message = format!("range: counts in integers, not in {} made at {}", like.fact(), like.origin());
        crate::tensor::raise(graph_core::Error::Usage { message, origin: Origin::caller() });
    }
    let start = tensor_like("range", &start, &like).into_owned();
    let stop = tensor_like("range", &stop, &like).into_owned();
    let step = tensor_like("range", &step, &like).into_owned();
    let other = [&stop, &step].into_iter().find(|x| x.dtype() != start.dtype());
    let same =
        other.map_or(Ok(()), |other| Err(OpError::MixedDTypes { left: start.dtype(), right: other.dtype() }));
    unwrap_or_raise("range", same, &[&start, other.unwrap_or(&stop)]);
    let trips = if is_host { trips_between(start.item(), stop.item(), step.item()) } else { None };
    TensorRange { start, stop, step, is_inclusive: false, trips, cursor: Cursor::default() }
}

/// The number of items of a range of host numbers; `None` where it is an error.
fn trips_between(start: i64, stop: i64, step: i64) -> Option<usize> {
    let span = i128::from(stop) - i128::from(start);
    let step = i128::from(step);
    let trips = (span + step - step.signum()).checked_div(step)?;
    usize::try_from(trips.max(0)).ok()
}

impl TensorIterator for TensorRange {
    type Item = Tensor;
    fn sequences(&self) -> Vec<Tensor> {
        Vec::new()
    }
    fn trips(&self) -> Trips {
        if let Some(trips) = self.trips {
            return Trips::Known(trips);
        }
        Trips::Computed(self.computed_trips())
    }
    fn item(&self, number: &Tensor, _: &[Tensor]) -> Tensor {
        &self.start + number.cast(self.start.dtype()) * &self.step
    }
}

impl TensorRange {
    /// The same range, whose stop is a number of it, too, if steps lead there.
    ///
    /// ```
    /// use graph_ops::{Tensor, range_between};
    /// let numbers = range_between(Tensor::scalar(253u8), 255).inclusive();
    /// assert_eq!(numbers.map(|i| i.item()).collect::<Vec<u8>>(), [253, 254, 255]);
    /// ```
    #[must_use]
    pub fn inclusive(self) -> TensorRange {
        TensorRange { is_inclusive: true, trips: None, ..self }
    }

    /// The number of items, of bounds from anywhere in i64: no span between them is ever computed, since it may not be one.
    fn computed_trips(&self) -> Tensor {
        let [start, stop, step] = [&self.start, &self.stop, &self.step].map(|x| x.cast(DType::I64));
        // A range that goes down is, with all bits of its bounds inverted, one that goes up.
        let is_down = step.lt(0);
        let up = |bound: Tensor| is_down.select(-1 - &bound, &bound);
        let (start, stop) = (up(start), up(stop));
        // (The smallest of all has no opposite.)
        let step = is_down.select(-step.maximum(-i64::MAX), &step);
        // How often the step goes into a number, rounded down, and what is left.
        let parts = |x: &Tensor| {
            let times = x / &step - (x % &step).lt(0).cast(DType::I64);
            let left = x - &times * &step;
            (times, left)
        };
        let (last, has_any) = match self.is_inclusive {
            true => (stop.clone(), start.le(&stop)),
            false => (&stop - 1, start.lt(&stop)),
        };
        let ((first_times, first_left), (last_times, last_left)) = (parts(&start), parts(&last));
        let trips = last_times - first_times + last_left.ge(first_left).cast(DType::I64);
        // More than there are numbers for are as many as there are.
        let trips = trips.lt(1).select(i64::MAX, &trips);
        has_any.select(trips, 0)
    }
}

impl<A: TensorIterator, B: TensorIterator> TensorIterator for Zipped<A, B> {
    type Item = (A::Item, B::Item);
    fn sequences(&self) -> Vec<Tensor> {
        let mut all = self.first.sequences();
        all.extend(self.second.sequences());
        match self.trips() {
            Trips::Known(trips) => all.iter().map(|x| x.slice_axis(0, ..trips as isize)).collect(),
            Trips::Computed(_) => all,
        }
    }
    fn trips(&self) -> Trips {
        match (self.first.trips(), self.second.trips()) {
            (Trips::Known(a), Trips::Known(b)) => Trips::Known(a.min(b)),
            (Trips::Known(a), Trips::Computed(b)) | (Trips::Computed(b), Trips::Known(a)) => {
                Trips::Computed(b.minimum(a))
            }
            (Trips::Computed(a), Trips::Computed(b)) => Trips::Computed(a.minimum(b)),
        }
    }
    fn item(&self, number: &Tensor, rows: &[Tensor]) -> Self::Item {
        let (first, second) = rows.split_at(self.first.sequences().len());
        (self.first.item(number, first), self.second.item(number, second))
    }
}

impl<A: TensorIterator> TensorIterator for Enumerated<A> {
    type Item = (Tensor, A::Item);
    fn sequences(&self) -> Vec<Tensor> {
        self.inner.sequences()
    }
    fn trips(&self) -> Trips {
        self.inner.trips()
    }
    fn item(&self, number: &Tensor, rows: &[Tensor]) -> Self::Item {
        (number.clone(), self.inner.item(number, rows))
    }
}

/// What all of them can do.
macro_rules! iterators {
    ($([$($generic:ident),*] $ty:ty;)*) => {$(
        impl<$($generic: TensorIterator + Clone),*> Iterator for $ty {
            type Item = <$ty as TensorIterator>::Item;
            #[track_caller]
            fn next(&mut self) -> Option<Self::Item> {
                let mut cursor = self.cursor;
                let item = cursor.advance(|| self.clone());
                self.cursor = cursor;
                item
            }
        }

        impl<$($generic: TensorIterator + Clone),*> $ty {
            /// Pairs of an item of this and one of `other`, as long as both have some.
            #[track_caller]
            pub fn zip<Other: TensorIterator>(self, other: Other) -> Zipped<$ty, Other> {
                Zipped { first: self, second: other, cursor: Cursor::default() }
            }

            /// Pairs of a number, counted from 0, and an item.
            #[track_caller]
            pub fn enumerate(self) -> Enumerated<$ty> {
                Enumerated { inner: self, cursor: Cursor::default() }
            }
        }
    )*};
}

iterators! {
    [] Rows;
    [] TensorRange;
    [A, B] Zipped<A, B>;
    [A] Enumerated<A>;
}

impl IntoIterator for &Tensor {
    type Item = Tensor;
    type IntoIter = Rows;
    #[track_caller]
    fn into_iter(self) -> Rows {
        self.rows()
    }
}

impl IntoIterator for Tensor {
    type Item = Tensor;
    type IntoIter = Rows;
    #[track_caller]
    fn into_iter(self) -> Rows {
        self.rows()
    }
}
