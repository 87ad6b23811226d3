//! A well-formed set small enough to write for every test: 5 training and 3 test images.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

pub(crate) const N_TRAIN: usize = 5;
pub(crate) const N_TEST: usize = 3;

pub(crate) const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
pub(crate) const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
pub(crate) const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
pub(crate) const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// The four files, uncompressed, in the order of the dataset's lists.
pub(crate) fn files() -> [(&'static str, Vec<u8>); 4] {
    [
        (TRAIN_IMAGES, image_file(N_TRAIN as u32, 28, 28, &pixels(N_TRAIN, 1))),
        (TRAIN_LABELS, label_file(N_TRAIN as u32, &[5, 0, 4, 1, 9])),
        (TEST_IMAGES, image_file(N_TEST as u32, 28, 28, &pixels(N_TEST, 2))),
        (TEST_LABELS, label_file(N_TEST as u32, &[7, 2, 1])),
    ]
}

/// Pixels that differ from place to place and from salt to salt.
pub(crate) fn pixels(n_images: usize, salt: usize) -> Vec<u8> {
    (0..n_images * 784).map(|place| (place * 31 + place / 784 + salt * 7) as u8).collect()
}

pub(crate) fn image_file(count: u32, rows: u32, columns: u32, pixels: &[u8]) -> Vec<u8> {
    let header = [0x0803, count, rows, columns].map(u32::to_be_bytes).concat();
    [&header, pixels].concat()
}

pub(crate) fn label_file(count: u32, labels: &[u8]) -> Vec<u8> {
    let header = [0x0801, count].map(u32::to_be_bytes).concat();
    [&header, labels].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder with the four files, plain, under their usual names.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files() {
        write(folder.path(), name, &bytes);
    }
    folder
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}
