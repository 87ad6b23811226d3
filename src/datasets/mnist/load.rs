//! Reading a folder: every file is verified here first, because the parser panics on bad ones.

use std::fs;
use std::path::{Path, PathBuf};

use ::mnist::MnistBuilder;
use md5::{Digest, Md5};

use super::super::{DatasetError, Mnist, Split};
use super::files::{DataFile, FILES};
use super::{idx, read};

impl Mnist {
    /// Reads the four files of a folder (the [module](crate::datasets::mnist) lists their names).
    ///
    /// A set of the same form that is not the original one, such as Fashion-MNIST or a subset, is accepted with a
    /// [`note`](Mnist::note). A set with more images than the original is not.
    ///
    /// # Errors
    ///
    /// If a file is missing, unreadable, damaged, cut off, too long or not of its kind, a label is not a digit, or
    /// the numbers of images and labels differ. No content of the folder makes it panic.
    pub fn load(folder: &Path) -> Result<Mnist, DatasetError> {
        // The parser reads plain files by their path, so it gets copies of what was verified.
        let copies = tempfile::tempdir().map_err(DatasetError::io("create", std::env::temp_dir()))?;
        let mut paths: [PathBuf; 4] = Default::default();
        let mut counts = [0; 4];
        let mut unknown = Vec::new();
        for (idx, file) in FILES.iter().enumerate() {
            let path = file.locate(folder)?;
            let (mut bytes, count) = read_verified(file, &path)?;
            if md5_of(&bytes) != file.md5 {
                unknown.push(file.name);
            }
            // The parser insists on the original counts here; how many there are it is told by its lengths.
            idx::set_count(&mut bytes, file.count);
            let copy = copies.path().join(file.name);
            fs::write(&copy, bytes).map_err(DatasetError::io("write", copy))?;
            (paths[idx], counts[idx]) = (path, count);
        }
        let [n_train, _, n_test, _] = counts;
        for images in [0, 2] {
            let labels = images + 1;
            if counts[images] != counts[labels] {
                return Err(DatasetError::Unpaired {
                    images_path: paths[images].clone(),
                    images: counts[images],
                    labels_path: paths[labels].clone(),
                    labels: counts[labels],
                });
            }
        }
        let Some(base_path) = copies.path().to_str() else {
            return Err(DatasetError::TemporaryName { path: copies.path().to_owned() });
        };
        let parsed = MnistBuilder::new()
            .base_path(base_path)
            .label_format_digit()
            .training_set_length(n_train as u32)
            .validation_set_length(0)
            .test_set_length(n_test as u32)
            .finalize();
        Ok(Mnist {
            train: Split { images: parsed.trn_img, labels: parsed.trn_lbl },
            test: Split { images: parsed.tst_img, labels: parsed.tst_lbl },
            note: (!unknown.is_empty()).then(|| {
                let (folder, files) = (folder.display(), unknown.join(", "));
                format!(
                    "{folder} is a well-formed set of {n_train} training and {n_test} test images, but not the \
                     original MNIST: the MD5 differs for {files}"
                )
            }),
        })
    }
}

/// The uncompressed bytes of a file, verified, and how many images or labels they hold.
///
/// # Errors
///
/// If the file cannot be read, or is not such a file.
pub(super) fn read_verified(file: &DataFile, path: &Path) -> Result<(Vec<u8>, usize), DatasetError> {
    let bytes = read::read_file(path, file.size)?;
    let count = idx::verify(file, &bytes, path)?;
    Ok((bytes, count))
}

/// A checksum in hexadecimal.
pub(super) fn md5_of(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
