//! Slices: every `step`-th element of a range along each axis, forwards or backwards; and `slice_update`, which writes
//! to the same positions. Flipping, padding, splitting and picking one row are slices and updates.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

use graph_core::{Attributes, Class, Error, Fact, Facts, Kernel, Op, OpError, Shape, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::axes::{Axes, resolve_axis};
use crate::kernels::strided::{GatherWalk, ScatterWalk, Walk};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Operand, Tensor, apply, tensor_like, unwrap_or_raise};

/// Positions along every axis: `lengths[a]` of them from `starts[a]`, `steps[a]` apart. A negative step goes back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Positions {
    /// The first position.
    pub starts: Vec<usize>,
    /// How many.
    pub lengths: Vec<usize>,
    /// The distance from one to the next; not zero.
    pub steps: Vec<i64>,
}

/// The elements at some positions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice(pub Positions);

/// The first operand with the elements at some positions replaced by the second.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SliceUpdate(pub Positions);

impl Positions {
    /// Every position of a shape.
    fn all(shape: &Shape) -> Positions {
        Positions { starts: vec![0; shape.rank()], lengths: shape.to_vec(), steps: vec![1; shape.rank()] }
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::default().with("starts", &*self.starts).with("lengths", &*self.lengths);
        if self.steps.iter().all(|&step| step == 1) {
            return attributes;
        }
        attributes.with("steps", &*self.steps)
    }

    /// The opposite of the op's attributes; steps are 1 where there are none.
    pub(crate) fn from_attributes(attributes: &Attributes) -> Result<Positions, OpError> {
        let (starts, lengths) = (attributes.sizes("starts")?, attributes.sizes("lengths")?);
        let steps = match attributes.get("steps") {
            Some(_) => attributes.ints("steps")?.to_vec(),
            None => vec![1; starts.len()],
        };
        Ok(Positions { starts, lengths, steps })
    }

    /// Whether all positions lie within a shape.
    fn check(&self, shape: &Shape) -> Result<(), OpError> {
        let rank = shape.rank();
        if [self.starts.len(), self.lengths.len(), self.steps.len()] != [rank; 3] {
            return Err(OpError::invalid(format!("positions must be given for each of {rank} axes")));
        }
        for (axis, &len) in shape.iter().enumerate() {
            let (start, count, step) = (self.starts[axis], self.lengths[axis], self.steps[axis]);
            if step == 0 {
                return Err(OpError::invalid(format!("the step along axis {axis} is zero")));
            }
            if count == 0 {
                continue;
            }
            let last = start as i128 + (count as i128 - 1) * i128::from(step);
            if start >= len || !(0..len as i128).contains(&last) {
                return Err(OpError::invalid(format!(
                    "positions {start} to {last} do not lie within axis {axis} of length {len}"
                )));
            }
        }
        Ok(())
    }

    fn walk(&self, shape: &Shape) -> Walk {
        let strides = shape.strides();
        let is_empty = self.lengths.contains(&0);
        let offset = if is_empty { 0 } else { self.starts.iter().zip(&strides).map(|(s, d)| s * d).sum() };
        let axes = self.lengths.iter().zip(&self.steps).zip(&strides);
        // From a single position no step is taken, and it may be one too large for strides.
        let advance =
            |len: usize, step: i64, stride: usize| if len > 1 { step as isize * stride as isize } else { 0 };
        Walk::new(offset, axes.map(|((&len, &step), &stride)| (len, advance(len, step, stride))))
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        self.0.check(&x.shape)?;
        Ok(smallvec![Fact::new(x.dtype, &*self.0.lengths)])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let flowing = apply(SliceUpdate(self.0.clone()), &[&cx.input(0).zeros_like(), &g]);
        Cotangents::from_iter([Some(flowing)]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(GatherWalk(self.0.walk(&inputs[0].shape))))
    }
}

impl Op for SliceUpdate {
    fn name(&self) -> &'static str {
        "slice_update"
    }

    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [base, updates] = operands(inputs)?;
        if base.dtype != updates.dtype {
            return Err(OpError::MixedDTypes { left: base.dtype, right: updates.dtype });
        }
        self.0.check(&base.shape)?;
        if updates.shape[..] != self.0.lengths[..] {
            let expected = Shape::from(&*self.0.lengths);
            return Err(OpError::invalid(format!("what is written must have shape {expected}")));
        }
        Ok(smallvec![base.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let to_base = cx.needed[0].then(|| {
            let zeros = cx.input(1).zeros_like();
            apply(SliceUpdate(self.0.clone()), &[&g, &zeros])
        });
        let to_updates = cx.needed[1].then(|| apply(Slice(self.0.clone()), &[&g]));
        Cotangents::from_iter([to_base, to_updates]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(ScatterWalk(self.0.walk(&inputs[0].shape))))
    }

    fn class(&self) -> Class {
        Class::Update { operand: 0 }
    }
}

/// A range of positions along one axis, as Python writes it: `2..5`, `..-1`, `..`, each maybe with a step. Negative
/// positions count from the end; a range that reaches beyond an end stops there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: Option<isize>,
    end: Option<isize>,
    step: isize,
}

impl Span {
    /// Every `step`-th position only. A negative step goes back from the end: `Span::from(..).step(-1)` reverses.
    #[must_use]
    pub fn step(self, step: isize) -> Span {
        Span { step, ..self }
    }

    /// Start, length and step for an axis, as Python's `slice.indices`.
    fn resolve(self, len: usize) -> Result<(usize, usize, i64), OpError> {
        if self.step == 0 {
            return Err(OpError::invalid("the step is zero"));
        }
        let n = len as isize;
        let (lowest, highest) = if self.step > 0 { (0, n) } else { (-1, n - 1) };
        let bound = |position: isize| {
            let from_front = if position < 0 { position.saturating_add(n) } else { position };
            from_front.clamp(lowest, highest.max(lowest))
        };
        let (first, last) = if self.step > 0 { (lowest, highest) } else { (highest, lowest) };
        let (start, end) = (self.start.map_or(first, bound), self.end.map_or(last, bound));
        let distance = if self.step > 0 { end - start } else { start - end };
        let count = (distance.max(0) as usize).div_ceil(self.step.unsigned_abs());
        let start = if count == 0 { 0 } else { start as usize };
        Ok((start, count, self.step as i64))
    }
}

impl From<RangeFull> for Span {
    fn from(_: RangeFull) -> Span {
        Span { start: None, end: None, step: 1 }
    }
}

impl From<Range<isize>> for Span {
    fn from(range: Range<isize>) -> Span {
        Span { start: Some(range.start), end: Some(range.end), step: 1 }
    }
}

impl From<RangeInclusive<isize>> for Span {
    fn from(range: RangeInclusive<isize>) -> Span {
        // The end after -1, the last position, is the end of the axis.
        let end = if *range.end() == -1 { None } else { Some(range.end().saturating_add(1)) };
        Span { start: Some(*range.start()), end, step: 1 }
    }
}

impl From<RangeFrom<isize>> for Span {
    fn from(range: RangeFrom<isize>) -> Span {
        Span { start: Some(range.start), end: None, step: 1 }
    }
}

impl From<RangeTo<isize>> for Span {
    fn from(range: RangeTo<isize>) -> Span {
        Span { start: None, end: Some(range.end), step: 1 }
    }
}

/// The positions of spans along the leading axes, everything along the others.
#[track_caller]
fn positions(op: &str, x: &Tensor, spans: &[Span], operands: &[&Tensor]) -> Positions {
    let resolve = || {
        if spans.len() > x.rank() {
            return Err(OpError::invalid(format!("{} spans are given for rank {}", spans.len(), x.rank())));
        }
        let mut positions = Positions::all(x.shape());
        for (axis, span) in spans.iter().enumerate() {
            let (start, length, step) = span.resolve(x.shape()[axis])?;
            positions.starts[axis] = start;
            positions.lengths[axis] = length;
            positions.steps[axis] = step;
        }
        Ok(positions)
    };
    unwrap_or_raise(op, resolve(), operands)
}

/// The spans that choose one range along one axis and everything along those before it.
fn along(axis: usize, span: Span) -> Vec<Span> {
    let mut spans = vec![Span::from(..); axis + 1];
    spans[axis] = span;
    spans
}

/// Slices.
impl Tensor {
    /// The elements within a span along each of the leading axes; the others are kept whole.
    ///
    /// # Gradient
    /// Zeros, with the cotangent at the positions taken.
    ///
    /// # Panics
    /// When there are more spans than axes, or a step is zero.
    ///
    /// # Source
    /// NumPy's basic slicing.
    ///
    /// ```
    /// use graph_ops::{Span, Tensor};
    /// let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.slice([Span::from(..), Span::from(1..)]).to_vec::<i32>(), [2, 3, 5, 6]);
    /// assert_eq!(x.slice([Span::from(..).step(-1)]).to_vec::<i32>(), [4, 5, 6, 1, 2, 3]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn slice(&self, spans: impl AsRef<[Span]>) -> Tensor {
        let positions = positions("slice", self, spans.as_ref(), &[self]);
        if positions == Positions::all(self.shape()) {
            return self.clone();
        }
        apply(Slice(positions), &[self])
    }

    /// The elements within a span along one axis.
    ///
    /// # Gradient
    /// As [`Tensor::slice`].
    ///
    /// # Panics
    /// When the axis is out of range or the step zero.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1, 2, 3, 4]).slice_axis(0, 1..-1).to_vec::<i32>(), [2, 3]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn slice_axis(&self, axis: isize, span: impl Into<Span>) -> Tensor {
        let axis = unwrap_or_raise("slice", resolve_axis(axis, self.rank()), &[self]);
        self.slice(along(axis, span.into()))
    }

    /// What is at one position along an axis, which is dropped. Negative positions count from the end. For a position
    /// that is itself a tensor see [`Tensor::gather`].
    ///
    /// # Gradient
    /// As [`Tensor::slice`].
    ///
    /// # Panics
    /// When the axis or the position is out of range.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).index_axis(0, -1).to_vec::<i32>(), [3, 4]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn index_axis(&self, axis: isize, position: isize) -> Tensor {
        let axis = unwrap_or_raise("index_axis", resolve_axis(axis, self.rank()), &[self]);
        let len = self.shape()[axis];
        let resolved = resolve_axis(position, len).map_err(|_| {
            OpError::invalid(format!("position {position} is out of range for axis {axis} of length {len}"))
        });
        let position = unwrap_or_raise("index_axis", resolved, &[self]) as isize;
        self.slice(along(axis, (position..position + 1).into())).squeeze(axis as isize)
    }

    /// This tensor with the elements within spans replaced. The replacement broadcasts.
    ///
    /// # Gradient
    /// To the tensor the cotangent with zeros where it was replaced, to the replacement the cotangent there.
    ///
    /// # Panics
    /// As [`Tensor::slice`], and when the replacement does not broadcast to what it replaces.
    ///
    /// # Source
    /// NumPy's assignment to a basic slice; `jax.numpy.ndarray.at[..].set`.
    ///
    /// ```
    /// use graph_ops::{Span, Tensor};
    /// let x = Tensor::from([1, 2, 3, 4]).slice_update([Span::from(..).step(2)], 0);
    /// assert_eq!(x.to_vec::<i32>(), [0, 2, 0, 4]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn slice_update(&self, spans: impl AsRef<[Span]>, replacement: impl Operand) -> Tensor {
        let replacement = tensor_like("slice_update", &replacement, self);
        let positions = positions("slice_update", self, spans.as_ref(), &[self, &replacement]);
        let replacement = replacement.broadcast_to(&*positions.lengths);
        apply(SliceUpdate(positions), &[self, &replacement])
    }

    /// The elements in the opposite order along axes.
    ///
    /// # Gradient
    /// The cotangent, flipped.
    ///
    /// # Panics
    /// When an axis is out of range or given twice.
    ///
    /// # Source
    /// `numpy.flip`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1, 2, 3]).flip(0).to_vec::<i32>(), [3, 2, 1]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn flip(&self, axes: impl Into<Axes>) -> Tensor {
        let axes = unwrap_or_raise("flip", axes.into().resolve(self.rank()), &[self]);
        let step = |axis: usize| if axes.contains(&axis) { -1 } else { 1 };
        let spans: Vec<Span> = (0..self.rank()).map(|axis| Span::from(..).step(step(axis))).collect();
        self.slice(spans)
    }

    /// With a number of elements added before and after along each axis, all of one value.
    ///
    /// # Shape
    /// Axis `a` becomes `before[a] + n + after[a]` long.
    ///
    /// # Gradient
    /// The cotangent without the padding; to the value, if it is a tensor, the sum over the padding.
    ///
    /// # Panics
    /// When a pair is not given for each axis, or the value is neither a scalar nor of the tensor's dtype.
    ///
    /// # Source
    /// `numpy.pad` with a constant.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1, 2]).pad([(1, 2)], 0).to_vec::<i32>(), [0, 1, 2, 0, 0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn pad(&self, before_and_after: impl AsRef<[(usize, usize)]>, value: impl Operand) -> Tensor {
        let pairs = before_and_after.as_ref();
        let fits = if pairs.len() == self.rank() {
            Ok(())
        } else {
            let (found, rank) = (pairs.len(), self.rank());
            Err(OpError::invalid(format!("{found} pairs of lengths are given for rank {rank}")))
        };
        unwrap_or_raise("pad", fits, &[self]);
        let padded = |(n, (before, after)): (&usize, &(usize, usize))| {
            let length = before.checked_add(*n).and_then(|length| length.checked_add(*after));
            length.ok_or_else(|| {
                OpError::invalid(format!("{before} before {n} and {after} after it are too many"))
            })
        };
        let shape: Result<Shape, OpError> = self.shape().iter().zip(pairs).map(padded).collect();
        let shape = unwrap_or_raise("pad", shape, &[self]);
        let around = tensor_like("pad", &value, self).broadcast_to(&shape);
        let positions =
            Positions { starts: pairs.iter().map(|pair| pair.0).collect(), ..Positions::all(self.shape()) };
        apply(SliceUpdate(positions), &[&around, self])
    }

    /// Pieces of these lengths along an axis.
    ///
    /// # Gradient
    /// As [`Tensor::slice`], of each piece.
    ///
    /// # Panics
    /// When the axis is out of range or the lengths do not add up to its own.
    ///
    /// # Source
    /// `tf.split`, `torch.split`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let pieces = Tensor::from([1, 2, 3]).split(0, [1, 2]);
    /// assert_eq!(pieces[1].to_vec::<i32>(), [2, 3]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split(&self, axis: isize, lengths: impl AsRef<[usize]>) -> Vec<Tensor> {
        let lengths = lengths.as_ref();
        let axis = unwrap_or_raise("split", resolve_axis(axis, self.rank()), &[self]);
        let sum = lengths.iter().fold(0usize, |sum, &length| sum.saturating_add(length));
        let len = self.shape()[axis];
        let fits = if sum == len {
            Ok(())
        } else {
            Err(OpError::invalid(format!(
                "lengths that add up to {sum} are given for axis {axis} of length {len}"
            )))
        };
        unwrap_or_raise("split", fits, &[self]);
        let mut pieces = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for &length in lengths {
            pieces.push(self.slice(along(axis, (start as isize..(start + length) as isize).into())));
            start += length;
        }
        pieces
    }
}
