//! Indexing by tensors: `gather` takes rows, `take_along_axis` elements; `scatter_add` and `add_along_axis` are their
//! opposites, which add to where the others read.

use graph_core::{
    Attributes, Class, DType, Error, Fact, Facts, Kernel, Op, OpError, Shape, Value, Vjp, operands,
};
use smallvec::{SmallVec, smallvec};

use super::axes::resolve_axis;
use crate::kernels::indices::{GatherKernel, IndexWalk, Indexing, ScatterAddKernel};
use crate::kernels::lanes::Lanes;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::tensor::{Tensor, apply, unwrap_or_raise};

/// Rows of the first operand along an axis, at the second's indices: that axis becomes the indices' axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gather {
    /// The axis that is indexed.
    pub axis: usize,
}

/// Elements of the first operand, each at an index of its own along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TakeAlongAxis {
    /// The axis that is indexed.
    pub axis: usize,
}

/// The first operand with the third added to it where [`Gather`] with the second would read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// The axis that is indexed.
    pub axis: usize,
}

/// The first operand with the third added to it where [`TakeAlongAxis`] with the second would read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddAlongAxis {
    /// The axis that is indexed.
    pub axis: usize,
}

/// The shape that rows at `indices` have.
fn rows_shape(x: &Fact, axis: usize, indices: &Fact) -> Result<Shape, OpError> {
    check_indices(x, axis, indices)?;
    let (before, after) = (&x.shape[..axis], &x.shape[axis + 1..]);
    Ok(before.iter().chain(indices.shape.iter()).chain(after).copied().collect())
}

/// The shape that elements at `indices` have: that of the indices.
fn elements_shape(x: &Fact, axis: usize, indices: &Fact) -> Result<Shape, OpError> {
    check_indices(x, axis, indices)?;
    let agree = |(at, (a, b)): (usize, (&usize, &usize))| at == axis || a == b;
    let is_same_but_for_axis = x.shape.rank() == indices.shape.rank()
        && x.shape.iter().zip(indices.shape.iter()).enumerate().all(agree);
    if !is_same_but_for_axis {
        return Err(OpError::invalid(format!("the indices' shape may differ in axis {axis} only")));
    }
    Ok(indices.shape.clone())
}

fn check_indices(x: &Fact, axis: usize, indices: &Fact) -> Result<(), OpError> {
    if axis >= x.shape.rank() {
        return Err(OpError::AxisOutOfRange { axis: axis as isize, rank: x.shape.rank() });
    }
    if !indices.dtype.is_int() {
        return Err(OpError::UnsupportedDType { dtype: indices.dtype, accepts: "integer indices" });
    }
    Ok(())
}

fn check_updates(base: &Fact, updates: &Fact, expected: &Shape) -> Result<Facts, OpError> {
    if base.dtype != updates.dtype {
        return Err(OpError::MixedDTypes { left: base.dtype, right: updates.dtype });
    }
    if base.dtype == DType::Bool {
        return Err(OpError::UnsupportedDType { dtype: base.dtype, accepts: "floats and integers" });
    }
    if updates.shape != *expected {
        return Err(OpError::invalid(format!("what is added must have shape {expected}")));
    }
    Ok(smallvec![base.clone()])
}

fn walk(x: &Fact, axis: usize, indices: &Fact, indexing: Indexing) -> IndexWalk {
    let num_indices = match indexing {
        Indexing::Rows => indices.shape.num_elements(),
        Indexing::Elements => indices.shape[axis],
    };
    IndexWalk { lanes: Lanes::new(&x.shape, axis), num_indices, indexing }
}

/// The four ops are two readings and their opposites; a row gives what differs.
macro_rules! indexing_ops {
    ($($Read:ident $read:literal, $Add:ident $add:literal: $shape:ident $indexing:ident;)*) => {$(
        impl Op for $Read {
            fn name(&self) -> &'static str {
                $read
            }

            fn attributes(&self) -> Attributes {
                Attributes::default().with("axis", self.axis)
            }

            fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
                let [x, indices] = operands(inputs)?;
                Ok(smallvec![Fact { dtype: x.dtype, shape: $shape(x, self.axis, indices)? }])
            }

            fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
                let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
                let zeros = cx.input(0).zeros_like();
                let flowing = apply($Add { axis: self.axis }, &[&zeros, &cx.input(1), &g]);
                Cotangents::from_iter([Some(flowing), None]).emit(cx)
            }

            fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
                Ok(Box::new(GatherKernel(walk(inputs[0], self.axis, inputs[1], Indexing::$indexing))))
            }
        }

        impl Op for $Add {
            fn name(&self) -> &'static str {
                $add
            }

            fn attributes(&self) -> Attributes {
                Attributes::default().with("axis", self.axis)
            }

            fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
                let [base, indices, updates] = operands(inputs)?;
                check_updates(base, updates, &$shape(base, self.axis, indices)?)
            }

            fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
                let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
                let to_updates =
                    cx.needed[2].then(|| apply($Read { axis: self.axis }, &[&g, &cx.input(1)]));
                Cotangents::from_iter([Some(g), None, to_updates]).emit(cx)
            }

            fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
                Ok(Box::new(ScatterAddKernel(walk(inputs[0], self.axis, inputs[1], Indexing::$indexing))))
            }

            fn class(&self) -> Class {
                Class::Update { operand: 0 }
            }
        }
    )*};
}

indexing_ops! {
    Gather "gather", ScatterAdd "scatter_add": rows_shape Rows;
    TakeAlongAxis "take_along_axis", AddAlongAxis "add_along_axis": elements_shape Elements;
}

/// Indexing by tensors. Indices are of any integer dtype and count from the front: a negative one is an error.
impl Tensor {
    /// Rows along an axis, at these indices; that axis becomes the axes of the indices.
    ///
    /// # Shape
    /// `[a.., n, b..]`, indices `[i..]` `-> [a.., i.., b..]`
    ///
    /// # Gradient
    /// The cotangent, added up at the indices ([`Tensor::scatter_add`] to zeros).
    ///
    /// # Panics
    /// When the axis is out of range, the indices are no integers, or one is negative or too large.
    ///
    /// # Source
    /// `tf.gather`, `numpy.take`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let table = Tensor::from([[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    /// assert_eq!(table.gather(0, &Tensor::from([2, 0])).to_vec::<f32>(), [5.0, 6.0, 1.0, 2.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn gather(&self, axis: isize, indices: &Tensor) -> Tensor {
        let axis = unwrap_or_raise("gather", resolve_axis(axis, self.rank()), &[self, indices]);
        apply(Gather { axis }, &[self, indices])
    }

    /// Elements at an index each: `y[i, j] = x[i, indices[i, j]]` for axis 1.
    ///
    /// # Shape
    /// That of the indices, which differs from the tensor's in `axis` only.
    ///
    /// # Gradient
    /// The cotangent, added up at the indices ([`Tensor::add_along_axis`] to zeros).
    ///
    /// # Panics
    /// When the axis is out of range, the shapes do not fit, the indices are no integers, or one is negative or too
    /// large.
    ///
    /// # Source
    /// `numpy.take_along_axis`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let x = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.take_along_axis(1, &Tensor::from([[1], [0]])).to_vec::<f32>(), [2.0, 3.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn take_along_axis(&self, axis: isize, indices: &Tensor) -> Tensor {
        let axis = unwrap_or_raise("take_along_axis", resolve_axis(axis, self.rank()), &[self, indices]);
        apply(TakeAlongAxis { axis }, &[self, indices])
    }

    /// This tensor with rows added to it where [`Tensor::gather`] with the same indices would read them. An index may
    /// repeat.
    ///
    /// # Shape
    /// `[a.., n, b..]`, indices `[i..]`, updates `[a.., i.., b..]` `-> [a.., n, b..]`
    ///
    /// # Gradient
    /// To the tensor the cotangent, to the updates its rows at the indices.
    ///
    /// # Panics
    /// As [`Tensor::gather`], and when the updates do not fit.
    ///
    /// # Source
    /// `jax.numpy.ndarray.at[..].add`, `tf.tensor_scatter_nd_add`.
    ///
    /// ```
    /// use graph_ops::{Tensor};
    /// let counts = Tensor::from([0, 0, 0]).scatter_add(0, &Tensor::from([2, 0, 2]), &Tensor::from([1, 1, 1]));
    /// assert_eq!(counts.to_vec::<i32>(), [1, 0, 2]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, indices: &Tensor, updates: &Tensor) -> Tensor {
        let operands = [self, indices, updates];
        let axis = unwrap_or_raise("scatter_add", resolve_axis(axis, self.rank()), &operands);
        apply(ScatterAdd { axis }, &operands)
    }

    /// This tensor with elements added to it where [`Tensor::take_along_axis`] with the same indices would read them.
    ///
    /// # Shape
    /// That of the tensor; updates have that of the indices.
    ///
    /// # Gradient
    /// To the tensor the cotangent, to the updates its elements at the indices.
    ///
    /// # Panics
    /// As [`Tensor::take_along_axis`], and when the updates do not fit.
    ///
    /// # Source
    /// `torch.Tensor.scatter_add`.
    #[must_use]
    #[track_caller]
    pub fn add_along_axis(&self, axis: isize, indices: &Tensor, updates: &Tensor) -> Tensor {
        let operands = [self, indices, updates];
        let axis = unwrap_or_raise("add_along_axis", resolve_axis(axis, self.rank()), &operands);
        apply(AddAlongAxis { axis }, &operands)
    }
}
