//! `broadcast_to`: the elements repeated to fill a larger shape, and `sum_to`, its opposite.

use graph_core::{
    Attributes, Class, Error, Fact, Facts, Kernel, Op, OpError, Shape, Value, Vjp, operands, with_element,
};
use smallvec::{SmallVec, smallvec};

use crate::kernels::loops::unary_loop;
use crate::kernels::made_for::MadeFor;
use crate::kernels::pointwise::{ElementFunction, PointwiseKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply};

/// Repetition along missing axes and axes of length 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BroadcastTo {
    /// The shape of the result.
    pub shape: Shape,
}

impl Op for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("shape", &*self.shape)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        if !x.shape.broadcasts_to(&self.shape) {
            return Err(OpError::Broadcast { left: x.shape.clone(), right: self.shape.clone() });
        }
        Ok(smallvec![Fact { dtype: x.dtype, shape: self.shape.clone() }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let g = cx.cotangent(0).map(|g| g.sum_to(cx.input(0).shape()));
        Cotangents::from_iter([g]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let row_loop = with_element!(inputs[0].dtype, T => unary_loop!(plain T, |x| x));
        Ok(Box::new(PointwiseKernel::new(ElementFunction::new(row_loop), MadeFor::new(self, inputs)?)))
    }

    fn class(&self) -> Class {
        Class::Pointwise
    }
}

impl Tensor {
    /// The elements repeated to fill `shape`, by NumPy's rule.
    ///
    /// # Gradient
    /// The sum over the repetitions.
    ///
    /// # Panics
    /// When the shape does not broadcast to the new one.
    #[must_use]
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        if *self.shape() == shape {
            return self.clone();
        }
        apply(BroadcastTo { shape }, &[self])
    }

    /// The sum over everything that broadcasting `shape` to this tensor's shape would repeat.
    ///
    /// # Panics
    /// When `shape` does not broadcast to the tensor's shape.
    #[must_use]
    #[track_caller]
    pub fn sum_to(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        if *self.shape() == shape {
            return self.clone();
        }
        let missing = self.rank().saturating_sub(shape.rank());
        let repeated =
            |&axis: &usize| axis < missing || (shape[axis - missing] == 1 && self.shape()[axis] != 1);
        let axes: Vec<isize> = (0..self.rank()).filter(repeated).map(|axis| axis as isize).collect();
        self.sum(axes).reshape(shape)
    }
}
