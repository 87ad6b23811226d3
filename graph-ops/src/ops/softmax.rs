//! `softmax`, `log_softmax` and `logsumexp`: computed from logits shifted by the largest, so that none overflows.

use graph_core::{Attributes, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::axes::{Axes, resolve_axis};
use super::reduce::reduced_shape;
use crate::kernels::made_for::MadeFor;
use crate::kernels::softmax::{LaneFunction, SoftmaxKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// `exp(x) / Σ exp(x)` along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Softmax {
    /// The axis that sums to one.
    pub axis: usize,
}

/// `x - ln Σ exp(x)` along an axis: the logarithm of [`Softmax`], exact where that underflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogSoftmax {
    /// The axis whose exponentials sum to one.
    pub axis: usize,
}

/// `ln Σ exp(x)` along an axis, which is kept with length 1 or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogSumExp {
    /// The axis that is reduced.
    pub axis: usize,
    /// Whether it stays, with length 1.
    pub keep_dims: bool,
}

/// The operand, checked to be floats with this axis.
fn float_with_axis<'a>(inputs: &[&'a Fact], axis: usize) -> Result<&'a Fact, OpError> {
    let [x] = operands(inputs)?;
    if !x.dtype.is_float() {
        return Err(OpError::UnsupportedDType { dtype: x.dtype, accepts: "f32 and f64" });
    }
    if axis >= x.shape.rank() {
        return Err(OpError::AxisOutOfRange { axis: axis as isize, rank: x.shape.rank() });
    }
    Ok(x)
}

fn kernel(
    op: &dyn Op,
    function: LaneFunction,
    inputs: &[&Fact],
    axis: usize,
) -> Result<Box<dyn Kernel>, OpError> {
    Ok(Box::new(SoftmaxKernel::new(function, axis, MadeFor::new(op, inputs)?)))
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("axis", self.axis)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(smallvec![float_with_axis(inputs, self.axis)?.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let y = cx.output(0);
        let weighted = &g * &y;
        let flowing = &weighted - &y * weighted.sum_keep(self.axis as isize);
        Cotangents::from_iter([Some(flowing)]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        kernel(self, LaneFunction::Softmax, inputs, self.axis)
    }
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("axis", self.axis)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(smallvec![float_with_axis(inputs, self.axis)?.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let flowing = &g - cx.output(0).exp() * g.sum_keep(self.axis as isize);
        Cotangents::from_iter([Some(flowing)]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        kernel(self, LaneFunction::LogSoftmax, inputs, self.axis)
    }
}

impl Op for LogSumExp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("axis", self.axis).with("keep_dims", self.keep_dims)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let x = float_with_axis(inputs, self.axis)?;
        Ok(smallvec![Fact { dtype: x.dtype, shape: reduced_shape(&x.shape, &[self.axis], self.keep_dims) }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let x = cx.input(0);
        let kept = reduced_shape(x.shape(), &[self.axis], true);
        let flowing = g.reshape(&kept) * (&x - cx.output(0).reshape(&kept)).exp();
        Cotangents::from_iter([Some(flowing)]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        kernel(self, LaneFunction::LogSumExp, inputs, self.axis)
    }
}

/// Normalized exponentials.
impl Tensor {
    /// `exp(x) / Σ exp(x)` along an axis; no logit is too large.
    ///
    /// # Gradient
    /// `y ∘ (g - Σ g ∘ y)`
    ///
    /// # Panics
    /// When the axis is out of range or the dtype no float.
    ///
    /// # Source
    /// `scipy.special.softmax`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let logits = Tensor::from([[1e4f32, 1e4], [-1e4, 1e4]]);
    /// assert_eq!(logits.softmax(-1).to_vec::<f32>(), [0.5, 0.5, 0.0, 1.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Tensor {
        let axis = unwrap_or_raise("softmax", resolve_axis(axis, self.rank()), &[self]);
        apply(Softmax { axis }, &[self])
    }

    /// `x - ln Σ exp(x)` along an axis: the logarithm of [`Tensor::softmax`], exact where that underflows.
    ///
    /// # Gradient
    /// `g - exp(y) ∘ Σ g`
    ///
    /// # Panics
    /// When the axis is out of range or the dtype no float.
    ///
    /// # Source
    /// `scipy.special.log_softmax`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1e4f32, 0.0]).log_softmax(0).to_vec::<f32>(), [0.0, -1e4]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Tensor {
        let axis = unwrap_or_raise("log_softmax", resolve_axis(axis, self.rank()), &[self]);
        apply(LogSoftmax { axis }, &[self])
    }

    /// `ln Σ exp(x)` along axes; -∞ of nothing.
    ///
    /// # Gradient
    /// `g ∘ exp(x - y)`: the softmax, scaled.
    ///
    /// # Panics
    /// When an axis is out of range or given twice, or the dtype no float.
    ///
    /// # Source
    /// `scipy.special.logsumexp`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([1e4f32, 1e4]).logsumexp(0).item::<f32>(), 1e4 + 2f32.ln());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn logsumexp(&self, axes: impl Into<Axes>) -> Tensor {
        logsumexp(self, axes.into(), false)
    }

    /// The same with the reduced axes kept, with length 1.
    #[must_use]
    #[track_caller]
    pub fn logsumexp_keep(&self, axes: impl Into<Axes>) -> Tensor {
        logsumexp(self, axes.into(), true)
    }
}

/// Over several axes one after the other, from the last: the logarithm of a sum of exponentials of such logarithms is
/// that of all of them.
#[track_caller]
fn logsumexp(x: &Tensor, axes: Axes, keep_dims: bool) -> Tensor {
    let axes = unwrap_or_raise("logsumexp", axes.resolve(x.rank()), &[x]);
    let mut result = x.clone();
    for &axis in axes.iter().rev() {
        result = apply(LogSumExp { axis, keep_dims }, &[&result]);
    }
    result
}
