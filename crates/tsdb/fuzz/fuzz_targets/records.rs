//! Fuzzes what records of a store say, with checksums that are right and content that is compressed as it must be; run by
//! `make nightly`.
//!
//! An input is the kind of the file and pieces, each after its length in two bytes. A piece becomes the payload of a record.
#![no_main]
mod folder;

use folder::Folder;

const KINDS: [(&str, &[u8; 4]); 3] = [("block", b"blck"), ("wal", b"wal "), ("chunks", b"chnk")];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, mut rest)) = bytes.split_first() else { return };
    let (extension, tag) = KINDS[usize::from(kind % 3)];
    let mut file = header(tag);
    let mut last_at = 0;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (piece, next) = after.split_at(length);
        last_at = file.len() as u64;
        write_record(&mut file, &payload(extension, piece));
        rest = next;
    }
    if extension == "block" {
        // The last piece is the back record.
        file.extend_from_slice(&last_at.to_le_bytes());
        file.extend_from_slice(&crc32c::crc32c(&last_at.to_le_bytes()).to_le_bytes());
        file.extend_from_slice(b"ifbe");
    }
    let folder = Folder::default();
    folder.add(&format!("{:016x}.{extension}", 1), file);
    folder::check(&folder);
});

fn header(tag: &[u8; 4]) -> Vec<u8> {
    let mut header = b"ifbd".to_vec();
    header.extend_from_slice(tag);
    header.extend_from_slice(&3_u32.to_le_bytes());
    let sum = crc32c::crc32c(&header);
    header.extend_from_slice(&sum.to_le_bytes());
    header
}

fn write_record(file: &mut Vec<u8>, payload: &[u8]) {
    let length = (payload.len() as u32).to_le_bytes();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&length), payload);
    file.extend_from_slice(b"\xf5\x69\x66\x9e");
    file.extend_from_slice(&length);
    file.extend_from_slice(&sum.to_le_bytes());
    file.extend_from_slice(payload);
}

/// A payload: in a block all but the tag is compressed, in a record of series all after the number of the group.
fn payload(extension: &str, piece: &[u8]) -> Vec<u8> {
    let plain = match (extension, piece.first()) {
        ("block", _) => 1,
        (_, Some(1)) => 2,
        _ => piece.len(),
    };
    let (plain, content) = piece.split_at(plain.min(piece.len()));
    if content.is_empty() {
        return piece.to_vec();
    }
    let mut payload = plain.to_vec();
    let mut length = content.len();
    while length >= 0x80 {
        payload.push(length as u8 | 0x80);
        length >>= 7;
    }
    payload.push(length as u8);
    payload.extend(zstd::bulk::compress(content, 1).expect("memory"));
    payload
}
