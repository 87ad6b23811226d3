//! `conv2d_images`: what flows back through a convolution to its images; also known as the transposed convolution.

use graph_core::{Attributes, Error, Fact, Facts, Kernel, Op, OpError, Value, Vjp, operands};
use smallvec::{SmallVec, smallvec};

use super::{Conv2d, Conv2dKernel, check_dtypes, check_output};
use crate::kernels::conv::{self, Factor};
use crate::kernels::windows::Windows;
use crate::ops::vjp::{Cotangents, VjpExt};
use crate::ops::windows::{Placement, four_axes};
use crate::tensor::apply;

/// Images to which each window gives its output's elements, times the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2dImages {
    /// How windows lie.
    pub placement: Placement,
    /// Height and width of the images.
    pub image: [usize; 2],
}

impl Conv2dImages {
    fn windows(&self, output: &Fact, kernel: &Fact) -> Result<(Windows, usize), OpError> {
        let [batch, height, width, filters] = four_axes(output, "the output of a convolution")?;
        let [window_height, window_width, channels, expected] = four_axes(kernel, "a kernel")?;
        if filters != expected {
            return Err(OpError::invalid("numbers of filters differ"));
        }
        let images = [batch, self.image[0], self.image[1], channels];
        let windows = self.placement.windows(&images, [window_height, window_width])?;
        check_output([batch, height, width], [batch, windows.count[0], windows.count[1]])?;
        Ok((windows, filters))
    }
}

impl Op for Conv2dImages {
    fn name(&self) -> &'static str {
        "conv2d_images"
    }

    fn attributes(&self) -> Attributes {
        self.placement.attributes().with("image", &self.image[..])
    }

    fn infer(&self, inputs: &[&Fact]) -> Result<Facts, OpError> {
        let [output, kernel] = operands(inputs)?;
        let dtype = check_dtypes(output, kernel)?;
        let (windows, _) = self.windows(output, kernel)?;
        let [height, width] = self.image;
        Ok(smallvec![Fact::new(dtype, [windows.batch, height, width, windows.channels])])
    }

    fn vjp(&self, cx: &Vjp<'_>) -> Result<SmallVec<[Option<Value>; 4]>, Error> {
        let Some(g) = cx.cotangent(0) else { return Ok(cx.nothing()) };
        let (output, kernel) = (cx.input(0), cx.input(1));
        let placement = self.placement;
        let to_output = cx.needed[0].then(|| apply(Conv2d { placement }, &[&g, &kernel]));
        let to_kernel = cx.needed[1].then(|| {
            let window = [kernel.shape()[0], kernel.shape()[1]];
            apply(Conv2dKernel { placement, window }, &[&g, &output])
        });
        Cotangents::from_iter([to_output, to_kernel]).emit(cx)
    }

    fn kernel(&self, inputs: &[&Fact], _: &[Fact]) -> Result<Box<dyn Kernel>, OpError> {
        let (windows, filters) = self.windows(inputs[0], inputs[1])?;
        Ok(conv::kernel(inputs[0].dtype, windows, filters, Factor::Images))
    }
}
