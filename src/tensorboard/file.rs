//! The file of a log: a new one for each writer, with a name that TensorBoard looks for.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::TensorBoardError;

/// Creates a file that no other writer has: the name tells time, machine, process and a number within the process.
///
/// TensorBoard reads the files of a folder in the order of their names, which is that of their times.
pub(super) fn create(folder: &Path, now: Duration) -> Result<(PathBuf, File), TensorBoardError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |reason| TensorBoardError::Create { path, reason }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let (seconds, host, process) = (now.as_secs(), host(), process::id());
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.{host}.{process}.{number}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            // A process of the same number, on a machine of the same name: in a container, say.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path)(error)),
        }
    }
}

/// The machine's name, with nothing in it that could be taken for a path.
fn host() -> String {
    let name = gethostname::gethostname();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let plain: String = name.to_string_lossy().chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    if plain.is_empty() { "localhost".to_owned() } else { plain }
}
