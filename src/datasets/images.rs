//! Labelled 28x28 images in host memory, as the loaders return them.

/// Rows, and columns, of one image.
pub const IMAGE_SIDE: usize = 28;

/// Pixels of one image.
pub const IMAGE_PIXELS: usize = IMAGE_SIDE * IMAGE_SIDE;

/// How many kinds of digit there are: labels are `0..CLASSES`.
pub const CLASSES: usize = 10;

/// A training and a test set of labelled 28x28 images.
///
/// It is made by [`Mnist::load`] or by [`synthetic_digits`](crate::datasets::synthetic_digits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mnist {
    /// What a model learns from.
    pub train: Split,
    /// What a model is judged by.
    pub test: Split,
    /// A sentence worth showing to the user where these are not the original MNIST images.
    pub note: Option<String>,
}

/// Images with one label each.
///
/// # Shape
///
/// `images` is `[len, 28, 28]`, row major, 0 for paper and 255 for ink; `labels` is `[len]`, each in `0..=9`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The pixels of all images, one image after the other.
    pub images: Vec<u8>,
    /// The digit that each image shows.
    pub labels: Vec<u8>,
}

impl Split {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The 784 pixels of one image.
    ///
    /// # Panics
    ///
    /// If `row` is not below [`len`](Split::len).
    pub fn image(&self, row: usize) -> &[u8] {
        &self.images[row * IMAGE_PIXELS..][..IMAGE_PIXELS]
    }

    /// All pixels scaled to `0.0..=1.0`.
    ///
    /// # Shape
    ///
    /// `[len, 784]`
    pub fn images_f32(&self) -> Vec<f32> {
        self.images.iter().copied().map(scaled).collect()
    }

    /// The pixels of some images, in the order of `rows`, scaled to `0.0..=1.0`.
    ///
    /// # Shape
    ///
    /// `[rows.len(), 784]`
    ///
    /// # Panics
    ///
    /// If a row is not below [`len`](Split::len).
    pub fn batch_f32(&self, rows: &[usize]) -> Vec<f32> {
        rows.iter().flat_map(|&row| self.image(row)).copied().map(scaled).collect()
    }

    /// The labels of some images, in the order of `rows`.
    ///
    /// # Panics
    ///
    /// If a row is not below [`len`](Split::len).
    pub fn batch_labels(&self, rows: &[usize]) -> Vec<u8> {
        rows.iter().map(|&row| self.labels[row]).collect()
    }
}

fn scaled(pixel: u8) -> f32 {
    f32::from(pixel) / 255.0
}
