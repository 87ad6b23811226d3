//! `matmul`: matrix products, with batches that broadcast.

use graph_core::{Attributes, DType, Error, Fact, Facts, Kernel, Op, OpError, Shape, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use crate::kernels::matmul::MatmulKernel;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply};

/// A product of matrices: the last two axes of each operand; axes before them are batches and broadcast. A flag takes
/// an operand as if its last two axes were swapped, which costs nothing.
///
/// An operand of one axis is a row on the left, a column on the right, and that axis is not in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Matmul {
    /// Whether the left matrix is taken transposed.
    pub transpose_left: bool,
    /// Whether the right matrix is taken transposed.
    pub transpose_right: bool,
}

/// The shapes of a product, with vectors made matrices.
struct Parts {
    left: Shape,
    right: Shape,
    batch: Shape,
    m: usize,
    n: usize,
}

impl Matmul {
    fn parts(self, left: &Shape, right: &Shape) -> Result<Parts, OpError> {
        for (shape, transposed) in [(left, self.transpose_left), (right, self.transpose_right)] {
            if shape.rank() == 0 {
                return Err(OpError::invalid("a scalar has no matrix; multiply with `*`"));
            }
            if shape.rank() == 1 && transposed {
                return Err(OpError::invalid("a transposed operand needs two axes"));
            }
        }
        let left = if left.rank() == 1 { Shape::from([1, left[0]]) } else { left.clone() };
        let right = if right.rank() == 1 { Shape::from([right[0], 1]) } else { right.clone() };
        let (left_batch, left_matrix) = left.split_at(left.rank() - 2);
        let (right_batch, right_matrix) = right.split_at(right.rank() - 2);
        let (m, k) =
            (left_matrix[usize::from(self.transpose_left)], left_matrix[usize::from(!self.transpose_left)]);
        let (inner, n) = (
            right_matrix[usize::from(self.transpose_right)],
            right_matrix[usize::from(!self.transpose_right)],
        );
        if k != inner {
            return Err(OpError::invalid(format!("inner dimensions differ, {k} and {inner}")));
        }
        let batch = Shape::from(left_batch)
            .broadcast(&Shape::from(right_batch))
            .ok_or_else(|| OpError::invalid("batch dimensions do not broadcast"))?;
        Ok(Parts { batch, m, n, left, right })
    }
}

impl Matmul {
    /// `dA = dC Bᵀ`; of a transposed operand the transposed equation.
    pub(crate) fn flow_left(self, g: &Tensor, right: &Tensor) -> Tensor {
        let tb = self.transpose_right;
        if self.transpose_left { product(right, g, tb, true) } else { product(g, right, false, !tb) }
    }

    /// `dB = Aᵀ dC`; of a transposed operand the transposed equation.
    pub(crate) fn flow_right(self, g: &Tensor, left: &Tensor) -> Tensor {
        let ta = self.transpose_left;
        if self.transpose_right { product(g, left, true, ta) } else { product(left, g, !ta, false) }
    }
}

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn attributes(&self) -> Attributes {
        let flags = [("transpose_left", self.transpose_left), ("transpose_right", self.transpose_right)];
        let set = flags.into_iter().filter(|&(_, is_set)| is_set);
        set.fold(Attributes::default(), |attributes, (name, _)| attributes.with(name, true))
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [left, right] = operands(inputs)?;
        if left.dtype != right.dtype {
            return Err(OpError::MixedDTypes { left: left.dtype, right: right.dtype });
        }
        if left.dtype == DType::Bool {
            return Err(OpError::UnsupportedDType { dtype: left.dtype, accepts: "floats and integers" });
        }
        let parts = self.parts(&left.shape, &right.shape)?;
        let rows = (left.shape.rank() > 1).then_some(parts.m);
        let columns = (right.shape.rank() > 1).then_some(parts.n);
        let shape = parts.batch.iter().copied().chain(rows).chain(columns).collect();
        Ok(smallvec![Fact { dtype: left.dtype, shape }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let (a, b) = (cx.input(0), cx.input(1));
        let parts = self.parts(a.shape(), b.shape()).expect("inferred when the node was made");
        let g = g.reshape(parts.batch.iter().copied().chain([parts.m, parts.n]).collect::<Shape>());
        let (left, right) = (a.reshape(&parts.left), b.reshape(&parts.right));
        let (ta, tb) = (self.transpose_left, self.transpose_right);
        let to_left = cx.needed[0].then(|| self.flow_left(&g, &right).sum_to(&parts.left).reshape(a.shape()));
        let to_right = cx.needed[1].then(|| {
            let is_one_matrix = parts.right.rank() == 2 && !ta && !tb;
            if is_one_matrix && left.rank() > 2 {
                // The sum over the batch is part of the product's own sum.
                let rows = |x: &Tensor| {
                    let width = x.shape()[x.rank() - 1];
                    x.reshape([x.shape()[..x.rank() - 1].iter().product(), width])
                };
                return product(&rows(&left), &rows(&g), true, false).reshape(b.shape());
            }
            self.flow_right(&g, &left).sum_to(&parts.right).reshape(b.shape())
        });
        Cotangents::from_iter([to_left, to_right]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let parts = self.parts(&inputs[0].shape, &inputs[1].shape)?;
        let (ta, tb) = (self.transpose_left, self.transpose_right);
        Ok(Box::new(MatmulKernel::new(&parts.left, &parts.right, ta, tb, &parts.batch, inputs[0].dtype)))
    }
}

#[track_caller]
fn product(left: &Tensor, right: &Tensor, transpose_left: bool, transpose_right: bool) -> Tensor {
    apply(Matmul { transpose_left, transpose_right }, &[left, right])
}

/// Matrix products.
impl Tensor {
    /// The matrix product. Axes before the last two are batches and broadcast; an operand of one axis is a row on the
    /// left, a column on the right.
    ///
    /// # Shape
    /// `[.., m, k] · [.., k, n] -> [.., m, n]`, `[k] · [.., k, n] -> [.., n]`, `[.., m, k] · [k] -> [.., m]`,
    /// `[k] · [k] -> []`.
    ///
    /// # Gradient
    /// `dC · Bᵀ` and `Aᵀ · dC`, summed over broadcast batches.
    ///
    /// # Panics
    /// When inner or batch dimensions disagree, the dtypes differ or are bool, or an operand is a scalar.
    ///
    /// # Source
    /// `numpy.matmul`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let a = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// let b = Tensor::from([[0.0f32, 1.0], [1.0, 0.0]]);
    /// assert_eq!(a.matmul(&b).to_vec::<f32>(), [2.0, 1.0, 4.0, 3.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn matmul(&self, right: &Tensor) -> Tensor {
        product(self, right, false, false)
    }
}
