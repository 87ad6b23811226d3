//! `conv2d`: filters that slide over images.

use graph_core::{Attributes, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::{Conv2dImages, Conv2dKernel, check_dtypes};
use crate::kernels::conv::{self, Factor};
use crate::kernels::windows::Windows;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::ops::windows::{Padding, Placement, four_axes};
use crate::tensor::{Tensor, apply};

/// The products of a kernel with the windows of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// How windows lie.
    pub placement: Placement,
}

impl Conv2d {
    fn windows(&self, images: &Fact, kernel: &Fact) -> Result<(Windows, usize), OpError> {
        let images = four_axes(images, "a batch of images")?;
        let [height, width, channels, filters] = four_axes(kernel, "a kernel")?;
        if images[3] != channels {
            return Err(OpError::invalid("numbers of channels differ"));
        }
        Ok((self.placement.windows(&images, [height, width])?, filters))
    }
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn attributes(&self) -> Attributes {
        self.placement.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [images, kernel] = operands(inputs)?;
        let dtype = check_dtypes(images, kernel)?;
        let (windows, filters) = self.windows(images, kernel)?;
        let [height, width] = windows.count;
        Ok(smallvec![Fact::new(dtype, [windows.batch, height, width, filters])])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let (images, kernel) = (cx.input(0), cx.input(1));
        let size = |x: &Tensor, axis: usize| [x.shape()[axis], x.shape()[axis + 1]];
        let to_images = cx.needed[0].then(|| {
            apply(Conv2dImages { placement: self.placement, image: size(&images, 1) }, &[&g, &kernel])
        });
        let to_kernel = cx.needed[1].then(|| {
            apply(Conv2dKernel { placement: self.placement, window: size(&kernel, 0) }, &[&images, &g])
        });
        Cotangents::from_iter([to_images, to_kernel]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (windows, filters) = self.windows(inputs[0], inputs[1])?;
        Ok(conv::kernel(inputs[0].dtype, windows, filters, Factor::Output))
    }
}

/// Convolutions.
impl Tensor {
    /// Filters that slide over images: each output element is the sum of a window's elements, each times the kernel's
    /// element at its place (which is a correlation, as everywhere in machine learning).
    ///
    /// # Shape
    /// `[batch, height, width, channels]`, kernel `[kernel height, kernel width, channels, filters]`
    /// `-> [batch, rows of windows, columns of windows, filters]`; [`Padding`] says how many windows there are.
    ///
    /// # Gradient
    /// To the images each window's cotangents, times the kernel, added up where windows overlap; to the kernel the sum of
    /// all windows, times their cotangents. Both are differentiable again.
    ///
    /// # Panics
    /// When an operand has not four axes, the numbers of channels or the dtypes differ or are no floats, a stride is 0, or
    /// no window fits.
    ///
    /// # Source
    /// `tf.nn.conv2d`, `keras.ops.conv`.
    ///
    /// ```
    /// use graph_ops::{Padding, Tensor};
    /// let image = Tensor::from([1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).reshape([1, 3, 3, 1]);
    /// let sum_of_four = Tensor::full([2, 2, 1, 1], 1.0f32);
    /// let sums = image.conv2d(&sum_of_four, [1, 1], Padding::Valid);
    /// assert_eq!(sums.to_vec::<f32>(), [12.0, 16.0, 24.0, 28.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn conv2d(&self, kernel: &Tensor, strides: [usize; 2], padding: Padding) -> Tensor {
        self.conv2d_dilated(kernel, strides, padding, [1, 1])
    }

    /// The same with windows whose elements are `dilation` rows and columns apart.
    ///
    /// ```
    /// use graph_ops::{Padding, Tensor};
    /// let image = Tensor::from([1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).reshape([1, 3, 3, 1]);
    /// let kernel = Tensor::full([2, 2, 1, 1], 1.0f32);
    /// let corners = image.conv2d_dilated(&kernel, [1, 1], Padding::Valid, [2, 2]);
    /// assert_eq!(corners.to_vec::<f32>(), [20.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn conv2d_dilated(
        &self,
        kernel: &Tensor,
        strides: [usize; 2],
        padding: Padding,
        dilation: [usize; 2],
    ) -> Tensor {
        let length = |x: &Tensor, axis: usize| x.shape().get(axis).copied().unwrap_or(0);
        let image = [length(self, 1), length(self, 2)];
        let window = [length(kernel, 0), length(kernel, 1)];
        let placement = Placement::new(image, window, strides, dilation, padding);
        apply(Conv2d { placement }, &[self, kernel])
    }
}
