//! Bytes of a file, uncompressed, and never more of them than expected.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::super::DatasetError;

/// Reads a regular file, gzip-compressed or plain.
///
/// # Errors
///
/// If there is no regular file that can be read, or for what [`uncompress`] refuses.
pub(super) fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, DatasetError> {
    // Asked before opening: opening a pipe would wait for a writer.
    let metadata = fs::metadata(path).map_err(DatasetError::io("read", path))?;
    if !metadata.is_file() {
        return Err(DatasetError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    uncompress(BufReader::new(file), limit, path)
}

/// Reads a stream to its end, through gzip if it starts like gzip. `path` is what errors call the stream.
///
/// # Errors
///
/// If reading fails, the gzip stream is damaged or cut off, or there are more than `limit` bytes: a small file can
/// unpack to any size, so no more than the limit is ever unpacked.
pub(super) fn uncompress(
    mut stream: impl BufRead,
    limit: usize,
    path: &Path,
) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    let one_too_many = limit as u64 + 1;
    if is_gzip(stream.fill_buf().map_err(DatasetError::io("read", path))?) {
        let unpacked = MultiGzDecoder::new(stream).take(one_too_many).read_to_end(&mut bytes);
        unpacked.map_err(|error| gzip_error(error, path))?;
    } else {
        stream.take(one_too_many).read_to_end(&mut bytes).map_err(DatasetError::io("read", path))?;
    }
    if bytes.len() > limit {
        return Err(DatasetError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Whether a stream that starts like this is gzip. No IDX file starts so.
pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

fn gzip_error(reason: io::Error, path: &Path) -> DatasetError {
    let path = path.to_owned();
    if reason.raw_os_error().is_some() {
        DatasetError::Io { action: "read", path, reason }
    } else if reason.kind() == ErrorKind::UnexpectedEof {
        DatasetError::GzipCutOff { path }
    } else {
        DatasetError::GzipDamaged { path, reason }
    }
}
