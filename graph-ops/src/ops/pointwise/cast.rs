//! `cast`: conversion between dtypes, as Rust's `as` converts.

use graph_core::{
    Attributes, Class, DType, Error, Fact, Facts, Kernel, Op, OpError, Primitive, RowLoop, ScalarFn,
    ScalarKernel, Value, Vjp, operands, with_element,
};
use smallvec::{SmallVec, smallvec};

use crate::kernels::loops::{unary_bits, unary_loop};
use crate::kernels::made_for::MadeFor;
use crate::kernels::pointwise::{ElementFunction, PointwiseKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply};

/// Conversion to another dtype.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cast {
    /// The dtype of the result.
    pub to: DType,
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("to", self.to)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x] = operands(inputs)?;
        Ok(smallvec![Fact { dtype: self.to, shape: x.shape.clone() }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let g = cx.cotangent(0).map(|g| g.cast(cx.input(0).dtype()));
        Cotangents::from_iter([g]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (from, to) = (inputs[0].dtype, self.to);
        let scalar =
            ScalarKernel { function: on_bits(from, to), check: None, primitive: Some(Primitive::Cast) };
        let function = ElementFunction::new(row_loop(from, to)).with_scalar(Some(scalar));
        Ok(Box::new(PointwiseKernel::new(function, MadeFor::new(self, inputs)?)))
    }

    fn class(&self) -> Class {
        Class::Pointwise
    }
}

impl Tensor {
    /// The elements converted to another dtype, as Rust's `as` converts: floats to integers round towards zero and
    /// saturate, NaN becomes 0, `true` becomes 1; to bool, everything but 0 is true.
    ///
    /// # Gradient
    /// The cotangent, cast back; none through integers.
    #[must_use]
    #[track_caller]
    pub fn cast(&self, to: DType) -> Tensor {
        if self.dtype() == to {
            return self.clone();
        }
        apply(Cast { to }, &[self])
    }
}

/// Conversion of one element.
trait Convert<U>: Copy {
    fn convert(self) -> U;
}

macro_rules! numeric {
    ($from:ty => $($to:ty),*) => {
        $(impl Convert<$to> for $from {
            #[inline(always)]
            fn convert(self) -> $to {
                self as $to
            }
        })*
        impl Convert<bool> for $from {
            #[inline(always)]
            fn convert(self) -> bool {
                self != (0 as $from)
            }
        }
    };
}

numeric!(f32 => f32, f64, i32, i64, u8);
numeric!(f64 => f32, f64, i32, i64, u8);
numeric!(i32 => f32, f64, i32, i64, u8);
numeric!(i64 => f32, f64, i32, i64, u8);
numeric!(u8 => f32, f64, i32, i64, u8);

macro_rules! from_bool {
    ($($to:ty),*) => {$(
        impl Convert<$to> for bool {
            #[inline(always)]
            fn convert(self) -> $to {
                u8::from(self) as $to
            }
        }
    )*};
}

from_bool!(f32, f64, i32, i64, u8);

impl Convert<bool> for bool {
    #[inline(always)]
    fn convert(self) -> bool {
        self
    }
}

#[allow(clippy::redundant_closure, reason = "the macro takes a closure, whose argument it types")]
fn on_bits(from: DType, to: DType) -> ScalarFn {
    with_element!(from, T => with_element!(to, U => unary_bits!(plain T, |x| Convert::<U>::convert(x))))
}

#[allow(clippy::redundant_closure, reason = "the loop takes a closure, whose argument it types")]
fn row_loop(from: DType, to: DType) -> RowLoop {
    with_element!(from, T => with_element!(to, U => unary_loop!(wide T, |x| Convert::<U>::convert(x))))
}
