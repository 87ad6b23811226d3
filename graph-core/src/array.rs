//! Arrays: concrete values, dense and row-major, sharing their buffer when cloned.

use crate::dtype::{DType, Element};
use crate::error::OpError;
use crate::fact::Fact;
use crate::kernel::{View, ViewMut};
use crate::pool::Shared;
use crate::shape::Shape;

/// A concrete value. Cloning shares the buffer; writing copies it first if it is shared.
#[derive(Debug, Clone)]
pub struct Array {
    buffer: Shared,
    fact: Fact,
}

impl Array {
    /// All zeros (`false` for bool).
    ///
    /// # Panics
    /// When it is larger than an address space.
    pub fn zeros(fact: Fact) -> Array {
        Array { buffer: Shared::zeroed(fact.num_bytes()), fact }
    }

    /// Elements that are valid but arbitrary, to be written before they are read.
    pub(crate) fn arbitrary(fact: Fact) -> Array {
        // Not every byte is a bool.
        match fact.dtype {
            DType::Bool => Array::zeros(fact),
            _ => Array { buffer: Shared::arbitrary(fact.num_bytes()), fact },
        }
    }

    /// A copy of `elements` with this shape.
    ///
    /// # Errors
    /// When the number of elements is not that of the shape.
    pub fn from_slice<T: Element>(shape: impl Into<Shape>, elements: &[T]) -> Result<Array, OpError> {
        let shape = shape.into();
        if shape.checked_num_elements() != Some(elements.len()) {
            return Err(OpError::invalid(format!("{} elements do not fill shape {shape}", elements.len())));
        }
        let mut array = Array::arbitrary(Fact { dtype: T::DTYPE, shape });
        array.view_mut().as_mut_slice::<T>().copy_from_slice(elements);
        Ok(array)
    }

    /// A scalar.
    pub fn scalar<T: Element>(value: T) -> Array {
        Array::from_slice(Shape::scalar(), &[value]).expect("one element fills a scalar")
    }

    /// DType and shape.
    pub fn fact(&self) -> &Fact {
        &self.fact
    }

    /// The elements, to read.
    pub fn view(&self) -> View<'_> {
        View::new(&self.fact, self.buffer.get().as_bytes())
    }

    /// The elements, to write; copies the buffer first where it is shared.
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        self.make_unique();
        let buffer = self.buffer.get_mut().expect("made unique above");
        ViewMut::new(&self.fact, buffer.as_bytes_mut())
    }

    /// The elements as a slice, or `None` where `T` is not the dtype.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        (T::DTYPE == self.fact.dtype).then(|| self.view().as_slice::<T>())
    }

    /// The same buffer under another shape of as many elements.
    ///
    /// # Panics
    /// When the numbers of elements differ.
    pub fn reshaped(&self, shape: Shape) -> Array {
        assert_eq!(shape.num_elements(), self.fact.shape.num_elements(), "a reshape keeps the elements");
        Array { buffer: self.buffer.clone(), fact: Fact { dtype: self.fact.dtype, shape } }
    }

    /// Whether no other array shares the buffer.
    pub fn is_unique(&self) -> bool {
        self.buffer.is_unique()
    }

    /// Gives this array a buffer of its own.
    pub fn make_unique(&mut self) {
        if self.buffer.get_mut().is_none() {
            let mut own = Shared::arbitrary(self.buffer.get().len());
            own.get_mut().expect("new").as_bytes_mut().copy_from_slice(self.buffer.get().as_bytes());
            self.buffer = own;
        }
    }

    /// Whether both share one buffer under the same fact.
    pub fn same_storage(&self, other: &Array) -> bool {
        self.buffer.is_same(&other.buffer) && self.fact == other.fact
    }

    /// Bit-for-bit equality of fact and elements (so NaN equals itself).
    pub fn same_bits(&self, other: &Array) -> bool {
        self.fact == other.fact && self.buffer.get().as_bytes() == other.buffer.get().as_bytes()
    }

    /// Address of the buffer: a key for sharing, never dereferenced outside the executor.
    pub fn address(&self) -> usize {
        self.buffer.get().as_ptr() as usize
    }

    /// Start of the memory. Writing through it demands that the array is unique.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.buffer.get().as_ptr()
    }
}
