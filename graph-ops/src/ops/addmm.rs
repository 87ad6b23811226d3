//! `addmm`: a matrix product that is added, scaled, to a matrix: what updates the weights of a dense layer.

use graph_core::{Attributes, Class, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::matmul::Matmul;
use crate::kernels::gemm::sums_at_once;
use crate::kernels::matmul::{AddmmKernel, MatmulKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply};

/// `c + alpha · a · b`, or `c - alpha · a · b`: of matrices of floats, and a scalar. Computed in place over `c`, so that
/// no product is ever written to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Addmm {
    /// The product: which of its operands are taken transposed.
    pub product: Matmul,
    /// Whether it is subtracted.
    pub subtract: bool,
}

impl Addmm {
    /// Whether a product of so many terms may be computed this way with the bits of a product, a scaling and a sum.
    pub(crate) fn keeps_bits(terms: usize) -> bool {
        sums_at_once(terms)
    }
}

impl Op for Addmm {
    fn name(&self) -> &'static str {
        "addmm"
    }

    fn attributes(&self) -> Attributes {
        let attributes = self.product.attributes();
        if self.subtract { attributes.with("subtract", true) } else { attributes }
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [c, a, b, alpha] = operands(inputs)?;
        let product = self.product.infer(&[a, b])?;
        if !c.dtype.is_float() {
            return Err(OpError::UnsupportedDType { dtype: c.dtype, accepts: "f32 and f64" });
        }
        if a.shape.rank() != 2 || b.shape.rank() != 2 || product[0] != *c {
            return Err(OpError::invalid(format!("a product of matrices {} is added to {c}", product[0])));
        }
        if *alpha != Fact::scalar(c.dtype) {
            return Err(OpError::invalid(format!("the factor is a scalar {}, not {alpha}", c.dtype)));
        }
        Ok(smallvec![c.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let (a, b, alpha) = (cx.input(1), cx.input(2), cx.input(3));
        let signed = |x: Tensor| if self.subtract { -x } else { x };
        let scaled = signed(&g * &alpha);
        let Matmul { transpose_left, transpose_right } = self.product;
        let (to_left, to_right) = (self.product.flow_left(&scaled, &b), self.product.flow_right(&scaled, &a));
        debug_assert_eq!((to_left.shape(), to_right.shape()), (a.shape(), b.shape()));
        let product = apply(Matmul { transpose_left, transpose_right }, &[&a, &b]);
        let to_alpha = cx.needed[3].then(|| signed((&g * product).sum(..)));
        Cotangents::from_iter([Some(g), Some(to_left), Some(to_right), to_alpha]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (left, right) = (&inputs[1].shape, &inputs[2].shape);
        let Matmul { transpose_left, transpose_right } = self.product;
        let dtype = inputs[0].dtype;
        let product = MatmulKernel::new(left, right, transpose_left, transpose_right, &[], dtype);
        Ok(Box::new(AddmmKernel { product, subtract: self.subtract }))
    }

    fn class(&self) -> Class {
        Class::Update { operand: 0 }
    }
}

impl Tensor {
    /// `self + alpha · a · b`: a matrix product, scaled and added.
    ///
    /// # Shape
    /// `[m, n]`, `[m, k] · [k, n]`, `[] -> [m, n]`
    ///
    /// # Gradient
    /// `g` to `self`, `alpha · g · bᵀ` to `a`, `alpha · aᵀ · g` to `b`, `Σ g ∘ (a · b)` to `alpha`.
    ///
    /// # Panics
    /// When the shapes do not fit, or the dtypes are not one float dtype.
    ///
    /// # Source
    /// `torch.addmm`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let (c, one) = (Tensor::from([[1.0f32, 1.0]]), Tensor::from([[1.0f32]]));
    /// let row = Tensor::from([[2.0f32, 3.0]]);
    /// let y = c.addmm(&one, &row, &Tensor::scalar(10.0f32));
    /// assert_eq!(y.to_vec::<f32>(), [21.0, 31.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn addmm(&self, a: &Tensor, b: &Tensor, alpha: &Tensor) -> Tensor {
        apply(Addmm::default(), &[self, a, b, alpha])
    }
}
