//! The unit that is checked as a whole: a mark, a length, a checksum (CRC32C of length and payload), a payload.
//!
//! The mark lets a reader find the next frame after a damaged one.
use super::varint::{Bytes, write_varint};
use crate::disk::Input;
use std::io;

const MARK: [u8; 4] = [0xf5, b'i', b'f', 0x9e];
const HEAD: usize = 12;

/// Bytes that a scan reads at once.
const WINDOW: usize = 1 << 20;

/// The most that is compressed as one.
const MOST_RAW: usize = 1 << 30;

const LEVEL: i32 = 3;

/// Appends a frame whose payload `fill` writes.
pub(crate) fn write_frame(into: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let from = into.len();
    into.extend_from_slice(&[0; HEAD]);
    fill(into);
    let length = (into.len() - from - HEAD) as u32;
    let frame = &mut into[from..];
    frame[..4].copy_from_slice(&MARK);
    frame[4..8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(length, &frame[HEAD..]);
    frame[8..HEAD].copy_from_slice(&sum.to_le_bytes());
}

/// The payload of the frame that `bytes` begin with, if it is whole and right.
pub(crate) fn read_frame(bytes: &[u8]) -> Option<&[u8]> {
    let mut bytes = Bytes(bytes);
    let (mark, length, sum) = (bytes.array()?, u32::from_le_bytes(bytes.array()?), u32::from_le_bytes(bytes.array()?));
    let payload = bytes.take(length as usize)?;
    (mark == MARK && sum == checksum(length, payload)).then_some(payload)
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), payload)
}

/// Reads the frames of a file one after the other, and finds the next one where some bytes are none.
#[derive(Debug)]
pub(crate) struct Scanner<'i> {
    input: &'i dyn Input,
    size: u64,
    /// Where the next frame should begin.
    at: u64,
    window: Vec<u8>,
    window_at: u64,
    /// Bytes passed over before a frame that is right.
    pub(crate) damaged_bytes: u64,
    /// Bytes after the last frame that is right.
    pub(crate) torn_bytes: u64,
}

impl<'i> Scanner<'i> {
    /// A scan of `input` from byte `at` on.
    pub(crate) fn new(input: &'i dyn Input, at: u64) -> io::Result<Self> {
        let size = input.size_bytes()?;
        Ok(Self { input, size, at, window: Vec::new(), window_at: at, damaged_bytes: 0, torn_bytes: 0 })
    }

    /// Offset, length and payload of the next frame; none at the end.
    pub(crate) fn next_frame(&mut self) -> io::Result<Option<(u64, u32, &[u8])>> {
        let began = self.at;
        loop {
            if self.at + HEAD as u64 > self.size {
                self.torn_bytes = self.size.saturating_sub(began);
                self.at = self.size;
                return Ok(None);
            }
            if let Some(length) = self.frame_here()? {
                self.damaged_bytes += self.at - began;
                let at = self.at;
                self.at += length as u64;
                let from = (at - self.window_at) as usize;
                return Ok(Some((at, length as u32, &self.window[from + HEAD..from + length])));
            }
            self.seek_mark()?;
        }
    }

    /// The length of the frame at the current place, head included, if there is one.
    fn frame_here(&mut self) -> io::Result<Option<usize>> {
        let head = self.bytes(HEAD)?;
        if !head.starts_with(&MARK) {
            return Ok(None);
        }
        let Some(length) = head[4..8].first_chunk().map(|length| u32::from_le_bytes(*length) as usize) else {
            return Ok(None);
        };
        if self.at + (HEAD + length) as u64 > self.size {
            return Ok(None);
        }
        let whole = self.bytes(HEAD + length)?;
        Ok(read_frame(whole).is_some().then_some(HEAD + length))
    }

    /// Moves on to the next mark, or to the end.
    fn seek_mark(&mut self) -> io::Result<()> {
        self.at += 1;
        while self.at < self.size {
            let length = (self.size - self.at).min(WINDOW as u64) as usize;
            let bytes = self.bytes(length)?;
            if let Some(found) = bytes.windows(MARK.len()).position(|window| window == MARK) {
                self.at += found as u64;
                return Ok(());
            }
            // A mark may begin in the last bytes.
            self.at += (length.saturating_sub(MARK.len() - 1)).max(1) as u64;
        }
        Ok(())
    }

    /// `length` bytes from the current place on, all of them within the file.
    fn bytes(&mut self, length: usize) -> io::Result<&[u8]> {
        let end = self.at + length as u64;
        if self.at < self.window_at || end > self.window_at + self.window.len() as u64 {
            let wanted = (self.size - self.at).min(length.max(WINDOW) as u64) as usize;
            self.window.resize(wanted, 0);
            self.window_at = self.at;
            self.input.read_at(self.at, &mut self.window)?;
        }
        let from = (self.at - self.window_at) as usize;
        Ok(&self.window[from..from + length])
    }
}

/// Compresses with zstd, and remembers its working memory.
pub(crate) struct Compressor(Option<zstd::bulk::Compressor<'static>>);

impl Compressor {
    pub(crate) fn new() -> Self {
        Self(zstd::bulk::Compressor::new(LEVEL).ok())
    }

    /// Appends the length of `raw` and `raw` itself, compressed.
    pub(crate) fn write(&mut self, raw: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        let compressor = self.0.as_mut().ok_or(io::ErrorKind::OutOfMemory)?;
        write_varint(into, raw.len() as u64);
        let from = into.len();
        into.resize(from + zstd::zstd_safe::compress_bound(raw.len()), 0);
        let written = compressor.compress_to_buffer(raw, &mut into[from..])?;
        into.truncate(from + written);
        Ok(())
    }
}

/// The other direction.
pub(crate) struct Decompressor(Option<zstd::bulk::Decompressor<'static>>);

impl Decompressor {
    pub(crate) fn new() -> Self {
        Self(zstd::bulk::Decompressor::new().ok())
    }

    /// What [`Compressor::write`] compressed into all of `packed`; none where it did not.
    pub(crate) fn read(&mut self, packed: &[u8], into: &mut Vec<u8>) -> Option<()> {
        let mut packed = Bytes(packed);
        let length = packed.count().filter(|length| *length <= MOST_RAW)?;
        into.resize(length, 0);
        let written = self.0.as_mut()?.decompress_to_buffer(packed.0, into.as_mut_slice()).ok()?;
        (written == length).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Held(Vec<u8>);

    impl Input for Held {
        fn size_bytes(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
            let from = offset as usize;
            into.copy_from_slice(self.0.get(from..from + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }
    }

    fn scan(bytes: &[u8]) -> (Vec<Vec<u8>>, u64, u64) {
        let held = Held(bytes.to_vec());
        let mut scanner = Scanner::new(&held, 0).expect("a size");
        let mut found = Vec::new();
        while let Some((at, length, payload)) = scanner.next_frame().expect("bytes") {
            assert_eq!(read_frame(&bytes[at as usize..][..length as usize]), Some(payload));
            found.push(payload.to_vec());
        }
        (found, scanner.damaged_bytes, scanner.torn_bytes)
    }

    #[test]
    fn a_scan_finds_the_frames_around_any_damage() {
        // The last one is longer than what is read at once.
        let payloads = [b"one".to_vec(), MARK.repeat(3), Vec::new(), vec![7; WINDOW + 5]];
        let mut bytes = Vec::new();
        let ends = payloads.each_ref().map(|payload| {
            write_frame(&mut bytes, |into| into.extend_from_slice(payload));
            bytes.len()
        });
        assert_eq!(scan(&bytes), (payloads.to_vec(), 0, 0));
        for at in 0..ends[2] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let hit = ends.partition_point(|end| *end <= at);
            let mut left = payloads.to_vec();
            left.remove(hit);
            let lost = (ends[hit] - if hit == 0 { 0 } else { ends[hit - 1] }) as u64;
            assert_eq!(scan(&damaged), (left, lost, 0), "byte {at}");
        }
        for length in [0, 1, ends[0] - 1, ends[0], ends[0] + 5, ends[2], ends[3] - 1] {
            let whole = ends.partition_point(|end| *end <= length);
            let torn = length - if whole == 0 { 0 } else { ends[whole - 1] };
            assert_eq!(scan(&bytes[..length]), (payloads[..whole].to_vec(), 0, torn as u64), "cut at {length}");
        }
    }

    #[test]
    fn what_is_compressed_comes_back_and_nonsense_does_not() {
        let (mut packed, mut raw) = (Vec::new(), Vec::new());
        let text = b"again and again ".repeat(1000);
        Compressor::new().write(&text, &mut packed).expect("memory");
        let mut decompressor = Decompressor::new();
        assert_eq!((decompressor.read(&packed, &mut raw), &raw), (Some(()), &text));
        for length in 0..packed.len() {
            assert_eq!(decompressor.read(&packed[..length], &mut raw), None);
        }
        assert_eq!(decompressor.read(&[0xff; 40], &mut raw), None);
    }
}
