//! Kernels: the functions that compute an op's outputs from its inputs, and the views they work on.
//!
//! A kernel knows arrays, not graphs. It is made once, for the facts of one node, and may be run many times, from
//! several threads. Destinations come first. Every operand is dense and row-major; broadcasting is the kernel's own
//! affair. A kernel writes every element of every output; the result must not depend on the number of threads.

mod chain;
mod row;
mod scalar;
mod tiles;
mod walk;

pub use chain::{ChainFamily, ChainLink, ChainLoop, ChainOther, ChainRow, Link, MOST_LINKS};
pub use row::{DataCheck, MOST_OPERANDS, RowFold, RowKernel, RowLoop, RowOperand, RowSpan, Rows, RowsLoop};
pub use scalar::{Primitive, ScalarCheck, ScalarFn, ScalarKernel};
pub use tiles::{Rectangle, Tiled, Untiled};
pub use walk::{RowWalk, RowWalks, Strides, row_offset};

use crate::dtype::{DType, Element};
use crate::error::OpError;
use crate::fact::Fact;
use crate::shape::Shape;

/// A dense operand, to read.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    fact: &'a Fact,
    bytes: &'a [u8],
}

/// A dense destination, to write. Holds initialized but arbitrary elements before the kernel ran.
#[derive(Debug)]
pub struct ViewMut<'a> {
    fact: &'a Fact,
    bytes: &'a mut [u8],
}

/// Where a kernel finds an input.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// In memory of its own.
    View(View<'a>),
    /// In the first destination, which the kernel overwrites in place. Only given to ops whose
    /// [`Class`](crate::op::Class) allows it, and at most one input is given this way.
    InPlace,
}

impl<'a> Source<'a> {
    /// The view of an input that cannot be in place.
    ///
    /// # Panics
    /// On [`Source::InPlace`], which the executor gives only to ops that allow it.
    pub fn view(&self) -> View<'a> {
        match self {
            Source::View(view) => *view,
            Source::InPlace => panic!("this kernel's op does not allow computing in place"),
        }
    }
}

/// Computes one node.
pub trait Kernel: Send + Sync {
    /// Writes `outs` from `ins`.
    ///
    /// # Errors
    /// For what only the data shows: a division by zero, an index out of range.
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError>;

    /// Whether [`run`](Kernel::run) may return an error or panic on some data. As long as a step that may fail is to
    /// come, a plan overwrites nothing that the caller would miss.
    fn may_fail(&self) -> bool {
        true
    }

    /// Arithmetic operations of a run, for profiles; 0 (the default) where that is not known.
    fn flop(&self) -> u64 {
        0
    }

    /// The same for operands of rank 0, as a function on bits; `None` (the default) where there is no such function.
    fn scalar(&self) -> Option<ScalarKernel> {
        None
    }

    /// The same row by row, for dense operands; `None` (the default) where it does not go by rows.
    fn row(&self) -> Option<RowKernel> {
        None
    }

    /// The same in tiles, for a kernel that never fails.
    ///
    /// # Errors
    /// Why it has none; that it computes its output in another way is the default.
    fn tiled(&self) -> Result<&dyn Tiled, Untiled> {
        Err(Untiled::NoTiles)
    }
}

/// A kernel from a function that computes on any data.
#[derive(Debug)]
pub struct Infallible<F>(pub F);

impl<F> Kernel for Infallible<F>
where
    F: Fn(&mut [ViewMut<'_>], &[Source<'_>]) + Send + Sync,
{
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        self.0(outs, ins);
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }
}

impl<F> Kernel for F
where
    F: Fn(&mut [ViewMut<'_>], &[Source<'_>]) -> Result<(), OpError> + Send + Sync,
{
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        self(outs, ins)
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(fact: &'a Fact, bytes: &'a [u8]) -> View<'a> {
        debug_assert_eq!(fact.num_bytes(), bytes.len());
        View { fact, bytes }
    }

    /// DType and shape.
    pub fn fact(&self) -> &'a Fact {
        self.fact
    }

    /// DType.
    pub fn dtype(&self) -> DType {
        self.fact.dtype
    }

    /// Shape.
    pub fn shape(&self) -> &'a Shape {
        &self.fact.shape
    }

    /// The elements.
    ///
    /// # Panics
    /// When `T` is not the dtype: a kernel that does not match its op's `infer`.
    pub fn as_slice<T: Element>(&self) -> &'a [T] {
        assert_eq!(T::DTYPE, self.fact.dtype, "a kernel reads the dtype that infer promised");
        debug_assert_eq!(self.bytes.as_ptr() as usize % align_of::<T>(), 0);
        // SAFETY: buffers and slots are 64-byte aligned and initialized; T is sealed to plain numbers, for which any
        // bytes are valid, and bool, whose bytes are only ever written as bool or zero (see ViewMut::as_mut_slice).
        unsafe {
            std::slice::from_raw_parts(self.bytes.as_ptr().cast::<T>(), self.bytes.len() / size_of::<T>())
        }
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> ViewMut<'a> {
    pub(crate) fn new(fact: &'a Fact, bytes: &'a mut [u8]) -> ViewMut<'a> {
        debug_assert_eq!(fact.num_bytes(), bytes.len());
        ViewMut { fact, bytes }
    }

    /// DType and shape.
    pub fn fact(&self) -> &'a Fact {
        self.fact
    }

    /// DType.
    pub fn dtype(&self) -> DType {
        self.fact.dtype
    }

    /// Shape.
    pub fn shape(&self) -> &'a Shape {
        &self.fact.shape
    }

    /// The elements.
    ///
    /// # Panics
    /// When `T` is not the dtype.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert_eq!(T::DTYPE, self.fact.dtype, "a kernel writes the dtype that infer promised");
        // SAFETY: as in View::as_slice, and the borrow is exclusive. A bool destination holds valid bools before the
        // first write: buffers of bools are zeroed when they are made, and the executor zeroes bool slots that it reuses.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.bytes.as_mut_ptr().cast::<T>(),
                self.bytes.len() / size_of::<T>(),
            )
        }
    }

    /// The elements as they are now.
    pub fn as_view(&self) -> View<'_> {
        View { fact: self.fact, bytes: self.bytes }
    }

    /// Start of the memory, for kernels that hand disjoint parts to several threads.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// Copies the elements of a view of the same dtype to this offset in bytes.
    ///
    /// # Panics
    /// When they do not fit there.
    pub fn copy_part_from(&mut self, offset: usize, source: View<'_>) {
        assert_eq!(self.fact.dtype, source.fact.dtype, "a copy keeps the dtype");
        assert_eq!(offset % source.fact.dtype.size(), 0, "a copy begins at an element");
        self.bytes[offset..offset + source.bytes.len()].copy_from_slice(source.bytes);
    }

    /// Copies the elements of a view of the same dtype and of as many elements.
    ///
    /// # Panics
    /// When it has another dtype, or another number of elements.
    pub fn copy_from(&mut self, source: View<'_>) {
        assert_eq!(self.fact.dtype, source.fact.dtype, "a copy keeps the dtype");
        self.bytes.copy_from_slice(source.bytes);
    }
}
