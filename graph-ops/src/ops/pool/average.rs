//! `avg_pool2d`: the mean of each window; and `avg_pool2d_images`, its gradient.

use graph_core::{Attributes, DType, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::Pool;
use super::max::pool;
use crate::kernels::pool::{AverageImagesKernel, AverageKernel};
use crate::kernels::windows::Windows;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::ops::windows::{Padding, four_axes};
use crate::tensor::{Tensor, apply};

/// The mean of each window, padding not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AveragePool2d(pub Pool);

/// Images to which each window gives its element, in equal parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AveragePool2dImages {
    /// The windows.
    pub pool: Pool,
    /// Height and width of the images.
    pub image: [usize; 2],
}

fn check_float(dtype: DType) -> Result<(), OpError> {
    match dtype.is_float() {
        true => Ok(()),
        false => Err(OpError::UnsupportedDType { dtype, accepts: "f32 and f64" }),
    }
}

impl Op for AveragePool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [images] = operands(inputs)?;
        check_float(images.dtype)?;
        let windows = self.0.windows(images)?;
        let [height, width] = windows.count;
        Ok(smallvec![Fact::new(images.dtype, [windows.batch, height, width, windows.channels])])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let image = [cx.input(0).shape()[1], cx.input(0).shape()[2]];
        let flowing = cx.cotangent(0).map(|g| apply(AveragePool2dImages { pool: self.0, image }, &[&g]));
        Cotangents::from_iter([flowing]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(AverageKernel(self.0.windows(inputs[0])?)))
    }
}

impl AveragePool2dImages {
    fn windows(&self, output: &Fact) -> Result<Windows, OpError> {
        let [batch, height, width, channels] = four_axes(output, "the output of pooling")?;
        let windows = self.pool.windows_over(&[batch, self.image[0], self.image[1], channels])?;
        if [height, width] != windows.count {
            let [height, width] = windows.count;
            return Err(OpError::invalid(format!(
                "the output has the shape [{batch}, {height}, {width}, {channels}]"
            )));
        }
        Ok(windows)
    }
}

impl Op for AveragePool2dImages {
    fn name(&self) -> &'static str {
        "avg_pool2d_images"
    }

    fn attributes(&self) -> Attributes {
        self.pool.attributes().with("image", &self.image[..])
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [output] = operands(inputs)?;
        check_float(output.dtype)?;
        let windows = self.windows(output)?;
        let [height, width] = windows.image;
        Ok(smallvec![Fact::new(output.dtype, [windows.batch, height, width, windows.channels])])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let flowing = cx.cotangent(0).map(|g| apply(AveragePool2d(self.pool), &[&g]));
        Cotangents::from_iter([flowing]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(AverageImagesKernel(self.windows(inputs[0])?)))
    }
}

/// Pooling by means.
impl Tensor {
    /// The mean of each window, for each channel; padding does not count.
    ///
    /// # Shape
    /// `[batch, height, width, channels] -> [batch, rows of windows, columns of windows, channels]`; [`Padding`] says how
    /// many windows there are.
    ///
    /// # Gradient
    /// The cotangent in equal parts to the elements of the window, added up where windows overlap.
    ///
    /// # Panics
    /// When the tensor has not four axes or is no float, a stride is 0, or no window fits.
    ///
    /// # Source
    /// `tf.nn.avg_pool2d`, `keras.ops.average_pool`.
    ///
    /// ```
    /// use graph_ops::{Padding, Tensor};
    /// let image = Tensor::from([1.0f32, 2.0, 3.0, 4.0, 8.0, 7.0, 6.0, 5.0]).reshape([1, 2, 4, 1]);
    /// assert_eq!(image.avg_pool2d([2, 2], [2, 2], Padding::Valid).to_vec::<f32>(), [4.5, 4.5]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn avg_pool2d(&self, window: [usize; 2], strides: [usize; 2], padding: Padding) -> Tensor {
        apply(AveragePool2d(pool(self, window, strides, padding)), &[self])
    }

    /// The mean of each image, for each channel: pooling with one window that is the whole image.
    ///
    /// # Shape
    /// `[batch, height, width, channels] -> [batch, channels]`
    ///
    /// # Gradient
    /// The cotangent in equal parts to all elements of the channel.
    ///
    /// # Panics
    /// When the tensor has fewer than three axes, or is no float.
    ///
    /// # Source
    /// `keras.layers.GlobalAveragePooling2D`.
    ///
    /// ```
    /// use graph_ops::Tensor;
    /// let images = Tensor::from([1.0f32, 10.0, 3.0, 30.0]).reshape([1, 1, 2, 2]);
    /// assert_eq!(images.global_avg_pool2d().to_vec::<f32>(), [2.0, 20.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn global_avg_pool2d(&self) -> Tensor {
        self.mean([1, 2])
    }
}
