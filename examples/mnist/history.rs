//! The record of a training run: one line an epoch, as CSV.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// What an epoch ended with. Seconds are those of the training part.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Epoch {
    pub(crate) epoch: usize,
    pub(crate) seconds: f64,
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
    pub(crate) val_loss: f64,
    pub(crate) val_accuracy: f64,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Epoch { epoch, seconds, loss, accuracy, val_loss, val_accuracy } = self;
        let width = f.width().unwrap_or(0);
        write!(f, "epoch {epoch:>width$}  {seconds:6.2} s  loss {loss:.4}  accuracy {accuracy:.4}  ")?;
        write!(f, "val_loss {val_loss:.4}  val_accuracy {val_accuracy:.4}")
    }
}

/// The epochs so far, and the file that is kept up to date with them.
#[derive(Debug)]
pub(crate) struct History {
    epochs: Vec<Epoch>,
    path: Option<PathBuf>,
}

impl History {
    /// An empty record; the file, if one is wanted, must be writable.
    pub(crate) fn create(path: Option<&Path>) -> Result<History, HistoryError> {
        let history = History { epochs: Vec::new(), path: path.map(Path::to_owned) };
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
            Some(path) => self.write(path).map_err(|error| HistoryError::new(path, &*error)),
            None => Ok(()),
        }
    }

    fn write(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
        let mut writer = csv::Writer::from_writer(&mut file);
        for epoch in &self.epochs {
            writer.serialize(epoch)?;
        }
        writer.flush()?;
        drop(writer);
        file.as_file().sync_all()?;
        #[cfg(unix)]
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.persist(path)?;
        Ok(())
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
