//! Downloading the files into a folder: checked in memory first, then put in place in one step.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tempfile::NamedTempFile;
use ureq::Agent;

use super::super::DatasetError;
use super::files::{DataFile, FILES};
use super::load::{md5_of, read_verified};
use super::{idx, read};

/// Public copies of the original files, in the order in which they are tried.
pub const MIRRORS: [&str; 2] =
    ["https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"];

/// Where a dataset is downloaded from, and what it must be.
///
/// The default is the original MNIST from [`MIRRORS`]; another set of the same form needs its own checksums.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Addresses that a file name is appended to, tried in order for each file.
    pub mirrors: Vec<String>,
    /// MD5 of the uncompressed training images, training labels, test images and test labels, in hexadecimal.
    pub md5: [String; 4],
    /// How long a mirror may take to accept a connection, to answer, and to send the next bytes.
    pub patience: Duration,
    /// Whether to draw a progress bar on standard error. It is drawn only where that is a terminal.
    pub progress: bool,
}

impl Default for Remote {
    fn default() -> Remote {
        Remote {
            mirrors: MIRRORS.map(str::to_owned).to_vec(),
            md5: FILES.map(|file| file.md5.to_owned()),
            patience: Duration::from_secs(10),
            progress: true,
        }
    }
}

/// Downloads the files that a folder lacks, or holds damaged, and creates the folder if needed.
///
/// Well-formed files are kept, whatever their checksum. A file appears under its name only when it is complete and
/// its checksum is right; a failed or interrupted download leaves nothing behind.
///
/// # Errors
///
/// If no mirror has a file, or the folder cannot be written to. Files that were complete by then stay.
pub fn fetch(folder: &Path, remote: &Remote) -> Result<(), DatasetError> {
    fs::create_dir_all(folder).map_err(DatasetError::io("create", folder))?;
    for (file, md5) in FILES.iter().zip(&remote.md5) {
        let present = file.locate(folder).ok();
        if present.as_ref().is_some_and(|path| read_verified(file, path).is_ok()) {
            continue;
        }
        let body = download(file, md5, remote)?;
        let name = if read::is_gzip(&body) { format!("{}.gz", file.name) } else { file.name.to_owned() };
        let path = folder.join(name);
        save(&path, &body)?;
        // A damaged file under another of the names would be found in place of the new one.
        if let Some(damaged) = present.filter(|damaged| *damaged != path) {
            fs::remove_file(&damaged).map_err(DatasetError::io("remove", damaged))?;
        }
    }
    Ok(())
}

/// The file from the first mirror that has it, as sent.
fn download(file: &DataFile, md5: &str, remote: &Remote) -> Result<Vec<u8>, DatasetError> {
    let mut attempts = Vec::new();
    for mirror in &remote.mirrors {
        let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name);
        match download_from(&url, file, md5, remote) {
            Ok(body) => return Ok(body),
            Err(error) => attempts.push(error),
        }
    }
    Err(DatasetError::NotDownloaded { file: file.name, attempts })
}

fn download_from(url: &str, file: &DataFile, md5: &str, remote: &Remote) -> Result<Vec<u8>, DatasetError> {
    let body = get(url, file.size, remote)?;
    // What errors call the bytes.
    let source = Path::new(url);
    let bytes = read::uncompress(body.as_slice(), file.size, source)?;
    idx::verify(file, &bytes, source)?;
    let found = md5_of(&bytes);
    if found != md5 {
        return Err(DatasetError::Checksum { url: url.to_owned(), expected: md5.to_owned(), found });
    }
    Ok(body)
}

/// The body of a response, of at most `limit` bytes.
fn get(url: &str, limit: usize, remote: &Remote) -> Result<Vec<u8>, DatasetError> {
    let failed = |reason: String| DatasetError::Network { url: url.to_owned(), reason };
    let patience = Some(remote.patience);
    let agent: Agent = Agent::config_builder()
        .timeout_resolve(patience)
        .timeout_connect(patience)
        .timeout_send_request(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        // A mirror that keeps sending one byte at a time is given up in the end.
        .timeout_global(Some(remote.patience * 60))
        .build()
        .into();
    let response = agent.get(url).call().map_err(|error| failed(error.to_string()))?;
    let body = response.into_body();
    let bar = progress_bar(body.content_length(), url, remote.progress);
    let mut bytes = Vec::new();
    let received = bar.wrap_read(body.into_reader().take(limit as u64 + 1)).read_to_end(&mut bytes);
    bar.finish_and_clear();
    received.map_err(|error| failed(error.to_string()))?;
    if bytes.len() > limit {
        return Err(DatasetError::TooLarge { path: url.into(), limit });
    }
    Ok(bytes)
}

fn progress_bar(size: Option<u64>, url: &str, visible: bool) -> ProgressBar {
    if !visible {
        return ProgressBar::hidden();
    }
    let template = match size {
        Some(_) => "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}",
        None => "{msg} {spinner} {bytes} {bytes_per_sec}",
    };
    // The template is fixed above; were it ever wrong, a plain bar is no reason to fail a download.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let name = url.rsplit('/').next().unwrap_or(url).to_owned();
    let bar = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style.progress_chars("=> ")).with_message(name)
}

/// Puts bytes under a name in one step: readers, and a crash, see all of them or none.
fn save(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    let failed = |reason| DatasetError::Io { action: "write", path: path.to_owned(), reason };
    let folder: PathBuf = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let mut partial = NamedTempFile::new_in(&folder).map_err(failed)?;
    partial.write_all(bytes).map_err(failed)?;
    partial.as_file().sync_all().map_err(failed)?;
    partial.persist(path).map_err(|error| failed(error.error))?;
    // The name itself lives in the folder. Only unix can sync one, and not on every file system.
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}
