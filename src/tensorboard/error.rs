//! What can go wrong with a log.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a log could not be begun or continued.
///
/// ```
/// use grafito::tensorboard::{TensorBoardError, Writer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let file = folder.join("notes.txt");
/// std::fs::write(&file, "no folder")?;
/// let error = Writer::create(file.join("run")).unwrap_err();
/// assert!(matches!(error, TensorBoardError::Create { .. }), "{error}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TensorBoardError {
    /// The folder or the file of the log cannot be made.
    #[error("cannot create {path}: {reason}")]
    Create {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },

    /// The log cannot be written: the disk is full, say. What waits is kept, up to a bound, and tried again.
    #[error("cannot write {target}: {reason}; {waiting} bytes wait, {lost} events are lost")]
    Write {
        /// The file.
        target: String,
        /// What the operating system said.
        reason: io::Error,
        /// Bytes that wait to be written.
        waiting: usize,
        /// Events that were given up, as too much waited.
        lost: u64,
    },
}
