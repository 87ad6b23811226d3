//! `x[i]`: Rust's own for host values, a row or slice for tensors.

use std::ops::{Index, IndexMut, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

use graph_core::{Error, Origin};
use graph_ops::{Operand, Span, Tensor, raise};

/// What a tensor can be indexed with.
#[diagnostic::on_unimplemented(
    message = "a tensor cannot be indexed with `{Self}`",
    note = "use an integer, an integer tensor of rank 0, a range of integers, or a tuple of these"
)]
pub trait TensorIndex {
    /// The part of `x`.
    fn read(&self, x: &Tensor) -> Tensor;
    /// `x` with another part.
    fn write(&self, x: &Tensor, part: &Tensor) -> Tensor;
}

macro_rules! positions {
    ($($ty:ty),*) => {$(
        impl TensorIndex for $ty {
            #[track_caller]
            fn read(&self, x: &Tensor) -> Tensor {
                x.index(self)
            }
            #[track_caller]
            fn write(&self, x: &Tensor, part: &Tensor) -> Tensor {
                x.with_index(self, part)
            }
        }
    )*};
}

positions!(i32, i64, usize, Tensor, &Tensor);

macro_rules! ranges {
    ($($ty:ty),*) => {$(
        impl TensorIndex for $ty {
            #[track_caller]
            fn read(&self, x: &Tensor) -> Tensor {
                x.slice_axis(0, self.clone())
            }
            #[track_caller]
            fn write(&self, x: &Tensor, part: &Tensor) -> Tensor {
                x.slice_update([Span::from(self.clone())], part)
            }
        }
    )*};
}

ranges!(Range<isize>, RangeFrom<isize>, RangeTo<isize>, RangeInclusive<isize>, RangeFull);

macro_rules! host_ranges {
    ($($ty:ty),*) => {$(
        impl TensorIndex for Range<$ty> {
            #[track_caller]
            fn read(&self, x: &Tensor) -> Tensor {
                (self.start as isize..self.end as isize).read(x)
            }
            #[track_caller]
            fn write(&self, x: &Tensor, part: &Tensor) -> Tensor {
                (self.start as isize..self.end as isize).write(x, part)
            }
        }
        impl TensorIndex for RangeFrom<$ty> {
            #[track_caller]
            fn read(&self, x: &Tensor) -> Tensor {
                (self.start as isize..).read(x)
            }
            #[track_caller]
            fn write(&self, x: &Tensor, part: &Tensor) -> Tensor {
                (self.start as isize..).write(x, part)
            }
        }
        impl TensorIndex for RangeTo<$ty> {
            #[track_caller]
            fn read(&self, x: &Tensor) -> Tensor {
                (..self.end as isize).read(x)
            }
            #[track_caller]
            fn write(&self, x: &Tensor, part: &Tensor) -> Tensor {
                (..self.end as isize).write(x, part)
            }
        }
    )*};
}

host_ranges!(i32, i64, usize);

macro_rules! tuples {
    ($($first:ident, $($rest:ident $n:tt),+;)*) => {$(
        impl<$first: TensorIndex, $($rest: TensorIndex + Clone),+> TensorIndex for ($first, $($rest),+)
        where
            Self: Position,
        {
            #[track_caller]
            fn read(&self, x: &Tensor) -> Tensor {
                self.tail().read(&self.0.read(x))
            }
            #[track_caller]
            fn write(&self, x: &Tensor, part: &Tensor) -> Tensor {
                let inner = self.tail().write(&self.0.read(x), part);
                self.0.write(x, &inner)
            }
        }
    )*};
}

/// A tuple of positions, without its first.
trait Position {
    type Tail: TensorIndex;
    fn tail(&self) -> Self::Tail;
}

impl<A, B: TensorIndex + Clone> Position for (A, B) {
    type Tail = B;
    fn tail(&self) -> B {
        self.1.clone()
    }
}

impl<A, B: TensorIndex + Clone, C: TensorIndex + Clone> Position for (A, B, C) {
    type Tail = (B, C);
    fn tail(&self) -> (B, C) {
        (self.1.clone(), self.2.clone())
    }
}

tuples! {
    A, B 1;
    A, B 1, C 2;
}

/// Reading part of a tensor.
pub trait TensorAt {
    /// `self[index]`, boxed so that it can be moved out of a place.
    fn __grafito_at<I: TensorIndex>(&self, index: I) -> Box<Tensor>;
}

impl TensorAt for Tensor {
    #[track_caller]
    fn __grafito_at<I: TensorIndex>(&self, index: I) -> Box<Tensor> {
        Box::new(index.read(self))
    }
}

/// Reading part of a host value.
pub trait HostAt<I>: Index<I> {
    /// `self[index]`
    #[track_caller]
    fn __grafito_at(&self, index: I) -> &Self::Output {
        &self[index]
    }
}

impl<X: Index<I> + ?Sized, I> HostAt<I> for X {}

/// Changing part of a tensor.
pub trait TensorPlace {
    /// `self[index] = value`
    fn __grafito_set<I: TensorIndex>(&mut self, index: I, value: impl Operand);
    /// `self[index] += value` and its like.
    fn __grafito_update<I: TensorIndex>(&mut self, index: I, f: impl FnOnce(&mut Tensor));
}

impl TensorPlace for Tensor {
    #[track_caller]
    fn __grafito_set<I: TensorIndex>(&mut self, index: I, value: impl Operand) {
        let part = match (value.as_tensor(), value.as_scalar()) {
            (Some(tensor), _) => tensor.clone(),
            (None, Some(scalar)) => match scalar.to_array(self.dtype()) {
                Ok(array) => Tensor::from_array(array),
                Err(reason) => raise(Error::op("index", reason, Vec::new(), Origin::caller())),
            },
            (None, None) => unreachable!("an operand is a tensor or a scalar"),
        };
        *self = index.write(self, &part);
    }
    #[track_caller]
    fn __grafito_update<I: TensorIndex>(&mut self, index: I, f: impl FnOnce(&mut Tensor)) {
        let mut part = index.read(self);
        f(&mut part);
        *self = index.write(self, &part);
    }
}

/// Changing part of a host value.
pub trait HostPlace<I>: IndexMut<I> {
    /// `self[index] = value`
    #[track_caller]
    fn __grafito_set(&mut self, index: I, value: Self::Output)
    where
        Self::Output: Sized,
    {
        self[index] = value;
    }
    /// `self[index] += value` and its like.
    #[track_caller]
    fn __grafito_update(&mut self, index: I, f: impl FnOnce(&mut Self::Output)) {
        f(&mut self[index]);
    }
}

impl<X: IndexMut<I> + ?Sized, I> HostPlace<I> for X {}
