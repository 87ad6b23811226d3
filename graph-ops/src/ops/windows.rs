//! How windows lie over images `[batch, height, width, channels]`: what convolutions and pooling have in common.

use graph_core::{Attributes, Fact, OpError};

use crate::kernels::windows::Windows;

/// What is around an image where windows reach beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Nothing: only windows that lie within the image are taken, `⌊(n - window) / stride⌋ + 1` of them along an axis
    /// of length n.
    Valid,
    /// As much as `⌈n / stride⌉` windows need, evenly on both sides; an odd row or column is at the end.
    Same,
}

/// How windows lie over the height and width of images: along each axis, from one window to the next, from an element of
/// a window to the next, and how far windows reach beyond the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Placement {
    /// From one window to the next: rows, columns.
    pub strides: [usize; 2],
    /// From an element of a window to the next: rows, columns.
    pub dilation: [usize; 2],
    /// Rows above and below the image, columns left and right of it.
    pub padding: [usize; 4],
}

impl Placement {
    /// The placement of windows of this height and width over images of that one.
    pub(crate) fn new(
        image: [usize; 2],
        window: [usize; 2],
        strides: [usize; 2],
        dilation: [usize; 2],
        padding: Padding,
    ) -> Placement {
        let mut sides = [0; 4];
        if padding == Padding::Same {
            for axis in 0..2 {
                let count = image[axis].div_ceil(strides[axis].max(1));
                let reach = extent(window[axis], dilation[axis]).and_then(|extent| {
                    count.saturating_sub(1).checked_mul(strides[axis])?.checked_add(extent)
                });
                // What is too much to count will not be accepted as a result either.
                let missing = reach.unwrap_or(0).saturating_sub(image[axis]);
                sides[2 * axis] = missing / 2;
                sides[2 * axis + 1] = missing - missing / 2;
            }
        }
        Placement { strides, dilation, padding: sides }
    }

    /// From attributes, with those left out that are as they mostly are.
    pub(crate) fn from_attributes(attributes: &Attributes) -> Result<Placement, OpError> {
        Ok(Placement {
            strides: or_default(attributes, "strides", [1; 2])?,
            dilation: or_default(attributes, "dilation", [1; 2])?,
            padding: or_default(attributes, "padding", [0; 4])?,
        })
    }

    /// The opposite.
    pub(crate) fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::default();
        if self.strides != [1; 2] {
            attributes = attributes.with("strides", &self.strides[..]);
        }
        if self.dilation != [1; 2] {
            attributes = attributes.with("dilation", &self.dilation[..]);
        }
        if self.padding != [0; 4] {
            attributes = attributes.with("padding", &self.padding[..]);
        }
        attributes
    }

    /// The windows of this height and width over images of this shape.
    pub(crate) fn windows(&self, images: &[usize; 4], window: [usize; 2]) -> Result<Windows, OpError> {
        let [batch, height, width, channels] = *images;
        if self.strides.contains(&0) || self.dilation.contains(&0) || window.contains(&0) {
            return Err(OpError::invalid("windows, strides and dilation are at least 1"));
        }
        let image = [height, width];
        let mut count = [0; 2];
        for axis in 0..2 {
            let sides = &self.padding[2 * axis..][..2];
            let length = image[axis].checked_add(sides[0]).and_then(|length| length.checked_add(sides[1]));
            let fits = length.zip(extent(window[axis], self.dilation[axis])).and_then(|(length, extent)| {
                // So that sums of positions stay in range.
                let _ = length.checked_mul(2)?;
                // A window over nothing but padding would have no element.
                if image[axis] == 0 { None } else { length.checked_sub(extent) }
            });
            let Some(room) = fits else {
                let what = ["height", "width"][axis];
                return Err(OpError::invalid(format!(
                    "a window of {what} {} does not fit an image of {what} {}",
                    window[axis], image[axis]
                )));
            };
            count[axis] = room / self.strides[axis] + 1;
        }
        let before = [self.padding[0], self.padding[2]];
        let (strides, dilation) = (self.strides, self.dilation);
        Ok(Windows { batch, image, channels, window, strides, dilation, before, count })
    }
}

/// How many rows (columns) a window covers.
fn extent(window: usize, dilation: usize) -> Option<usize> {
    window.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)
}

fn or_default<const N: usize>(
    attributes: &Attributes,
    name: &str,
    default: [usize; N],
) -> Result<[usize; N], OpError> {
    match attributes.get(name) {
        None => Ok(default),
        Some(_) => pair(attributes, name),
    }
}

/// An attribute of so many sizes.
pub(crate) fn pair<const N: usize>(attributes: &Attributes, name: &str) -> Result<[usize; N], OpError> {
    let sizes = attributes.sizes(name)?;
    sizes
        .try_into()
        .map_err(|_| OpError::invalid(format!("attribute `{name}` must be a list of {N} whole numbers")))
}

/// The four lengths of an operand.
pub(crate) fn four_axes(fact: &Fact, what: &str) -> Result<[usize; 4], OpError> {
    let lengths = <[usize; 4]>::try_from(&*fact.shape);
    lengths.map_err(|_| OpError::invalid(format!("{what} has four axes")))
}
