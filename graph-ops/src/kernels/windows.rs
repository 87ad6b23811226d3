//! Windows over images `[batch, height, width, channels]`: where each lies, and which of its elements are contiguous in
//! the image. Shared by convolutions and pooling.

use std::ops::Range;

/// Windows that slide over the height and width of images. They are numbered in row-major order, image by image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) batch: usize,
    /// Height and width of an image.
    pub(crate) image: [usize; 2],
    pub(crate) channels: usize,
    /// Height and width of a window, in elements; its dilation not counted.
    pub(crate) window: [usize; 2],
    /// From one window to the next.
    pub(crate) strides: [usize; 2],
    /// From an element of a window to the next.
    pub(crate) dilation: [usize; 2],
    /// Rows above and columns left of the image that windows reach into.
    pub(crate) before: [usize; 2],
    /// How many windows there are along height and width.
    pub(crate) count: [usize; 2],
}

impl Windows {
    /// Elements of an image.
    pub(crate) fn image_len(&self) -> usize {
        self.image[0] * self.image[1] * self.channels
    }

    /// Pixels of a window, as many as there are numbers for at most: a window may reach far beyond an image.
    pub(crate) fn window_len(&self) -> usize {
        self.window[0].saturating_mul(self.window[1])
    }

    /// Elements of a window: of its patch.
    pub(crate) fn patch_len(&self) -> usize {
        self.window_len().saturating_mul(self.channels)
    }

    /// Windows of an image.
    pub(crate) fn per_image(&self) -> usize {
        self.count[0].saturating_mul(self.count[1])
    }

    /// Windows of all images.
    pub(crate) fn len(&self) -> usize {
        self.batch.saturating_mul(self.per_image())
    }

    /// Whether each window is one element, in order: then the images are the patches.
    pub(crate) fn are_elements(&self) -> bool {
        self.window == [1, 1] && self.strides == [1, 1] && self.before == [0, 0] && self.count == self.image
    }

    /// The image's row (axis 0) or column (axis 1) where element `k` of window `i` lies, unless that is padding.
    #[inline(always)]
    pub(crate) fn position(&self, axis: usize, i: usize, k: usize) -> Option<usize> {
        let from_padding = i * self.strides[axis] + k * self.dilation[axis];
        let position = from_padding.checked_sub(self.before[axis])?;
        (position < self.image[axis]).then_some(position)
    }

    /// Those elements of window `i` along an axis that lie in the image.
    #[inline(always)]
    pub(crate) fn inside(&self, axis: usize, i: usize) -> Range<usize> {
        let start = i * self.strides[axis];
        let dilation = self.dilation[axis];
        let first = self.before[axis].saturating_sub(start).div_ceil(dilation);
        let end = (self.before[axis] + self.image[axis]).saturating_sub(start).div_ceil(dilation);
        let end = end.min(self.window[axis]);
        first.min(end)..end
    }

    /// Calls `visit` for each pixel of a window that lies in the image, with where its channels start in the images.
    #[inline(always)]
    pub(crate) fn for_each_pixel(
        &self,
        image: usize,
        [row, column]: [usize; 2],
        mut visit: impl FnMut(usize),
    ) {
        for ky in self.inside(0, row) {
            for kx in self.inside(1, column) {
                let y = row * self.strides[0] + ky * self.dilation[0] - self.before[0];
                let x = column * self.strides[1] + kx * self.dilation[1] - self.before[1];
                visit(((image * self.image[0] + y) * self.image[1] + x) * self.channels);
            }
        }
    }

    /// Calls `run` for each stretch of these windows' patches that is contiguous in the images too: where it starts in
    /// the patches, where in the images (`None` for padding), and how long it is. Stretches come in order and cover the
    /// patches.
    #[inline(always)]
    pub(crate) fn for_each_run(
        &self,
        windows: Range<usize>,
        mut run: impl FnMut(usize, Option<usize>, usize),
    ) {
        let [_, width] = self.image;
        let [window_height, window_width] = self.window;
        let channels = self.channels;
        let line = window_width * channels;
        let (mut image, mut row, mut column) = (
            windows.start / self.per_image(),
            windows.start % self.per_image() / self.count[1],
            windows.start % self.count[1],
        );
        let mut at = 0;
        for _ in windows {
            let inside = self.inside(1, column);
            for ky in 0..window_height {
                let Some(y) = self.position(0, row, ky) else {
                    run(at, None, line);
                    at += line;
                    continue;
                };
                if inside.start > 0 {
                    run(at, None, inside.start * channels);
                }
                if !inside.is_empty() {
                    let x = column * self.strides[1] + inside.start * self.dilation[1] - self.before[1];
                    let from = ((image * self.image[0] + y) * width + x) * channels;
                    if self.dilation[1] == 1 {
                        run(at + inside.start * channels, Some(from), inside.len() * channels);
                    } else {
                        for k in inside.clone() {
                            let from = from + (k - inside.start) * self.dilation[1] * channels;
                            run(at + k * channels, Some(from), channels);
                        }
                    }
                }
                if inside.end < window_width {
                    run(at + inside.end * channels, None, (window_width - inside.end) * channels);
                }
                at += line;
            }
            column += 1;
            if column == self.count[1] {
                (column, row) = (0, row + 1);
            }
            if row == self.count[0] {
                (row, image) = (0, image + 1);
            }
        }
    }
}
