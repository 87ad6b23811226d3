//! Tensors from nothing: constants of a shape, sequences, the identity matrix. All are ops, so that a graph holds their
//! shape and not their elements.

use graph_core::{
    Attributes, DType, Element, Fact, Facts, Infallible, Kernel, Op, OpError, Shape, Source, ViewMut,
    operands,
};
use smallvec::smallvec;

use crate::tensor::{Scalar, Tensor, apply};

/// The numbers 0, 1, 2, … No operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Iota {
    /// How many.
    pub len: usize,
    /// DType of the result.
    pub dtype: DType,
}

impl Op for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("len", self.len).with("dtype", self.dtype)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [] = operands(inputs)?;
        if self.dtype == DType::Bool {
            return Err(OpError::UnsupportedDType { dtype: self.dtype, accepts: "floats and integers" });
        }
        Ok(smallvec![Fact::new(self.dtype, [self.len])])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(Infallible(count)))
    }
}

fn count(outs: &mut [ViewMut<'_>], _: &[Source<'_>]) {
    fn fill<T: Element>(out: &mut ViewMut<'_>, convert: impl Fn(usize) -> T) {
        out.as_mut_slice::<T>().iter_mut().enumerate().for_each(|(i, out)| *out = convert(i));
    }
    let out = &mut outs[0];
    match out.dtype() {
        DType::F32 => fill(out, |i| i as f32),
        DType::F64 => fill(out, |i| i as f64),
        DType::I32 => fill(out, |i| i as i32),
        DType::I64 => fill(out, |i| i as i64),
        DType::U8 => fill(out, |i| i as u8),
        DType::Bool => unreachable!("infer refuses bool"),
    }
}

/// Tensors from nothing.
impl Tensor {
    /// One value in every place.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::full([2], 0.5f32).to_vec::<f32>(), [0.5, 0.5]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn full<T: Element>(shape: impl Into<Shape>, value: T) -> Tensor {
        Tensor::scalar(value).broadcast_to(shape)
    }

    /// Zeros (`false`).
    #[must_use]
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        zero_or_one(dtype, 0).broadcast_to(shape)
    }

    /// Ones (`true`).
    #[must_use]
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        zero_or_one(dtype, 1).broadcast_to(shape)
    }

    /// One value in every place, with this tensor's dtype and shape.
    ///
    /// # Panics
    /// When the dtype cannot hold the value.
    #[must_use]
    #[track_caller]
    pub fn full_like(&self, value: impl Into<Scalar>) -> Tensor {
        Tensor::scalar_of(self.dtype(), value).broadcast_to(self.shape())
    }

    /// Zeros (`false`) of this tensor's dtype and shape.
    #[must_use]
    #[track_caller]
    pub fn zeros_like(&self) -> Tensor {
        Tensor::zeros(self.shape(), self.dtype())
    }

    /// Ones (`true`) of this tensor's dtype and shape.
    #[must_use]
    #[track_caller]
    pub fn ones_like(&self) -> Tensor {
        Tensor::ones(self.shape(), self.dtype())
    }

    /// The numbers `0, 1, .. len - 1`. Multiply and add for another start or step.
    ///
    /// # Panics
    /// When the dtype is bool.
    ///
    /// # Source
    /// `numpy.arange`, `jax.lax.iota`.
    ///
    /// ```
    /// use graph_core::DType;
    /// use graph_ops::Tensor;
    /// assert_eq!((Tensor::arange(3, DType::I32) * 2 + 1).to_vec::<i32>(), [1, 3, 5]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn arange(len: usize, dtype: DType) -> Tensor {
        apply(Iota { len, dtype }, &[])
    }

    /// `num` numbers at even distances from `start` to `end`, both included, in f32 or f64.
    ///
    /// # Panics
    /// When the dtype is no float.
    ///
    /// # Source
    /// `numpy.linspace`.
    ///
    /// ```
    /// use graph_core::DType;
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 5, DType::F32).to_vec::<f32>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn linspace(start: f64, end: f64, num: usize, dtype: DType) -> Tensor {
        let last = num.saturating_sub(1);
        let index = Tensor::arange(num, DType::F64);
        let inside = &index * ((end - start) / last.max(1) as f64) + start;
        // The end is hit exactly, whatever the products round to.
        let exact = if num > 1 { index.eq(last as f64).select(end, inside) } else { inside };
        exact.cast(dtype)
    }

    /// The identity matrix of `n` rows.
    ///
    /// # Source
    /// `numpy.eye`.
    ///
    /// ```
    /// use graph_core::DType;
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::eye(2, DType::F32).to_vec::<f32>(), [1.0, 0.0, 0.0, 1.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn eye(n: usize, dtype: DType) -> Tensor {
        let index = Tensor::arange(n, DType::I64);
        index.unsqueeze(-1).eq(&index).cast(dtype)
    }
}

#[track_caller]
fn zero_or_one(dtype: DType, value: i64) -> Tensor {
    match dtype {
        DType::Bool => Tensor::scalar(value != 0),
        _ => Tensor::scalar_of(dtype, value),
    }
}
