//! Compression with zstd, reusing its working memory.
use super::varint::{ByteReader, write_varint};
use std::io;

/// Maximum size of compressed content, before compression.
const MAX_RAW_BYTES: usize = 1 << 30;

const LEVEL: i32 = 3;

/// `None` if there was no memory for it.
pub(crate) struct Compressor(Option<zstd::bulk::Compressor<'static>>);

impl Compressor {
    pub(crate) fn new() -> Self {
        Self(zstd::bulk::Compressor::new(LEVEL).ok())
    }

    /// Appends the length of `raw`, and `raw` itself, compressed.
    pub(crate) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let compressor = self.0.as_mut().ok_or(io::ErrorKind::OutOfMemory)?;
        write_varint(out, raw.len() as u64);
        let start = out.len();
        out.resize(start + zstd::zstd_safe::compress_bound(raw.len()), 0);
        let written = compressor.compress_to_buffer(raw, &mut out[start..])?;
        out.truncate(start + written);
        Ok(())
    }
}

/// `None` if there was no memory for it.
pub(crate) struct Decompressor(Option<zstd::bulk::Decompressor<'static>>);

impl Decompressor {
    pub(crate) fn new() -> Self {
        Self(zstd::bulk::Decompressor::new().ok())
    }

    /// Decompresses all of `compressed`, which [`Compressor::write`] wrote; `None` if it is damaged.
    pub(crate) fn read(&mut self, compressed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut compressed = ByteReader(compressed);
        let length = compressed.varint_usize().filter(|length| *length <= MAX_RAW_BYTES)?;
        out.resize(length, 0);
        let written = self.0.as_mut()?.decompress_to_buffer(compressed.0, out.as_mut_slice()).ok()?;
        (written == length).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_content_round_trips_and_damaged_content_is_rejected() {
        let (mut compressed, mut raw) = (Vec::new(), Vec::new());
        let text = b"again and again ".repeat(1000);
        Compressor::new().write(&text, &mut compressed).expect("memory");
        let mut decompressor = Decompressor::new();
        assert_eq!((decompressor.read(&compressed, &mut raw), &raw), (Some(()), &text));
        for length in 0..compressed.len() {
            assert_eq!(decompressor.read(&compressed[..length], &mut raw), None);
        }
        assert_eq!(decompressor.read(&[0xff; 40], &mut raw), None);
    }
}
