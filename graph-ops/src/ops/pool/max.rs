//! `max_pool2d`: the largest element of each window; `max_pool2d_images`, its gradient; and where the largest element is,
//! which the gradient of that needs.

use graph_core::{Attributes, DType, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::Pool;
use crate::kernels::pool::{MaxImagesKernel, MaxKernel, MaxPositionsKernel};
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::ops::windows::{Padding, Placement};
use crate::tensor::{Tensor, apply};

/// The largest element of each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaxPool2d(pub Pool);

/// Images to whose largest element each window gives its element; of several equal ones to the first. Where those are, the
/// first operand says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaxPool2dImages(pub Pool);

/// Where the largest element of each window is: counted within its image, all channels included. Of several equal ones
/// the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaxPool2dPositions(pub Pool);

fn infer(pool: &Pool, inputs: &[&Fact]) -> Result<Fact, OpError> {
    let [images] = operands(inputs)?;
    if images.dtype == DType::Bool {
        return Err(OpError::UnsupportedDType { dtype: images.dtype, accepts: "floats and integers" });
    }
    let windows = pool.windows(images)?;
    let [height, width] = windows.count;
    Ok(Fact::new(images.dtype, [windows.batch, height, width, windows.channels]))
}

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        Ok(smallvec![infer(&self.0, inputs)?])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let flowing = apply(MaxPool2dImages(self.0), &[&cx.input(0), &g]);
        Cotangents::from_iter([Some(flowing)]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(MaxKernel(self.0.windows(inputs[0])?)))
    }
}

impl Op for MaxPool2dImages {
    fn name(&self) -> &'static str {
        "max_pool2d_images"
    }

    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [images, output] = operands(inputs)?;
        let expected = infer(&self.0, &[images])?;
        if output.dtype != images.dtype {
            return Err(OpError::MixedDTypes { left: images.dtype, right: output.dtype });
        }
        if *output != expected {
            return Err(OpError::invalid(format!("the output has the shape {}", expected.shape)));
        }
        Ok(smallvec![images.clone()])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        // Each image as one lane, in which the largest elements have positions.
        let lanes = |x: &Tensor| x.reshape([x.shape()[0], x.shape()[1..].iter().product()]);
        let to_output = cx.needed[1].then(|| {
            let positions = apply(MaxPool2dPositions(self.0), &[&cx.input(0)]);
            lanes(&g).take_along_axis(1, &lanes(&positions)).reshape(cx.input(1).shape())
        });
        Cotangents::from_iter([None, to_output]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(MaxImagesKernel(self.0.windows(inputs[0])?)))
    }
}

impl Op for MaxPool2dPositions {
    fn name(&self) -> &'static str {
        "max_pool2d_positions"
    }

    fn attributes(&self) -> Attributes {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let output = infer(&self.0, inputs)?;
        let image = inputs[0].shape[1..].iter().try_fold(1usize, |size, &len| size.checked_mul(len));
        if image.is_none_or(|size| i32::try_from(size).is_err()) {
            return Err(OpError::invalid("positions in so large an image do not fit i32"));
        }
        Ok(smallvec![Fact { dtype: DType::I32, shape: output.shape }])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        Ok(cx.nothing())
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        Ok(Box::new(MaxPositionsKernel(self.0.windows(inputs[0])?)))
    }
}

/// Pooling. Common windows are 2 by 2, with strides of the same.
impl Tensor {
    /// The largest element of each window, for each channel; NaN if one is.
    ///
    /// # Shape
    /// `[batch, height, width, channels] -> [batch, rows of windows, columns of windows, channels]`; [`Padding`] says how
    /// many windows there are. Padding is never the largest.
    ///
    /// # Gradient
    /// The cotangent, to where the largest element came from; of several equal ones to the first.
    ///
    /// # Panics
    /// When the tensor has not four axes or is bool, a stride is 0, or no window fits.
    ///
    /// # Source
    /// `tf.nn.max_pool2d`, `keras.ops.max_pool`.
    ///
    /// ```
    /// use graph_ops::{Padding, Tensor};
    /// let image = Tensor::from([1.0f32, 2.0, 3.0, 4.0, 8.0, 7.0, 6.0, 5.0]).reshape([1, 2, 4, 1]);
    /// assert_eq!(image.max_pool2d([2, 2], [2, 2], Padding::Valid).to_vec::<f32>(), [8.0, 6.0]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn max_pool2d(&self, window: [usize; 2], strides: [usize; 2], padding: Padding) -> Tensor {
        apply(MaxPool2d(pool(self, window, strides, padding)), &[self])
    }
}

/// Windows over these images, or over whatever else they are.
pub(super) fn pool(images: &Tensor, window: [usize; 2], strides: [usize; 2], padding: Padding) -> Pool {
    let length = |axis: usize| images.shape().get(axis).copied().unwrap_or(0);
    let placement = Placement::new([length(1), length(2)], window, strides, [1, 1], padding);
    Pool { window, placement }
}
