//! Pooling of images `[batch, height, width, channels]`: one element for each window and channel.

mod average;
mod max;

pub use average::{AveragePool2d, AveragePool2dImages};
pub use max::{MaxPool2d, MaxPool2dImages, MaxPool2dPositions};

use graph_core::{Attributes, Fact, OpError};

use crate::kernels::windows::Windows;
use crate::ops::windows::{Placement, four_axes, pair};

/// Windows of pooling: their height and width, and how they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pool {
    /// Height and width.
    pub window: [usize; 2],
    /// How they lie. There is no dilation, and padding is narrower than a window.
    pub placement: Placement,
}

impl Pool {
    pub(crate) fn from_attributes(attributes: &Attributes) -> Result<Pool, OpError> {
        let placement = Placement::from_attributes(attributes)?;
        Ok(Pool { window: pair(attributes, "window")?, placement })
    }

    fn attributes(&self) -> Attributes {
        self.placement.attributes().with("window", &self.window[..])
    }

    /// The windows over a batch of images. Each has an element of the image.
    fn windows(&self, images: &Fact) -> Result<Windows, OpError> {
        self.windows_over(&four_axes(images, "a batch of images")?)
    }

    fn windows_over(&self, images: &[usize; 4]) -> Result<Windows, OpError> {
        if self.placement.dilation != [1, 1] {
            return Err(OpError::invalid("windows of pooling have no dilation"));
        }
        if self.placement.padding.iter().enumerate().any(|(side, &len)| len >= self.window[side / 2].max(1)) {
            return Err(OpError::invalid("padding is narrower than a window"));
        }
        self.placement.windows(images, self.window)
    }
}
