//! The MNIST database of handwritten digits: finding it, downloading it, checking it, reading it.
//!
//! Four IDX files make the set, gzip-compressed or plain, told apart by their first bytes:
//!
//! | file | holds |
//! | --- | --- |
//! | `train-images-idx3-ubyte` | 60,000 images of 28x28 bytes |
//! | `train-labels-idx1-ubyte` | their labels |
//! | `t10k-images-idx3-ubyte` | 10,000 images |
//! | `t10k-labels-idx1-ubyte` | their labels |
//!
//! Each may carry `.gz` at its end, and `.idx` in place of `-idx` in its name.
//!
//! A program that just wants digits calls [`load_or_synthesize`]; [`Mnist::load`] reads one folder and does nothing
//! else, [`find`] says which folder that is, and [`fetch`] fills it.

mod choose;
mod download;
mod files;
mod find;
mod idx;
mod load;
mod read;

pub use choose::{Options, load_or_synthesize};
pub use download::{MIRRORS, Remote, fetch};
pub use find::{Location, find};

pub use super::images::{Mnist, Split};
