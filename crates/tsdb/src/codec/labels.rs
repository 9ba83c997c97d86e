//! Label sets one after the other, each without the pairs that it shares with the one before.
use super::varint::{Bytes, write_varint};
use promql::Labels;

/// Appends `labels`, which follow `before`.
pub(crate) fn write_labels(into: &mut Vec<u8>, before: Option<&Labels>, labels: &Labels) {
    let shared = before.map_or(0, |before| before.iter().zip(labels.iter()).take_while(|(a, b)| a == b).count());
    write_varint(into, shared as u64);
    write_varint(into, (labels.len() - shared) as u64);
    for text in labels.iter().skip(shared).flat_map(|(name, value)| [name, value]) {
        write_varint(into, text.len() as u64);
        into.extend_from_slice(text.as_bytes());
    }
}

/// Reads label sets in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct LabelReader<'b>(Vec<(&'b str, &'b str)>);

impl<'b> LabelReader<'b> {
    /// The pairs of the next label set, by name; none where the bytes are no label set.
    pub(crate) fn next(&mut self, bytes: &mut Bytes<'b>) -> Option<&[(&'b str, &'b str)]> {
        let shared = bytes.count().filter(|shared| *shared <= self.0.len())?;
        self.0.truncate(shared);
        for _ in 0..bytes.count()? {
            let (name, value) = (bytes.counted()?, bytes.counted()?);
            self.0.push((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?));
        }
        Some(&self.0)
    }
}
