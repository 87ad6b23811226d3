//! The IDX format: a big-endian header (mark, then sizes), then one byte per pixel or label.

use std::path::Path;

use super::super::{CLASSES, DatasetError, IMAGE_PIXELS, IMAGE_SIDE};
use super::files::{Content, DataFile};

/// Checks that these uncompressed bytes are such a file; returns how many images or labels it holds.
///
/// `path` is what errors call the bytes.
///
/// # Errors
///
/// If the mark, the image size, the count, the length or a label is not as the format and the dataset demand.
pub(super) fn verify(file: &DataFile, bytes: &[u8], path: &Path) -> Result<usize, DatasetError> {
    let (magic, header_size, item_size) = match file.content {
        Content::Images => (0x0803, 16, IMAGE_PIXELS),
        Content::Labels => (0x0801, 8, 1),
    };
    let path = || path.to_owned();
    if bytes.len() < header_size {
        return Err(DatasetError::NoHeader { path: path(), expected: header_size, found: bytes.len() });
    }
    let (header, items) = bytes.split_at(header_size);
    let mut words = header.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word));
    let mut next_word = || words.next().unwrap_or_default();

    let found = next_word();
    if found != magic {
        return Err(DatasetError::Magic { path: path(), expected: magic, found });
    }
    let count = next_word();
    if file.content == Content::Images {
        let (rows, columns) = (next_word(), next_word());
        if [rows, columns] != [IMAGE_SIDE as u32; 2] {
            return Err(DatasetError::ImageSize { path: path(), rows, columns });
        }
    }
    if !(1..=file.count).contains(&count) {
        return Err(DatasetError::Count { path: path(), limit: file.count, found: count });
    }
    let expected = header_size + count as usize * item_size;
    if bytes.len() != expected {
        return Err(DatasetError::Length { path: path(), count, expected, found: bytes.len() });
    }
    if file.content == Content::Labels
        && let Some(index) = items.iter().position(|&label| usize::from(label) >= CLASSES)
    {
        return Err(DatasetError::Label { path: path(), index, found: items[index] });
    }
    Ok(count as usize)
}

/// Replaces the count in a verified header.
pub(super) fn set_count(bytes: &mut [u8], count: u32) {
    bytes[4..8].copy_from_slice(&count.to_be_bytes());
}
