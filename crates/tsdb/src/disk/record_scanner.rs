//! Reading the records of a file one after the other, past any damage.
use super::FileReader;
use crate::codec::{RECORD_HEADER_BYTES, RECORD_MARK, read_record};
use std::io;

/// Bytes that a scan reads at once.
const SCAN_BYTES: usize = 1 << 20;

/// A record that a scan found.
#[derive(Debug)]
pub(crate) struct ScannedRecord<'s> {
    pub(crate) offset: u64,
    /// With the record's header.
    pub(crate) length: u32,
    pub(crate) payload: &'s [u8],
}

/// Reads the records of a file in order, skipping damage.
#[derive(Debug)]
pub(crate) struct RecordScanner<'f> {
    file: &'f dyn FileReader,
    file_bytes: u64,
    /// Where the next record should begin.
    at: u64,
    window: Vec<u8>,
    window_at: u64,
    /// Bytes skipped before an intact record.
    pub(crate) damaged_bytes: u64,
    /// Bytes after the last intact record.
    pub(crate) torn_bytes: u64,
}

impl<'f> RecordScanner<'f> {
    /// Scans `file` from byte `at` on.
    pub(crate) fn new(file: &'f dyn FileReader, at: u64) -> io::Result<Self> {
        Ok(Self::up_to(file, at, file.size_bytes()?))
    }

    /// Scans `file` from byte `at` to byte `end`, which must be within the file.
    pub(crate) fn up_to(file: &'f dyn FileReader, at: u64, end: u64) -> Self {
        Self { file, file_bytes: end, at, window: Vec::new(), window_at: at, damaged_bytes: 0, torn_bytes: 0 }
    }

    /// Where the next record should begin.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// If a record whose payload begins with `tag` is next, skips it without reading the rest; returns its length with
    /// the header.
    pub(crate) fn skip_record(&mut self, tag: u8) -> io::Result<Option<u32>> {
        if self.at + RECORD_HEADER_BYTES as u64 >= self.file_bytes {
            return Ok(None);
        }
        let start = self.bytes(RECORD_HEADER_BYTES + 1)?;
        let length = start[4..8].first_chunk().map(|length| u32::from_le_bytes(*length));
        let is_wanted = start.starts_with(&RECORD_MARK) && start.last() == Some(&tag);
        let length = length.filter(|_| is_wanted).and_then(|length| length.checked_add(RECORD_HEADER_BYTES as u32));
        let Some(length) = length.filter(|length| self.at + u64::from(*length) <= self.file_bytes) else {
            return Ok(None);
        };
        self.at += u64::from(length);
        Ok(Some(length))
    }

    /// The next intact record; `None` at the end.
    pub(crate) fn next_record(&mut self) -> io::Result<Option<ScannedRecord<'_>>> {
        let start = self.at;
        loop {
            if self.at + RECORD_HEADER_BYTES as u64 > self.file_bytes {
                self.torn_bytes = self.file_bytes.saturating_sub(start);
                self.at = self.file_bytes;
                return Ok(None);
            }
            if let Some(length) = self.intact_record_here()? {
                self.damaged_bytes += self.at - start;
                let offset = self.at;
                self.at += length as u64;
                let from = (offset - self.window_at) as usize;
                let payload = &self.window[from + RECORD_HEADER_BYTES..from + length];
                return Ok(Some(ScannedRecord { offset, length: length as u32, payload }));
            }
            self.seek_mark()?;
        }
    }

    /// The length, with the header, of the record at the current position; `None` if there is no intact record.
    fn intact_record_here(&mut self) -> io::Result<Option<usize>> {
        let header = self.bytes(RECORD_HEADER_BYTES)?;
        if !header.starts_with(&RECORD_MARK) {
            return Ok(None);
        }
        let Some(length) = header[4..8].first_chunk().map(|length| u32::from_le_bytes(*length) as usize) else {
            return Ok(None);
        };
        if self.at + (RECORD_HEADER_BYTES + length) as u64 > self.file_bytes {
            return Ok(None);
        }
        let record = self.bytes(RECORD_HEADER_BYTES + length)?;
        Ok(read_record(record).is_some().then_some(RECORD_HEADER_BYTES + length))
    }

    /// Moves on to the next mark, or to the end.
    fn seek_mark(&mut self) -> io::Result<()> {
        self.at += 1;
        while self.at < self.file_bytes {
            let length = (self.file_bytes - self.at).min(SCAN_BYTES as u64) as usize;
            let bytes = self.bytes(length)?;
            if let Some(position) = bytes.windows(RECORD_MARK.len()).position(|window| window == RECORD_MARK) {
                self.at += position as u64;
                return Ok(());
            }
            // A mark may begin in the last bytes.
            self.at += (length.saturating_sub(RECORD_MARK.len() - 1)).max(1) as u64;
        }
        Ok(())
    }

    /// `length` bytes from the current position on, all of them within the file.
    fn bytes(&mut self, length: usize) -> io::Result<&[u8]> {
        let end = self.at + length as u64;
        if self.at < self.window_at || end > self.window_at + self.window.len() as u64 {
            let window_bytes = (self.file_bytes - self.at).min(length.max(SCAN_BYTES) as u64) as usize;
            self.window.resize(window_bytes, 0);
            self.window_at = self.at;
            self.file.read_at(self.at, &mut self.window)?;
        }
        let from = (self.at - self.window_at) as usize;
        Ok(&self.window[from..from + length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::write_record;

    #[derive(Debug)]
    struct MemoryFile(Vec<u8>);

    impl FileReader for MemoryFile {
        fn size_bytes(&self) -> io::Result<u64> {
            Ok(self.0.len() as u64)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            let from = offset as usize;
            buffer.copy_from_slice(self.0.get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }
    }

    /// Payloads, damaged bytes and torn bytes.
    fn scan(bytes: &[u8]) -> (Vec<Vec<u8>>, u64, u64) {
        let file = MemoryFile(bytes.to_vec());
        let mut scanner = RecordScanner::new(&file, 0).expect("a size");
        let mut payloads = Vec::new();
        while let Some(ScannedRecord { offset, length, payload }) = scanner.next_record().expect("bytes") {
            assert_eq!(read_record(&bytes[offset as usize..][..length as usize]), Some(payload));
            payloads.push(payload.to_vec());
        }
        (payloads, scanner.damaged_bytes, scanner.torn_bytes)
    }

    #[test]
    fn a_scan_finds_the_records_around_any_damage() {
        // The last one is longer than what a scan reads at once.
        let payloads = [b"one".to_vec(), RECORD_MARK.repeat(3), Vec::new(), vec![7; SCAN_BYTES + 5]];
        let mut bytes = Vec::new();
        let ends = payloads.each_ref().map(|payload| {
            write_record(&mut bytes, |out| out.extend_from_slice(payload));
            bytes.len()
        });
        assert_eq!(scan(&bytes), (payloads.to_vec(), 0, 0));
        for at in 0..ends[2] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let hit = ends.partition_point(|end| *end <= at);
            let mut remaining = payloads.to_vec();
            remaining.remove(hit);
            let lost = (ends[hit] - if hit == 0 { 0 } else { ends[hit - 1] }) as u64;
            assert_eq!(scan(&damaged), (remaining, lost, 0), "byte {at}");
        }
        for length in [0, 1, ends[0] - 1, ends[0], ends[0] + 5, ends[2], ends[3] - 1] {
            let complete = ends.partition_point(|end| *end <= length);
            let torn = length - if complete == 0 { 0 } else { ends[complete - 1] };
            assert_eq!(scan(&bytes[..length]), (payloads[..complete].to_vec(), 0, torn as u64), "cut at {length}");
        }
    }
}
