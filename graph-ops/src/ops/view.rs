//! Views: ops whose result is the operand's bytes under another shape, so that nothing is computed.

use graph_core::{Attributes, Class, Error, Fact, Facts, Kernel, Op, OpError, Shape, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::axes::{Axes, resolve_axis};
use crate::kernels::copy;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// The same elements, in the same row-major order, under another shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The shape of the result.
    pub shape: Shape,
}

/// The operand itself. Gives a value a second name: a variable of differentiation, a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity;

/// The operand itself, which no pass takes for the operand: what is computed from it is computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Again;

/// The operand itself, through which no gradient flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StopGradient;

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("shape", &*self.shape)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        if self.shape.checked_num_elements() != Some(x.shape.num_elements()) {
            let (from, to) = (&x.shape, &self.shape);
            return Err(OpError::invalid(format!("{from} and {to} differ in the number of elements")));
        }
        Ok(smallvec![Fact { dtype: x.dtype, shape: self.shape.clone() }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let g = cx.cotangent(0).map(|g| g.reshape(cx.input(0).shape()));
        Cotangents::from_iter([g]).emit(cx)
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(copy())
    }

    fn class(&self) -> Class {
        Class::View
    }
}

impl Op for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        Ok(smallvec![x.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        Ok(smallvec![cx.cotangents[0]])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(copy())
    }

    fn class(&self) -> Class {
        Class::View
    }
}

impl Op for Again {
    fn name(&self) -> &'static str {
        "again"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        Ok(smallvec![x.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        Ok(smallvec![cx.cotangents[0]])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(copy())
    }

    fn class(&self) -> Class {
        Class::View
    }
}

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        Ok(smallvec![x.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        Ok(cx.nothing())
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(copy())
    }

    fn class(&self) -> Class {
        Class::View
    }
}

/// Views.
impl Tensor {
    /// The same elements, in row-major order, under another shape.
    ///
    /// # Shape
    /// Any of as many elements.
    ///
    /// # Panics
    /// When the number of elements differs.
    #[must_use]
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        if *self.shape() == shape {
            return self.clone();
        }
        apply(Reshape { shape }, &[self])
    }

    /// All elements in one axis.
    #[must_use]
    #[track_caller]
    pub fn flatten(&self) -> Tensor {
        self.reshape([self.num_elements()])
    }

    /// With an axis of length 1 at this position of the result; negative ones count from its end.
    ///
    /// # Panics
    /// When the position is out of range.
    ///
    /// # Source
    /// `torch.unsqueeze`, `numpy.expand_dims`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1, 2]).unsqueeze(-1).shape()[..], [2, 1]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Tensor {
        let axis = unwrap_or_raise("unsqueeze", resolve_axis(axis, self.rank() + 1), &[self]);
        let (before, after) = self.shape().split_at(axis);
        self.reshape(before.iter().chain(&[1]).chain(after).copied().collect::<Shape>())
    }

    /// Without these axes, which have length 1.
    ///
    /// # Panics
    /// When an axis is out of range, given twice, or longer than 1.
    ///
    /// # Source
    /// `numpy.squeeze` with axes.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([[[1], [2]]]).squeeze([0, 2]).shape()[..], [2]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn squeeze(&self, axes: impl Into<Axes>) -> Tensor {
        let axes = axes.into().resolve(self.rank()).and_then(|axes| {
            match axes.iter().find(|&&axis| self.shape()[axis] != 1) {
                Some(&axis) => {
                    Err(OpError::invalid(format!("axis {axis} has length {}, not 1", self.shape()[axis])))
                }
                None => Ok(axes),
            }
        });
        let axes = unwrap_or_raise("squeeze", axes, &[self]);
        let kept = (0..self.rank()).filter(|axis| !axes.contains(axis));
        self.reshape(kept.map(|axis| self.shape()[axis]).collect::<Shape>())
    }

    /// The same value under another name.
    #[must_use]
    #[track_caller]
    pub fn identity(&self) -> Tensor {
        apply(Identity, &[self])
    }

    /// The same, as something that no pass takes for it.
    #[track_caller]
    pub(crate) fn again(&self) -> Tensor {
        apply(Again, &[self])
    }

    /// The same value, as a constant to differentiation.
    ///
    /// # Gradient
    /// Zero.
    #[must_use]
    #[track_caller]
    pub fn stop_gradient(&self) -> Tensor {
        apply(StopGradient, &[self])
    }
}
