//! The four files of the dataset as a table, and where each lies in a folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::DatasetError;

/// What an IDX file of this dataset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Images,
    Labels,
}

/// One file of the original dataset.
#[derive(Debug)]
pub(super) struct DataFile {
    pub(super) name: &'static str,
    pub(super) content: Content,
    /// How many images or labels the original has.
    pub(super) count: u32,
    /// Size of the original when uncompressed, in bytes.
    pub(super) size: usize,
    /// Checksum of the original's uncompressed bytes, in hexadecimal.
    pub(super) md5: &'static str,
}

/// Training images, training labels, test images, test labels: the order that every list of four follows.
pub(super) const FILES: [DataFile; 4] = [
    DataFile {
        name: "train-images-idx3-ubyte",
        content: Content::Images,
        count: 60_000,
        size: 47_040_016,
        md5: "6bbc9ace898e44ae57da46a324031adb",
    },
    DataFile {
        name: "train-labels-idx1-ubyte",
        content: Content::Labels,
        count: 60_000,
        size: 60_008,
        md5: "a25bea736e30d166cdddb491f175f624",
    },
    DataFile {
        name: "t10k-images-idx3-ubyte",
        content: Content::Images,
        count: 10_000,
        size: 7_840_016,
        md5: "2646ac647ad5339dbf082846283269ea",
    },
    DataFile {
        name: "t10k-labels-idx1-ubyte",
        content: Content::Labels,
        count: 10_000,
        size: 10_008,
        md5: "27ae3e4e09519cfbb04c329615203637",
    },
];

impl DataFile {
    /// The names that this file goes by, in the order in which they are tried.
    pub(super) fn names(&self) -> [String; 4] {
        let dotted = self.name.replace("-idx", ".idx");
        [self.name.to_owned(), format!("{}.gz", self.name), dotted.clone(), format!("{dotted}.gz")]
    }

    /// Where this file lies in a folder.
    ///
    /// # Errors
    ///
    /// If the folder is missing or no folder, or if it holds none of the names.
    pub(super) fn locate(&self, folder: &Path) -> Result<PathBuf, DatasetError> {
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(DatasetError::NotAFolder { path: folder.to_owned() }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(DatasetError::NoFolder { path: folder.to_owned() });
            }
            Err(error) => return Err(DatasetError::io("read", folder)(error)),
        }
        let names = self.names();
        for name in &names {
            let path = folder.join(name);
            // Anything but "not there" is found, so that the reader can say what is wrong with it.
            match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                _ => return Ok(path),
            }
        }
        Err(DatasetError::NoFile { folder: folder.to_owned(), names: names.to_vec() })
    }
}
