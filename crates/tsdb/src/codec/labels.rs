//! Consecutive label sets, each without the leading pairs that it shares with the previous one.
use super::varint::{ByteReader, write_varint};
use promql::Labels;

/// Appends `labels`, which follow `previous`.
pub(crate) fn write_labels(out: &mut Vec<u8>, previous: Option<&Labels>, labels: &Labels) {
    let shared = previous.map_or(0, |previous| previous.iter().zip(labels.iter()).take_while(|(a, b)| a == b).count());
    write_varint(out, shared as u64);
    write_varint(out, (labels.len() - shared) as u64);
    for text in labels.iter().skip(shared).flat_map(|(name, value)| [name, value]) {
        write_varint(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Reads label sets in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct LabelReader<'b>(Vec<(&'b str, &'b str)>);

impl<'b> LabelReader<'b> {
    /// The pairs of the next label set, by name; `None` if the bytes are damaged.
    pub(crate) fn next(&mut self, bytes: &mut ByteReader<'b>) -> Option<&[(&'b str, &'b str)]> {
        let shared = bytes.varint_usize().filter(|shared| *shared <= self.0.len())?;
        self.0.truncate(shared);
        for _ in 0..bytes.varint_usize()? {
            let (name, value) = (bytes.length_prefixed()?, bytes.length_prefixed()?);
            self.0.push((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?));
        }
        Some(&self.0)
    }
}
