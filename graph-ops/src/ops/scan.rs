//! Along one axis: running sums, and where the largest and the smallest element are.

use graph_core::{Attributes, DType, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::axes::resolve_axis;
use super::reduce::reduced_shape;
use crate::kernels::lanes::Lanes;
use crate::kernels::scan::{ArgKernel, CumsumKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// Running sums along an axis, each including its own element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cumsum {
    /// The axis that is summed along.
    pub axis: usize,
    /// Whether from the end.
    pub reverse: bool,
}

/// The position of the largest or the smallest element along an axis, which is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArgExtremum {
    /// The axis that is searched.
    pub axis: usize,
    /// Whether the largest is sought; otherwise the smallest.
    pub largest: bool,
}

fn with_axis<'a>(inputs: &[&'a Fact], axis: usize) -> Result<&'a Fact, OpError> {
    let [x] = operands(inputs)?;
    if axis >= x.shape.rank() {
        return Err(OpError::AxisOutOfRange { axis: axis as isize, rank: x.shape.rank() });
    }
    Ok(x)
}

impl Op for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::default().with("axis", self.axis);
        if self.reverse { attributes.with("reverse", true) } else { attributes }
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let x = with_axis(inputs, self.axis)?;
        if x.dtype == DType::Bool {
            return Err(OpError::UnsupportedDType { dtype: x.dtype, accepts: "floats and integers" });
        }
        Ok(smallvec![x.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let opposite = Cumsum { axis: self.axis, reverse: !self.reverse };
        let g = cx.cotangent(0).map(|g| apply(opposite, &[&g]));
        Cotangents::from_iter([g]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let lanes = Lanes::new(&inputs[0].shape, self.axis);
        Ok(Box::new(CumsumKernel { lanes, reverse: self.reverse }))
    }
}

impl Op for ArgExtremum {
    fn name(&self) -> &'static str {
        if self.largest { "argmax" } else { "argmin" }
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("axis", self.axis)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let x = with_axis(inputs, self.axis)?;
        if x.shape[self.axis] == 0 {
            return Err(OpError::invalid("nothing to choose from: the axis is empty"));
        }
        Ok(smallvec![Fact { dtype: DType::I64, shape: reduced_shape(&x.shape, &[self.axis], false) }])
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(ArgKernel::new(inputs[0], self.axis, self.largest)))
    }
}

/// Along one axis.
impl Tensor {
    /// Running sums along an axis, each including its own element. Integers wrap around.
    ///
    /// # Gradient
    /// Running sums of the cotangent from the end.
    ///
    /// # Panics
    /// When the axis is out of range or the dtype bool.
    ///
    /// # Source
    /// `numpy.cumsum`, which widens small integers.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1, 2, 3]).cumsum(0).to_vec::<i32>(), [1, 3, 6]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Tensor {
        let axis = unwrap_or_raise("cumsum", resolve_axis(axis, self.rank()), &[self]);
        apply(Cumsum { axis, reverse: false }, &[self])
    }

    /// The position of the largest element along an axis, as i64: the first of equals. NaN counts as the largest.
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    ///
    /// # Source
    /// `numpy.argmax`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([[1.0f32, 3.0, 3.0]]).argmax(-1).to_vec::<i64>(), [1]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn argmax(&self, axis: isize) -> Tensor {
        let axis = unwrap_or_raise("argmax", resolve_axis(axis, self.rank()), &[self]);
        apply(ArgExtremum { axis, largest: true }, &[self])
    }

    /// The position of the smallest element along an axis, as i64: the first of equals. NaN counts as the smallest.
    ///
    /// # Panics
    /// When the axis is out of range or empty.
    ///
    /// # Source
    /// `numpy.argmin`.
    #[must_use]
    #[track_caller]
    pub fn argmin(&self, axis: isize) -> Tensor {
        let axis = unwrap_or_raise("argmin", resolve_axis(axis, self.rank()), &[self]);
        apply(ArgExtremum { axis, largest: false }, &[self])
    }
}
