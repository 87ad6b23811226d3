//! Images of digits as plain host data (MNIST files, digits that the program draws itself), the order of batches, and
//! [`Dataset`], which makes batches of tensors of whatever there is.
//!
//! ```
//! use grafito::datasets::{Batches, synthetic_digits};
//!
//! let digits = synthetic_digits(100, 20, 7);
//! let mut batches = Batches::new(digits.train.len(), 32, 7);
//! for rows in batches.epoch(0) {
//!     let pixels = digits.train.batch_f32(rows);
//!     assert_eq!(pixels.len(), rows.len() * 784);
//! }
//! ```

mod batches;
mod dataset;
mod error;
mod images;
pub mod mnist;
mod order;
mod prefetch;
mod random;
mod synthetic;

pub use batches::Batches;
pub use dataset::{Dataset, Examples, Pair};
pub use error::DatasetError;
pub use images::{CLASSES, IMAGE_PIXELS, IMAGE_SIDE, Mnist, Split};
pub use synthetic::synthetic_digits;
