//! The record of a training run: one line an epoch, as CSV.

use std::fmt;
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
            // An earlier record stays until there is a first epoch to replace it with.
            nn::check_replaceable(path).map_err(|error| HistoryError::new(path, &error))?;
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
