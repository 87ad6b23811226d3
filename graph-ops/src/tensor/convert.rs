//! Conversions: tensors from slices, nested arrays and ndarray arrays, and back.

use graph_core::{Array, DType, Element, Error, Fact, Shape};
use ndarray::{ArrayD, ArrayView, ArrayViewD, Dimension, IxDyn};

use super::operand::Scalar;
use super::{Tensor, or_raise, raise, unwrap_or_raise};

/// Nested Rust arrays of elements, such as `[[f32; 3]; 2]`, and the shape they have.
pub trait IntoElements {
    /// The innermost type.
    type Element: Element;
    /// The lengths, outermost first.
    fn shape() -> Vec<usize>;
    /// Appends all elements in row-major order.
    fn append_to(self, elements: &mut Vec<Self::Element>);
}

macro_rules! leaf_elements {
    ($($ty:ty),*) => {$(
        impl IntoElements for $ty {
            type Element = $ty;
            fn shape() -> Vec<usize> {
                Vec::new()
            }
            fn append_to(self, elements: &mut Vec<$ty>) {
                elements.push(self);
            }
        }
    )*};
}

leaf_elements!(f32, f64, i32, i64, u8, bool);

impl<T: IntoElements, const N: usize> IntoElements for [T; N] {
    type Element = T::Element;
    fn shape() -> Vec<usize> {
        std::iter::once(N).chain(T::shape()).collect()
    }
    fn append_to(self, elements: &mut Vec<T::Element>) {
        self.into_iter().for_each(|row| row.append_to(elements));
    }
}

impl<T: IntoElements> From<T> for Tensor {
    #[track_caller]
    fn from(nested: T) -> Tensor {
        let mut elements = Vec::new();
        nested.append_to(&mut elements);
        Tensor::from_slice(T::shape(), &elements)
    }
}

impl<T: Element> From<&[T]> for Tensor {
    #[track_caller]
    fn from(elements: &[T]) -> Tensor {
        Tensor::from_slice([elements.len()], elements)
    }
}

impl<T: Element> From<Vec<T>> for Tensor {
    #[track_caller]
    fn from(elements: Vec<T>) -> Tensor {
        Tensor::from(elements.as_slice())
    }
}

impl<T: Element, D: Dimension> From<ArrayView<'_, T, D>> for Tensor {
    /// One copy, into aligned memory, whatever the view's strides.
    #[track_caller]
    fn from(view: ArrayView<'_, T, D>) -> Tensor {
        let mut array = Array::zeros(Fact::new(T::DTYPE, view.shape()));
        match view.as_slice() {
            Some(elements) => array.view_mut().as_mut_slice().copy_from_slice(elements),
            None => {
                let mut destination = array.view_mut();
                for (to, from) in destination.as_mut_slice().iter_mut().zip(view.iter()) {
                    *to = *from;
                }
            }
        }
        Tensor::from_array(array)
    }
}

impl<T: Element, D: Dimension> From<&ndarray::Array<T, D>> for Tensor {
    #[track_caller]
    fn from(array: &ndarray::Array<T, D>) -> Tensor {
        Tensor::from(array.view())
    }
}

impl Tensor {
    /// A scalar of the dtype of its Rust type: `1.0f32` gives f32, `1.0f64` (and a bare `1.0`) f64.
    #[track_caller]
    pub fn scalar<T: Element>(value: T) -> Tensor {
        Tensor::from_array(Array::scalar(value))
    }

    /// A copy of `elements` with this shape.
    ///
    /// # Panics
    /// When the elements do not fill the shape.
    #[track_caller]
    pub fn from_slice<T: Element>(shape: impl Into<Shape>, elements: &[T]) -> Tensor {
        Tensor::from_array(unwrap_or_raise("from_slice", Array::from_slice(shape, elements), &[]))
    }

    /// A scalar of a given dtype.
    ///
    /// # Panics
    /// When the dtype cannot hold the value.
    #[track_caller]
    pub fn scalar_of(dtype: DType, value: impl Into<Scalar>) -> Tensor {
        Tensor::from_array(unwrap_or_raise("scalar_of", value.into().to_array(dtype), &[]))
    }

    /// The elements in row-major order; computes what is pending.
    ///
    /// # Errors
    /// When `T` is not the dtype, the tensor is symbolic, or an op on the way to it fails on the data.
    #[track_caller]
    pub fn try_to_vec<T: Element>(&self) -> Result<Vec<T>, Error> {
        let array = self.try_array()?;
        match array.as_slice::<T>() {
            Some(elements) => Ok(elements.to_vec()),
            None => Err(wrong_element::<T>(self)),
        }
    }

    /// The elements in row-major order; computes what is pending.
    ///
    /// # Panics
    /// As [`Tensor::try_to_vec`] has errors.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        or_raise(self.try_to_vec())
    }

    /// The only element; computes what is pending.
    ///
    /// # Errors
    /// When there is not exactly one element, and as [`Tensor::try_to_vec`].
    #[track_caller]
    pub fn try_item<T: Element>(&self) -> Result<T, Error> {
        if self.num_elements() != 1 {
            let fact = self.fact();
            return Err(Error::usage(format!("item: a tensor of one element is needed, not {fact}")));
        }
        let array = self.try_array()?;
        match array.as_slice::<T>() {
            Some(elements) => Ok(elements[0]),
            None => Err(wrong_element::<T>(self)),
        }
    }

    /// The only element; computes what is pending.
    ///
    /// # Panics
    /// As [`Tensor::try_item`] has errors.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        or_raise(self.try_item())
    }

    /// A copy as an ndarray array; computes what is pending.
    ///
    /// # Panics
    /// As [`Tensor::try_to_vec`] has errors.
    #[track_caller]
    pub fn to_ndarray<T: Element>(&self) -> ArrayD<T> {
        ArrayD::from_shape_vec(IxDyn(self.shape()), self.to_vec())
            .expect("as many elements as the shape says")
    }

    /// Calls `read` with the elements as an ndarray view, without a copy; computes what is pending.
    ///
    /// # Panics
    /// As [`Tensor::try_to_vec`] has errors.
    #[track_caller]
    pub fn with_view<T: Element, R>(&self, read: impl FnOnce(ArrayViewD<'_, T>) -> R) -> R {
        let array = or_raise(self.try_array());
        let Some(elements) = array.as_slice::<T>() else { raise(wrong_element::<T>(self)) };
        let view = ArrayViewD::from_shape(IxDyn(self.shape()), elements);
        read(view.expect("as many elements as the shape says"))
    }
}

#[track_caller]
fn wrong_element<T: Element>(tensor: &Tensor) -> Error {
    Error::usage(format!("the elements of {} are not {}; cast it first", tensor.fact(), T::DTYPE))
}
