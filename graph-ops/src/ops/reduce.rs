//! Reductions: many elements combined into one, along chosen axes.

use graph_core::{
    Attributes, Class, DType, Error, Fact, Facts, Kernel, Op, OpError, Shape, Value, Vjp, operands,
};
use smallvec::{SmallVec, smallvec};

use super::axes::Axes;
use crate::kernels::reduce::ReduceKernel;
pub use crate::kernels::reduce::Reduction;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// A reduction along axes, which are kept with length 1 or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// How elements are combined.
    pub reduction: Reduction,
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// Whether they stay, with length 1.
    pub keep_dims: bool,
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        self.reduction.name()
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::default().with("axes", &*self.axes);
        if self.keep_dims { attributes.with("keep_dims", true) } else { attributes }
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        if let Some(&axis) = self.axes.iter().find(|&&axis| axis >= x.shape.rank()) {
            return Err(OpError::AxisOutOfRange { axis: axis as isize, rank: x.shape.rank() });
        }
        let is_logical = matches!(self.reduction, Reduction::Any | Reduction::All);
        if is_logical != (x.dtype == DType::Bool) {
            let accepts = if is_logical { "bool" } else { "floats and integers" };
            return Err(OpError::UnsupportedDType { dtype: x.dtype, accepts });
        }
        let has_identity = !matches!(self.reduction, Reduction::Max | Reduction::Min);
        if !has_identity && self.axes.iter().any(|&axis| x.shape[axis] == 0) {
            return Err(OpError::invalid("nothing to choose from: a reduced axis is empty"));
        }
        Ok(smallvec![Fact { dtype: x.dtype, shape: reduced_shape(&x.shape, &self.axes, self.keep_dims) }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let x = cx.input(0);
        let kept = reduced_shape(x.shape(), &self.axes, true);
        let g = g.reshape(&kept);
        let y = || cx.output(0).reshape(&kept);
        let axes = || self.axes.iter().map(|&axis| axis as isize).collect::<Vec<isize>>();
        let flowing = match self.reduction {
            Reduction::Sum => g.broadcast_to(x.shape()),
            Reduction::Prod => g * products_of_others(&x, &y(), &axes()),
            Reduction::Max | Reduction::Min => {
                // Where several are the largest, they share the gradient evenly.
                let chosen = x.eq(y()).cast(x.dtype());
                let count = chosen.sum_keep(axes());
                g * chosen / count
            }
            Reduction::Any | Reduction::All => return Ok(cx.nothing()),
        };
        Cotangents::from_iter([Some(flowing)]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(ReduceKernel::new(self.reduction, inputs[0], &self.axes)))
    }

    fn class(&self) -> Class {
        Class::Reduction
    }
}

/// For each element the product of all the others, zeros among them or not.
fn products_of_others(x: &Tensor, product: &Tensor, axes: &[isize]) -> Tensor {
    let is_zero = x.eq(0);
    let zeros = is_zero.cast(x.dtype()).sum_keep(axes);
    let without_zeros = is_zero.select(1, x);
    let of_nonzero = Reduce { reduction: Reduction::Prod, axes: resolved(x, axes), keep_dims: true };
    let of_nonzero = apply(of_nonzero, &[&without_zeros]);
    let at_zero = zeros.eq(1).select(of_nonzero, 0);
    let elsewhere = zeros.eq(0).select(product / &without_zeros, 0);
    is_zero.select(at_zero, elsewhere)
}

fn resolved(x: &Tensor, axes: &[isize]) -> Vec<usize> {
    Axes::from(axes).resolve(x.rank()).expect("axes of the node being differentiated")
}

/// The shape after a reduction along `axes`.
pub(crate) fn reduced_shape(shape: &Shape, axes: &[usize], keep_dims: bool) -> Shape {
    shape
        .iter()
        .enumerate()
        .filter(|(axis, _)| keep_dims || !axes.contains(axis))
        .map(|(axis, &len)| if axes.contains(&axis) { 1 } else { len })
        .collect()
}

#[track_caller]
fn reduce(reduction: Reduction, x: &Tensor, axes: Axes, keep_dims: bool) -> Tensor {
    let axes = unwrap_or_raise(reduction.name(), axes.resolve(x.rank()), &[x]);
    if axes.is_empty() {
        return x.identity();
    }
    apply(Reduce { reduction, axes, keep_dims }, &[x])
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $method:ident $keep:ident $variant:ident;)*) => {
        /// Reductions. Axes are `0`, `-1`, `[0, 2]` or `..` for all; each has a twin that keeps reduced axes with
        /// length 1.
        impl Tensor {
            $(
                $(#[$doc])*
                #[must_use]
                #[track_caller]
                pub fn $method(&self, axes: impl Into<Axes>) -> Tensor {
                    reduce(Reduction::$variant, self, axes.into(), false)
                }

                /// The same with the reduced axes kept, with length 1.
                #[must_use]
                #[track_caller]
                pub fn $keep(&self, axes: impl Into<Axes>) -> Tensor {
                    reduce(Reduction::$variant, self, axes.into(), true)
                }
            )*
        }
    };
}

reductions! {
    /// Sum along axes. Long sums of f32 are accumulated in f64, in an order that does not depend on threads.
    sum sum_keep Sum;
    /// Product along axes.
    prod prod_keep Prod;
    /// The largest along axes; NaN if any is. Ties share the gradient evenly.
    max max_keep Max;
    /// The smallest along axes; NaN if any is. Ties share the gradient evenly.
    min min_keep Min;
    /// Whether any is true along axes.
    any any_keep Any;
    /// Whether all are true along axes.
    all all_keep All;
}
