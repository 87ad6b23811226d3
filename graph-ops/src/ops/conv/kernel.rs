//! `conv2d_kernel`: what flows back through a convolution to its kernel.

use graph_core::{Attributes, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::{Conv2d, Conv2dImages, check_dtypes, check_output};
use crate::kernels::conv::{self, Factor};
use crate::kernels::windows::Windows;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::ops::windows::{Placement, four_axes};
use crate::tensor::apply;

/// The sum over all windows of the images, times the output's elements there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2dKernel {
    /// How windows lie.
    pub placement: Placement,
    /// Height and width of the kernel.
    pub window: [usize; 2],
}

impl Conv2dKernel {
    fn windows(&self, images: &Fact, output: &Fact) -> Result<(Windows, usize), OpError> {
        let images = four_axes(images, "a batch of images")?;
        let [batch, height, width, filters] = four_axes(output, "the output of a convolution")?;
        let windows = self.placement.windows(&images, self.window)?;
        check_output([batch, height, width], [windows.batch, windows.count[0], windows.count[1]])?;
        Ok((windows, filters))
    }
}

impl Op for Conv2dKernel {
    fn name(&self) -> &'static str {
        "conv2d_kernel"
    }

    fn attributes(&self) -> Attributes {
        self.placement.attributes().with("window", &self.window[..])
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [images, output] = operands(inputs)?;
        let dtype = check_dtypes(images, output)?;
        let (windows, filters) = self.windows(images, output)?;
        let [height, width] = self.window;
        Ok(smallvec![Fact::new(dtype, [height, width, windows.channels, filters])])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let (images, output) = (cx.input(0), cx.input(1));
        let placement = self.placement;
        let to_images = cx.needed[0].then(|| {
            let image = [images.shape()[1], images.shape()[2]];
            apply(Conv2dImages { placement, image }, &[&output, &g])
        });
        let to_output = cx.needed[1].then(|| apply(Conv2d { placement }, &[&images, &g]));
        Cotangents::from_iter([to_images, to_output]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (windows, filters) = self.windows(inputs[0], inputs[1])?;
        Ok(conv::kernel(inputs[0].dtype, windows, filters, Factor::Kernel))
    }
}
