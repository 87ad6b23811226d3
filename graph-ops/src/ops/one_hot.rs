//! `one_hot`: indices as rows of zeros with a one.

use graph_core::{Attributes, DType, Fact, Facts, Kernel, Op, OpError, operands};
use smallvec::smallvec;

use crate::kernels::indices::OneHotKernel;
use crate::tensor::{Tensor, apply};

/// For each index a row of `depth` zeros, with a one at the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OneHot {
    /// Length of a row.
    pub depth: usize,
    /// DType of the result.
    pub dtype: DType,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().with("depth", self.depth).with("dtype", self.dtype)
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [indices] = operands(inputs)?;
        if !indices.dtype.is_int() {
            return Err(OpError::UnsupportedDType { dtype: indices.dtype, accepts: "integer indices" });
        }
        let shape = indices.shape.iter().copied().chain([self.depth]).collect();
        Ok(smallvec![Fact { dtype: self.dtype, shape }])
    }

    fn kernel(&self, inputs: &[&Fact], outputs: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(OneHotKernel::new(self.depth, outputs[0].dtype, inputs[0].dtype)))
    }
}

impl Tensor {
    /// For each index a row of `depth` zeros (`false`) with a one (`true`) at the index.
    ///
    /// # Shape
    /// `[..] -> [.., depth]`
    ///
    /// # Panics
    /// When the tensor holds no integers, or one is negative or not below `depth`.
    ///
    /// # Source
    /// `tf.one_hot`, which gives zeros for an index that is out of range.
    ///
    /// ```
    /// use graph_core::DType;
    /// use graph_ops::Tensor;
    /// assert_eq!(Tensor::from([2, 0]).one_hot(3, DType::F32).to_vec::<f32>(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn one_hot(&self, depth: usize, dtype: DType) -> Tensor {
        apply(OneHot { depth, dtype }, &[self])
    }
}
