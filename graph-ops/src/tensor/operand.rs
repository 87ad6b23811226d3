//! Operands: tensors and Rust scalars, which adapt to the dtype of the tensor they meet.

use std::borrow::Cow;

use graph_core::{Array, DType, Given, OpError};

use super::{Tensor, unwrap_or_raise};

/// A Rust number or bool, before it has met a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    /// From any integer type.
    Int(i64),
    /// From any float type.
    Float(f64),
    /// From `bool`.
    Bool(bool),
}

impl Scalar {
    /// The dtype it takes where there is no tensor to adapt to: `i64`, `f32` or `bool`.
    pub fn default_dtype(self) -> DType {
        match self {
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::F32,
            Scalar::Bool(_) => DType::Bool,
        }
    }

    /// The value as a scalar array of this dtype.
    ///
    /// # Errors
    /// When the dtype cannot hold it: a float for an integer tensor, an integer out of range, a bool for numbers.
    pub fn to_array(self, dtype: DType) -> Result<Array, OpError> {
        let misfit = || {
            let hint = if dtype == DType::Bool { "compare it instead" } else { "cast the tensor first" };
            OpError::invalid(format!("the scalar {self} does not fit dtype {dtype}; {hint}"))
        };
        match (self, dtype) {
            (Scalar::Bool(v), DType::Bool) => Ok(Array::scalar(v)),
            (Scalar::Int(v), DType::F32) => Ok(Array::scalar(v as f32)),
            (Scalar::Int(v), DType::F64) => Ok(Array::scalar(v as f64)),
            (Scalar::Int(v), DType::I32) => i32::try_from(v).map(Array::scalar).map_err(|_| misfit()),
            (Scalar::Int(v), DType::I64) => Ok(Array::scalar(v)),
            (Scalar::Int(v), DType::U8) => u8::try_from(v).map(Array::scalar).map_err(|_| misfit()),
            (Scalar::Float(v), DType::F32) => Ok(Array::scalar(v as f32)),
            (Scalar::Float(v), DType::F64) => Ok(Array::scalar(v)),
            _ => Err(misfit()),
        }
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scalar::Int(v) => write!(f, "{v}"),
            Scalar::Float(v) => write!(f, "{v:?}"),
            Scalar::Bool(v) => write!(f, "{v}"),
        }
    }
}

/// What an operator takes: a tensor by value or reference, or a Rust scalar.
pub trait Operand {
    /// The scalar, if it is one.
    fn as_scalar(&self) -> Option<Scalar> {
        None
    }

    /// The tensor, if it is one.
    fn as_tensor(&self) -> Option<&Tensor> {
        None
    }

    /// The tensor, if it is one, to an operation after which the operand is no more: one that was passed by value is
    /// donated.
    fn as_given(&mut self) -> Option<Given<'_, Tensor>> {
        self.as_tensor().map(Given::Kept)
    }
}

impl Operand for Tensor {
    fn as_tensor(&self) -> Option<&Tensor> {
        Some(self)
    }

    fn as_given(&mut self) -> Option<Given<'_, Tensor>> {
        Some(Given::Donated(self))
    }
}

impl Operand for &mut Tensor {
    fn as_tensor(&self) -> Option<&Tensor> {
        Some(self)
    }
}

impl<O: Operand + ?Sized> Operand for &O {
    fn as_scalar(&self) -> Option<Scalar> {
        (**self).as_scalar()
    }

    fn as_tensor(&self) -> Option<&Tensor> {
        (**self).as_tensor()
    }
}

impl Operand for Scalar {
    fn as_scalar(&self) -> Option<Scalar> {
        Some(*self)
    }
}

macro_rules! scalar_operands {
    ($($ty:ty => $variant:ident),* $(,)?) => {$(
        impl Operand for $ty {
            fn as_scalar(&self) -> Option<Scalar> {
                Some(Scalar::$variant((*self).into()))
            }
        }

        impl From<$ty> for Scalar {
            fn from(value: $ty) -> Scalar {
                Scalar::$variant(value.into())
            }
        }
    )*};
}

scalar_operands!(f32 => Float, f64 => Float, i32 => Int, i64 => Int, u8 => Int, bool => Bool);

impl Operand for usize {
    fn as_scalar(&self) -> Option<Scalar> {
        Some(Scalar::Int(*self as i64))
    }
}

/// An operand as a tensor: itself, or a scalar in the dtype of the tensor that it meets.
#[track_caller]
pub(crate) fn tensor_like<'a>(op: &str, operand: &'a impl Operand, like: &Tensor) -> Cow<'a, Tensor> {
    match operand.as_tensor() {
        Some(tensor) => Cow::Borrowed(tensor),
        None => Cow::Owned(scalar_like(op, operand, like)),
    }
}

/// An operand that is no tensor, in the dtype of the tensor that it meets.
#[track_caller]
pub(crate) fn scalar_like(op: &str, operand: &impl Operand, like: &Tensor) -> Tensor {
    let scalar = operand.as_scalar().expect("an operand is a tensor or a scalar");
    Tensor::from_array(unwrap_or_raise(op, scalar.to_array(like.dtype()), &[like]))
}
