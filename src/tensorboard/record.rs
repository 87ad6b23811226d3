//! Records: how bytes are framed in a log, so that a damaged or unfinished end is noticed.
//!
//! # Source
//! TensorFlow's TFRecord format: length (8 bytes, little-endian), checksum of the length, the bytes, checksum of the
//! bytes. The checksums are CRC-32C, rotated and offset, since a record may hold records.

/// Appends a record with these bytes.
pub(super) fn frame(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = (bytes.len() as u64).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(&masked_crc(bytes).to_le_bytes());
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}
