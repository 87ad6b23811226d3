//! Reading and replacing one row, at a position that may be a tensor.

use graph_core::{
    Class, DType, Error, Fact, Facts, Kernel, Op, OpError, Shape, Source, Value, ViewMut, Vjp, operands,
};
use smallvec::{SmallVec, smallvec};

use crate::kernels::indices::Indices;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Operand, Tensor, apply, tensor_like, unwrap_or_raise};

/// The first operand with its row at the second, a scalar, replaced by the third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WithRow;

impl Op for WithRow {
    fn name(&self) -> &'static str {
        "with_row"
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [x, position, row] = operands(inputs)?;
        let Some((_, rest)) = x.shape.split_first() else {
            return Err(OpError::AxisOutOfRange { axis: 0, rank: 0 });
        };
        if !position.dtype.is_int() || position.shape.rank() != 0 {
            return Err(OpError::invalid(format!("a position is an integer scalar, not {position}")));
        }
        if x.dtype != row.dtype {
            return Err(OpError::MixedDTypes { left: x.dtype, right: row.dtype });
        }
        if row.shape[..] != *rest {
            return Err(OpError::invalid(format!("the row must have shape {}", Shape::from(rest))));
        }
        Ok(smallvec![x.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let position = cx.input(1);
        let to_x = cx.needed[0].then(|| apply(WithRow, &[&g, &position, &cx.input(2).zeros_like()]));
        let to_row = cx.needed[2].then(|| g.gather(0, &position));
        Cotangents::from_iter([to_x, None, to_row]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (rows, row_bytes) = (inputs[0].shape[0], inputs[2].num_bytes());
        Ok(Box::new(move |outs: &mut [ViewMut<'_>], ins: &[Source<'_>]| {
            let position = Indices::of(ins[1].view());
            position
                .check(rows, |index| format!("index {index} is out of range for an axis of length {rows}"))?;
            if let Source::View(x) = ins[0] {
                outs[0].copy_from(x);
            }
            outs[0].copy_part_from(position.at(0) * row_bytes, ins[2].view());
            Ok(())
        }))
    }

    fn class(&self) -> Class {
        Class::Update { operand: 0 }
    }
}

/// Rows at positions that may be tensors.
impl Tensor {
    /// The row at a position along the first axis. A negative position counts from the end.
    ///
    /// # Shape
    /// `[n, a..] -> [a..]`
    ///
    /// # Gradient
    /// The cotangent, at its row.
    ///
    /// # Panics
    /// When the tensor is a scalar, or the position is no integer scalar, or out of range; if the position is a
    /// tensor, when that is computed.
    ///
    /// # Source
    /// `numpy.ndarray.__getitem__`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let x = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.index(-1).to_vec::<f32>(), [3.0, 4.0]);
    /// assert_eq!(x.index(Tensor::scalar(0i64)).to_vec::<f32>(), [1.0, 2.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn index(&self, position: impl Operand) -> Tensor {
        if let Some(crate::tensor::Scalar::Int(position)) = position.as_scalar() {
            return self.index_axis(0, position as isize);
        }
        let position = self.position("index", position);
        self.gather(0, &position)
    }

    /// This tensor with another row at a position along the first axis. A negative position counts from the end.
    ///
    /// # Shape
    /// `[n, a..] -> [n, a..]`; the row is broadcast to `[a..]`.
    ///
    /// # Gradient
    /// To the tensor the cotangent without that row, to the row its part.
    ///
    /// # Panics
    /// As [`Tensor::index`], and when the row does not fit.
    ///
    /// # Source
    /// `jax.numpy.ndarray.at[..].set`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let x = Tensor::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.with_index(1, 9.0).to_vec::<f32>(), [1.0, 9.0, 3.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_index(&self, position: impl Operand, row: impl Operand) -> Tensor {
        let position = self.position("with_row", position);
        let row = tensor_like("with_row", &row, self).into_owned();
        let shape = &self.shape()[1.min(self.rank())..];
        let row = if row.shape()[..] == *shape { row } else { row.broadcast_to(shape) };
        apply(WithRow, &[self, &position, &row])
    }

    /// A position that counts from the front; one out of range as it is given.
    #[track_caller]
    fn position(&self, op: &str, position: impl Operand) -> Tensor {
        let Some(&rows) = self.shape().first() else {
            unwrap_or_raise(op, Err(OpError::AxisOutOfRange { axis: 0, rank: 0 }), &[self])
        };
        match (position.as_tensor(), position.as_scalar()) {
            (Some(position), _) if position.dtype().is_int() && position.dtype() != DType::U8 => {
                let is_from_end = position.lt(0) & position.ge(-(rows as i64));
                is_from_end.select(position + rows, position)
            }
            (Some(position), _) => position.clone(),
            (None, Some(crate::tensor::Scalar::Int(position))) => {
                let rows = rows as i64;
                let is_from_end = (-rows..0).contains(&position);
                Tensor::scalar(if is_from_end { position + rows } else { position })
            }
            (None, _) => unwrap_or_raise(op, Err(OpError::invalid("a position is an integer")), &[self]),
        }
    }
}
