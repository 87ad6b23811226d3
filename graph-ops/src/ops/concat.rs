//! `concat`: tensors one after the other along an axis; `stack` does so along a new one.

use graph_core::{
    Attributes, Element, Error, Fact, Facts, Kernel, Op, OpError, Origin, Source, Value, ViewMut, Vjp,
    with_element,
};
use smallvec::{SmallVec, smallvec};

use super::axes::resolve_axis;
use crate::kernels::lanes::Lanes;
use crate::kernels::parallel::for_each_block;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// One or more operands, one after the other along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis along which they are joined.
    pub axis: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("axis", self.axis)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let Some((first, others)) = inputs.split_first() else {
            return Err(OpError::Arity { expected: 1, found: 0 });
        };
        if self.axis >= first.shape.rank() {
            return Err(OpError::AxisOutOfRange { axis: self.axis as isize, rank: first.shape.rank() });
        }
        let mut lengths = first.shape.to_vec();
        for other in others {
            if other.dtype != first.dtype {
                return Err(OpError::MixedDTypes { left: first.dtype, right: other.dtype });
            }
            let agree = |(axis, (a, b)): (usize, (&usize, &usize))| axis == self.axis || a == b;
            let is_same_but_for_axis = other.shape.rank() == first.shape.rank()
                && other.shape.iter().zip(first.shape.iter()).enumerate().all(agree);
            if !is_same_but_for_axis {
                return Err(OpError::invalid(format!("the shapes may differ in axis {} only", self.axis)));
            }
            // Checked for size, with the other lengths, once the fact is known.
            lengths[self.axis] = lengths[self.axis].saturating_add(other.shape[self.axis]);
        }
        Ok(smallvec![Fact::new(first.dtype, lengths)])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let mut start = 0;
        let piece = |i: usize| {
            let from = start;
            start += cx.input(i).shape()[self.axis] as isize;
            cx.needed[i].then(|| g.slice_axis(self.axis as isize, from..start))
        };
        (0..cx.inputs.len()).map(piece).collect::<Cotangents>().emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let blocks = inputs.iter().map(|x| Lanes::new(&x.shape, self.axis).block()).collect();
        Ok(Box::new(ConcatKernel { blocks }))
    }
}

/// Interleaves blocks of the operands.
#[derive(Debug)]
struct ConcatKernel {
    /// Elements of each operand within one outer index.
    blocks: SmallVec<[usize; 4]>,
}

impl Kernel for ConcatKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        let out = &mut outs[0];
        with_element!(out.dtype(), T => self.join::<T>(out.as_mut_slice(), ins));
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl ConcatKernel {
    fn join<T: Element>(&self, out: &mut [T], ins: &[Source<'_>]) {
        let operands: SmallVec<[&[T]; 4]> = ins.iter().map(|source| source.view().as_slice()).collect();
        let work = out.len();
        for_each_block(out, self.blocks.iter().sum(), work, |outer, mut out| {
            for (x, &block) in operands.iter().zip(&self.blocks) {
                let (piece, rest) = out.split_at_mut(block);
                piece.copy_from_slice(&x[outer * block..][..block]);
                out = rest;
            }
        });
    }
}

/// Joins.
impl Tensor {
    /// The tensors one after the other along an axis.
    ///
    /// # Shape
    /// The lengths along the axis add up; all others agree.
    ///
    /// # Gradient
    /// To each its piece of the cotangent.
    ///
    /// # Panics
    /// When there are none, the axis is out of range, or dtypes or other lengths differ.
    ///
    /// # Source
    /// `numpy.concatenate`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let (a, b) = (Tensor::from([1, 2]), Tensor::from([3]));
    /// assert_eq!(Tensor::concat(&[a, b], 0).to_vec::<i32>(), [1, 2, 3]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn concat(tensors: &[Tensor], axis: isize) -> Tensor {
        let operands: Vec<&Tensor> = tensors.iter().collect();
        let rank = tensors.first().map_or(0, Tensor::rank);
        let resolved = if tensors.is_empty() {
            Err(OpError::Arity { expected: 1, found: 0 })
        } else {
            resolve_axis(axis, rank)
        };
        let axis = unwrap_or_raise("concat", resolved, &operands);
        apply(Concat { axis }, &operands)
    }

    /// The tensors one after the other along a new axis; a negative one counts from the end of the result's.
    ///
    /// # Shape
    /// `k` times `[a.., b..] -> [a.., k, b..]`
    ///
    /// # Gradient
    /// To each its piece of the cotangent.
    ///
    /// # Panics
    /// When there are none, the axis is out of range, or dtypes or shapes differ.
    ///
    /// # Source
    /// `numpy.stack`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let x = Tensor::stack(&[Tensor::from([1, 2]), Tensor::from([3, 4])], 1);
    /// assert_eq!(x.to_vec::<i32>(), [1, 3, 2, 4]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn stack(tensors: &[Tensor], axis: isize) -> Tensor {
        let operands: Vec<&Tensor> = tensors.iter().collect();
        let resolved = match tensors {
            [] => Err(OpError::Arity { expected: 1, found: 0 }),
            [first, others @ ..] if others.iter().any(|other| other.shape() != first.shape()) => {
                Err(OpError::invalid("the shapes differ"))
            }
            [first, ..] => resolve_axis(axis, first.rank() + 1),
        };
        let axis = unwrap_or_raise("stack", resolved, &operands) as isize;
        let origin = Origin::caller();
        let rows: Vec<Tensor> = tensors.iter().map(|x| origin.scope(|| x.unsqueeze(axis))).collect();
        Tensor::concat(&rows, axis)
    }
}
