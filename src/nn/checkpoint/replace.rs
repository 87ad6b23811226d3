//! Files that are replaced as a whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// Replaces a file by what `write` writes: into a temporary file beside it, which is flushed to the disk and then takes its
/// name. Whatever fails, and whenever the process ends, the file is as it was or as it is to be. Its permissions stay; a file
/// that was not there has those of any new file.
///
/// ```
/// use std::io::Write;
/// use grafito::nn::replace_file;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// replace_file(&path, |file| file.write_all(b"whole"))?;
/// let failed = replace_file(&path, |file| {
///     file.write_all(b"ha")?;
///     Err(std::io::Error::other("the disk is full"))
/// });
/// assert!(failed.is_err());
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the folder cannot be written to, `write` fails, or the path names something else than a file.
pub fn replace_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (old, folder) = target(path)?;
    // A temporary file is for its owner alone; this one is not to stay one. The system takes away what its user does not give
    // to new files.
    let mut builder = Builder::new();
    #[cfg(unix)]
    if old.is_none() {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    write(&mut file)?;
    file.flush()?;
    if let Some(permissions) = old {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The name is in the folder, which is flushed on its own. Not every system lets it be opened.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Fails where [`replace_file`] would fail whatever is to be written: to be asked before the work that is to be kept. A file
/// that is there stays as it is, and none is left behind.
///
/// ```
/// use grafito::nn::check_replaceable;
///
/// let folder = tempfile::tempdir()?;
/// assert!(check_replaceable(&folder.path().join("model")).is_ok());
/// let error = check_replaceable(&folder.path().join("runs/model")).unwrap_err();
/// assert!(error.to_string().starts_with("there is no folder "));
/// assert!(check_replaceable(folder.path()).is_err());
/// assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the folder cannot be written to, or the path names something else than a file.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    let (_, folder) = target(path)?;
    Builder::new().tempfile_in(folder).map(drop)
}

/// The permissions of the file that is there, and the folder.
fn target(path: &Path) -> io::Result<(Option<Permissions>, &Path)> {
    // Replacing a device, a pipe or a link would not write to it but put a file in its place.
    let old = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::other("it is a folder")),
        Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is no regular file")),
        Ok(metadata) => Some(metadata.permissions()),
        Err(_) => None,
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match folder.is_dir() {
        true => Ok((old, folder)),
        false => {
            Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display())))
        }
    }
}
