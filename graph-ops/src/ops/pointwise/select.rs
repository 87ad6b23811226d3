//! `select`: a choice between two tensors, element by element.

use graph_core::{
    Class, DType, Error, Fact, Facts, Kernel, Op, OpError, Primitive, ScalarFn, ScalarKernel, Value, Vjp,
    operands, with_element,
};
use smallvec::{SmallVec, smallvec};

use super::broadcast_shapes;
use crate::kernels::loops::select_loop;
use crate::kernels::made_for::MadeFor;
use crate::kernels::pointwise::{ElementFunction, PointwiseKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Operand, Tensor, apply};

/// Takes from the second operand where the first is true, else from the third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Select;

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [mask, a, b] = operands(inputs)?;
        if mask.dtype != DType::Bool {
            return Err(OpError::UnsupportedDType { dtype: mask.dtype, accepts: "a bool mask" });
        }
        if a.dtype != b.dtype {
            return Err(OpError::MixedDTypes { left: a.dtype, right: b.dtype });
        }
        Ok(smallvec![Fact { dtype: a.dtype, shape: broadcast_shapes(inputs)? }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let mask = cx.input(0);
        // What was not taken gets a zero, never a product with it: a NaN there must not come back.
        let on_true = cx.needed[1].then(|| mask.select(&g, 0).sum_to(cx.input(1).shape()));
        let on_false = cx.needed[2].then(|| mask.select(0, &g).sum_to(cx.input(2).shape()));
        Cotangents::from_iter([None, on_true, on_false]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let row_loop = with_element!(inputs[1].dtype, T => select_loop!(T));
        let function = ScalarFn::Ternary(on_bits);
        let scalar = ScalarKernel { function, check: None, primitive: Some(Primitive::Select) };
        let function = ElementFunction::new(row_loop).with_scalar(Some(scalar));
        Ok(Box::new(PointwiseKernel::new(function, MadeFor::new(self, inputs)?)))
    }

    fn class(&self) -> Class {
        Class::Pointwise
    }
}

extern "C" fn on_bits(mask: u64, a: u64, b: u64) -> u64 {
    if mask != 0 { a } else { b }
}

impl Tensor {
    /// Where `self` (bool) is true the element of `on_true`, else that of `on_false`; all three broadcast.
    ///
    /// # Gradient
    /// Flows to what was taken; the other gets zeros, even where it was NaN.
    ///
    /// # Source
    /// `numpy.where`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let x = Tensor::from([-1.0f32, 2.0]);
    /// assert_eq!(x.lt(0).select(0, &x).to_vec::<f32>(), [0.0, 2.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn select(&self, on_true: impl Operand, on_false: impl Operand) -> Tensor {
        let like = on_true.as_tensor().or(on_false.as_tensor());
        let default;
        let like = match like {
            Some(like) => like,
            None => {
                let scalar = on_true.as_scalar().expect("an operand is a tensor or a scalar");
                default = Tensor::scalar_of(scalar.default_dtype(), scalar);
                &default
            }
        };
        let on_true = crate::tensor::tensor_like("select", &on_true, like);
        let on_false = crate::tensor::tensor_like("select", &on_false, like);
        apply(Select, &[self, &on_true, &on_false])
    }

    /// Bounded to `[low, high]`: `maximum(low).minimum(high)`. NaN stays.
    ///
    /// # Gradient
    /// Flows where the element lies strictly within the bounds or on one of them.
    #[must_use]
    #[track_caller]
    pub fn clamp(&self, low: impl Operand, high: impl Operand) -> Tensor {
        self.maximum(low).minimum(high)
    }
}
