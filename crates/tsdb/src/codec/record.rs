//! Records, the checksummed units of a file: a mark, a length, a CRC32C of length and payload, and a payload.
//!
//! The mark lets a reader find the next record after a damaged one.
use super::varint::ByteReader;

/// The start of every record.
pub(crate) const RECORD_MARK: [u8; 4] = [0xf5, b'i', b'f', 0x9e];
/// Size of the mark, the length and the checksum.
pub(crate) const RECORD_HEADER_BYTES: usize = 12;

/// Appends a record whose payload `write_payload` writes.
pub(crate) fn write_record(out: &mut Vec<u8>, write_payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
    write_payload(out);
    let length = (out.len() - start - RECORD_HEADER_BYTES) as u32;
    let record = &mut out[start..];
    record[..4].copy_from_slice(&RECORD_MARK);
    record[4..8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(length, &record[RECORD_HEADER_BYTES..]);
    record[8..RECORD_HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
}

/// The payload of the record at the start of `bytes`; `None` if the record is incomplete or damaged.
pub(crate) fn read_record(bytes: &[u8]) -> Option<&[u8]> {
    let mut bytes = ByteReader(bytes);
    let (mark, length, sum) = (bytes.array()?, u32::from_le_bytes(bytes.array()?), u32::from_le_bytes(bytes.array()?));
    let payload = bytes.take(length as usize)?;
    (mark == RECORD_MARK && sum == checksum(length, payload)).then_some(payload)
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), payload)
}
