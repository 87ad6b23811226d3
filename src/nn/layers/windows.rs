//! What layers whose windows slide over images have in common: what they take, and how many windows there are.

use grafito::{Fact, Padding};
use serde::{Deserialize, Serialize};

use super::super::error::LayerError;

/// [`Padding`], as in files.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Padding", rename_all = "snake_case")]
pub(super) enum PaddingInFiles {
    Valid,
    Same,
}

/// Height, width and channels of an example.
pub(super) fn image(input: &Fact) -> Result<[usize; 3], LayerError> {
    <[usize; 3]>::try_from(&input.shape[..]).map_err(|_| LayerError::Shape {
        expected: match input.shape.rank() {
            2 => "images of three axes, [height, width, channels] (with one channel: `images.unsqueeze(-1)`)",
            _ => "images of three axes, [height, width, channels]",
        }
        .to_owned(),
        found: input.clone(),
    })
}

/// Windows of this height and width, one every so many rows and columns, whose elements are so far apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) size: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) padding: Padding,
}

impl Windows {
    /// How many rows and columns of windows an image has.
    pub(super) fn count(&self, height: usize, width: usize) -> Result<[usize; 2], LayerError> {
        for (what, lengths) in [("window", self.size), ("stride", self.strides), ("dilation", self.dilation)]
        {
            if lengths.contains(&0) {
                return Err(LayerError::setting(format!("a {what} is 0, expected at least 1")));
            }
        }
        let mut count = [0; 2];
        for (axis, length) in [height, width].into_iter().enumerate() {
            let extent = (self.size[axis] - 1).saturating_mul(self.dilation[axis]).saturating_add(1);
            count[axis] = match self.padding {
                Padding::Same => length.div_ceil(self.strides[axis]),
                Padding::Valid if extent > length => {
                    let [height, width] = self.size;
                    return Err(LayerError::setting(format!(
                        "a window of {height} by {width} does not fit the image; pad it with `Padding::Same`"
                    )));
                }
                Padding::Valid => (length - extent) / self.strides[axis] + 1,
            };
        }
        Ok(count)
    }
}
