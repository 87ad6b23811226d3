//! Random numbers as functions of a key: the same key gives the same numbers, on any number of threads, in every mode.
//! The key is an operand, so a step counter can be one without retracing.

use graph_core::{Attributes, DType, Fact, Facts, Kernel, Op, OpError, Shape, operands};
use smallvec::smallvec;

use crate::kernels::random::RandomKernel;
pub use crate::kernels::random::{Distribution, philox};
use crate::tensor::{Operand, Tensor, apply, tensor_like};

/// Random numbers of a shape, from a key: an integer scalar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Random {
    /// What they follow.
    pub distribution: Distribution,
    /// Shape of the result.
    pub shape: Shape,
    /// DType of the result: f32 or f64.
    pub dtype: DType,
}

impl Op for Random {
    fn name(&self) -> &'static str {
        match self.distribution {
            Distribution::Uniform => "random_uniform",
            Distribution::Normal => "random_normal",
        }
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("shape", &*self.shape).with("dtype", self.dtype)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [key] = operands(inputs)?;
        if !key.dtype.is_int() {
            return Err(OpError::UnsupportedDType { dtype: key.dtype, accepts: "an integer key" });
        }
        if key.shape.rank() != 0 {
            return Err(OpError::invalid("the key must be a scalar"));
        }
        if !self.dtype.is_float() {
            return Err(OpError::UnsupportedDType { dtype: self.dtype, accepts: "f32 and f64" });
        }
        Ok(smallvec![Fact { dtype: self.dtype, shape: self.shape.clone() }])
    }

    fn kernel(&self, _: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(RandomKernel { distribution: self.distribution }))
    }
}

/// Random numbers. The key is an integer scalar, as a number or a tensor of any integer dtype; different keys give
/// independent numbers.
impl Tensor {
    /// Numbers evenly in `[0, 1)`, f32 or f64.
    ///
    /// # Panics
    /// When the key is no integer scalar or the dtype no float.
    ///
    /// # Source
    /// `tf.random.stateless_uniform`; the generator is [`philox`].
    ///
    /// ```
    /// use graph_core::DType;
    /// use graph_ops::Tensor;
    /// let (a, b) = (Tensor::random_uniform([3], DType::F32, 1), Tensor::random_uniform([3], DType::F32, 1));
    /// assert_eq!(a.to_vec::<f32>(), b.to_vec::<f32>());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn random_uniform(shape: impl Into<Shape>, dtype: DType, key: impl Operand) -> Tensor {
        random(Distribution::Uniform, shape.into(), dtype, &key)
    }

    /// Numbers that are normally distributed with mean 0 and variance 1, f32 or f64.
    ///
    /// # Panics
    /// When the key is no integer scalar or the dtype no float.
    ///
    /// # Source
    /// `tf.random.stateless_normal`; Box and Muller's transformation of [`philox`].
    #[must_use]
    #[track_caller]
    pub fn random_normal(shape: impl Into<Shape>, dtype: DType, key: impl Operand) -> Tensor {
        random(Distribution::Normal, shape.into(), dtype, &key)
    }
}

#[track_caller]
fn random(distribution: Distribution, shape: Shape, dtype: DType, key: &impl Operand) -> Tensor {
    let op = Random { distribution, shape, dtype };
    let name = op.name();
    match key.as_tensor() {
        Some(key) => apply(op, &[key]),
        None => {
            let key = tensor_like(name, key, &Tensor::scalar(0i64));
            apply(op, &[&key])
        }
    }
}
