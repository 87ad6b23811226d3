//! Everything that can be wrong with a dataset, as sentences with the file and the facts in them.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a dataset could not be found, downloaded or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The operating system refused to read or write something.
    #[error("cannot {action} {path}: {reason}")]
    Io {
        /// The verb: `read`, `write`, `create`.
        action: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },

    /// The folder of the dataset does not exist.
    #[error("the folder {path} does not exist")]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },

    /// A file was given where a folder is expected.
    #[error("{path} is not a folder")]
    NotAFolder {
        /// What was given.
        path: PathBuf,
    },

    /// A folder, pipe or device lies where a file is expected.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What lies there.
        path: PathBuf,
    },

    /// The folder holds none of the names that a file of the dataset may have.
    #[error("{folder} holds none of {}", .names.join(", "))]
    NoFile {
        /// The folder that was searched.
        folder: PathBuf,
        /// The names that were looked for.
        names: Vec<String>,
    },

    /// A gzip stream stops before its end.
    #[error("{path}: the gzip stream is cut off")]
    GzipCutOff {
        /// The file or address.
        path: PathBuf,
    },

    /// A gzip stream contradicts itself: a bad header, block or checksum.
    #[error("{path}: the gzip stream is damaged: {reason}")]
    GzipDamaged {
        /// The file or address.
        path: PathBuf,
        /// What the decompressor said.
        reason: io::Error,
    },

    /// A file holds, or unpacks to, more than the original file does.
    #[error("{path}: more than {limit} bytes when uncompressed, expected at most {limit}")]
    TooLarge {
        /// The file or address.
        path: PathBuf,
        /// Size of the original file, in bytes.
        limit: usize,
    },

    /// A file ends inside its header.
    #[error("{path}: {found} bytes, expected a header of {expected} bytes")]
    NoHeader {
        /// The file or address.
        path: PathBuf,
        /// Size of the header, in bytes.
        expected: usize,
        /// Size of the file, in bytes.
        found: usize,
    },

    /// A file starts with something else than the mark of its kind.
    #[error("{path}: the magic number is {found:#010x}, expected {expected:#010x}")]
    Magic {
        /// The file or address.
        path: PathBuf,
        /// The mark of this kind of file.
        expected: u32,
        /// The first four bytes.
        found: u32,
    },

    /// The images are not 28x28.
    #[error("{path}: the images are {rows}x{columns}, expected 28x28")]
    ImageSize {
        /// The file or address.
        path: PathBuf,
        /// Rows that the header announces.
        rows: u32,
        /// Columns that the header announces.
        columns: u32,
    },

    /// The header announces no item, or more than the original file has.
    #[error("{path}: the header announces {found} items, expected 1 to {limit}")]
    Count {
        /// The file or address.
        path: PathBuf,
        /// Items in the original file.
        limit: u32,
        /// Items that the header announces.
        found: u32,
    },

    /// The file is shorter or longer than its header announces.
    #[error("{path}: {found} bytes, expected {expected} for the {count} items that the header announces")]
    Length {
        /// The file or address.
        path: PathBuf,
        /// Items that the header announces.
        count: u32,
        /// Size that follows from the header, in bytes.
        expected: usize,
        /// Size of the file when uncompressed, in bytes.
        found: usize,
    },

    /// A label is not a digit.
    #[error("{path}: label {index} is {found}, expected 0 to 9")]
    Label {
        /// The file or address.
        path: PathBuf,
        /// Which label, counted from 0.
        index: usize,
        /// Its value.
        found: u8,
    },

    /// There are not as many labels as images.
    #[error("{images_path} holds {images} images, but {labels_path} holds {labels} labels")]
    Unpaired {
        /// The file of images.
        images_path: PathBuf,
        /// How many it holds.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// How many it holds.
        labels: usize,
    },

    /// The folder for temporary files has a name that the parser cannot be given.
    #[error("the temporary folder {path} has a name that is not UTF-8")]
    TemporaryName {
        /// The folder.
        path: PathBuf,
    },

    /// This user has no cache folder, so that there is nowhere to look or to download to.
    #[error("no folder was given, MNIST_DIR is not set, and this user has no cache folder")]
    NoCacheFolder,

    /// A mirror did not answer, or not with the file.
    #[error("{url}: {reason}")]
    Network {
        /// The address.
        url: String,
        /// What the HTTP client said.
        reason: String,
    },

    /// A mirror answered with a well-formed file that is not the one asked for.
    #[error("{url}: the MD5 of the uncompressed bytes is {found}, expected {expected}")]
    Checksum {
        /// The address.
        url: String,
        /// The checksum of the file that was asked for, in hexadecimal.
        expected: String,
        /// The checksum of the answer, in hexadecimal.
        found: String,
    },

    /// No mirror had a file.
    #[error("{file} could not be downloaded: {}", sentences(.attempts))]
    NotDownloaded {
        /// The name of the file.
        file: &'static str,
        /// What went wrong at each mirror, in the order in which they were tried.
        attempts: Vec<DatasetError>,
    },
}

impl DatasetError {
    /// Wraps an I/O error for `map_err`.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> DatasetError {
        let path = path.into();
        move |reason| DatasetError::Io { action, path, reason }
    }
}

fn sentences(attempts: &[DatasetError]) -> String {
    if attempts.is_empty() {
        return "no mirror is configured".to_owned();
    }
    attempts.iter().map(DatasetError::to_string).collect::<Vec<_>>().join("; ")
}
