//! The record of a training run: one line an epoch, as CSV.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use grafito::nn::{self, Epoch};

/// The epochs so far, and the file that is kept up to date with them.
#[derive(Debug)]
pub(crate) struct History {
    epochs: nn::History,
    path: Option<PathBuf>,
}

impl History {
    /// An empty record; the file, if one is wanted, must be writable.
    pub(crate) fn create(path: Option<&Path>) -> Result<History, HistoryError> {
        let history = History { epochs: nn::History::default(), path: path.map(Path::to_owned) };
        if let Some(path) = &history.path {
            // Replacing a device, a pipe or a link would not write to it but put a file in its place.
            let reason = match fs::symlink_metadata(path).map(|metadata| metadata.file_type()) {
                Ok(kind) if kind.is_dir() => Some("it is a folder"),
                Ok(kind) if !kind.is_file() => Some("it is no ordinary file"),
                Ok(_) | Err(_) => None,
            };
            if let Some(reason) = reason {
                return Err(HistoryError { path: path.clone(), reason: reason.to_owned() });
            }
            // A trial beside the target; an earlier record stays until there is a first epoch to replace it with.
            tempfile::NamedTempFile::new_in(folder(path)).map_err(|error| HistoryError::new(path, &error))?;
        }
        Ok(history)
    }

    /// Adds an epoch, and replaces the file by one that has it.
    pub(crate) fn push(&mut self, epoch: Epoch) -> Result<(), HistoryError> {
        self.epochs.push(epoch);
        match &self.path {
            Some(path) => self.epochs.write_csv(path).map_err(|error| HistoryError::new(path, &error)),
            None => Ok(()),
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A history file that cannot be written.
#[derive(Debug)]
pub(crate) struct HistoryError {
    path: PathBuf,
    reason: String,
}

impl HistoryError {
    fn new(path: &Path, error: &dyn std::error::Error) -> HistoryError {
        HistoryError { path: path.to_owned(), reason: error.to_string() }
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write the history to {}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for HistoryError {}
