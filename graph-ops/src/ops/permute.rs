//! `permute`: the axes in another order; transposition is the case of two.

use graph_core::{Attributes, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::axes::resolve_axis;
use crate::kernels::strided::{GatherWalk, Walk};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// Axis `i` of the result is axis `axes[i]` of the operand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permute {
    /// Every axis of the operand, once.
    pub axes: Vec<usize>,
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("axes", &*self.axes)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        let rank = x.shape.rank();
        if self.axes.len() != rank {
            let found = self.axes.len();
            return Err(OpError::invalid(format!("{found} axes are given for rank {rank}")));
        }
        for (i, &axis) in self.axes.iter().enumerate() {
            if axis >= rank {
                return Err(OpError::AxisOutOfRange { axis: axis as isize, rank });
            }
            if self.axes[..i].contains(&axis) {
                return Err(OpError::RepeatedAxis { axis });
            }
        }
        let shape = self.axes.iter().map(|&axis| x.shape[axis]).collect();
        Ok(smallvec![Fact { dtype: x.dtype, shape }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let g = cx.cotangent(0).map(|g| apply(Permute { axes: inverse(&self.axes) }, &[&g]));
        Cotangents::from_iter([g]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (shape, strides) = (&inputs[0].shape, inputs[0].shape.strides());
        let axes = self.axes.iter().map(|&axis| (shape[axis], strides[axis] as isize));
        Ok(Box::new(GatherWalk(Walk::new(0, axes))))
    }
}

/// The order that undoes `axes`.
fn inverse(axes: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; axes.len()];
    for (i, &axis) in axes.iter().enumerate() {
        inverse[axis] = i;
    }
    inverse
}

/// The order of axes.
impl Tensor {
    /// The axes in another order: axis `i` of the result is axis `axes[i]`. Negative axes count from the end.
    ///
    /// # Gradient
    /// The cotangent in the opposite order.
    ///
    /// # Panics
    /// When `axes` does not name every axis once.
    ///
    /// # Source
    /// `numpy.transpose` with axes.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let x = Tensor::from([[[1, 2], [3, 4], [5, 6]]]);
    /// assert_eq!(x.permute([2, 0, 1]).shape()[..], [2, 1, 3]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn permute(&self, axes: impl AsRef<[isize]>) -> Tensor {
        let resolved = axes.as_ref().iter().map(|&axis| resolve_axis(axis, self.rank())).collect();
        let axes: Vec<usize> = unwrap_or_raise("permute", resolved, &[self]);
        apply(Permute { axes }, &[self])
    }

    /// The last two axes swapped.
    ///
    /// # Shape
    /// `[.., m, n] -> [.., n, m]`
    ///
    /// # Gradient
    /// The cotangent, with its last two axes swapped.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([[1, 2], [3, 4]]).t().to_vec::<i32>(), [1, 3, 2, 4]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn t(&self) -> Tensor {
        self.swap_axes(-2, -1)
    }

    /// Two axes swapped.
    ///
    /// # Gradient
    /// The cotangent, with the same axes swapped.
    ///
    /// # Panics
    /// When an axis is out of range.
    ///
    /// # Source
    /// `numpy.swapaxes`.
    #[must_use]
    #[track_caller]
    pub fn swap_axes(&self, a: isize, b: isize) -> Tensor {
        let a = unwrap_or_raise("permute", resolve_axis(a, self.rank()), &[self]);
        let b = unwrap_or_raise("permute", resolve_axis(b, self.rank()), &[self]);
        let mut axes: Vec<usize> = (0..self.rank()).collect();
        axes.swap(a, b);
        apply(Permute { axes }, &[self])
    }
}
