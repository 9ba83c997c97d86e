//! Records that name the series of a group's slots, in the write-ahead log and in chunk files.
use super::compress::Compressor;
use super::labels::{LabelReader, write_labels};
use super::record::write_record;
use super::varint::{ByteReader, write_varint};
use promql::Labels;

/// Appends a record that starts with the byte `tag` and has the label sets of slots; nothing if there are none.
pub(crate) fn write_series_record<'l>(
    out: &mut Vec<u8>,
    tag: u8,
    group: u64,
    series: impl Iterator<Item = (u32, &'l Labels)>,
    compressor: &mut Compressor,
) {
    let (mut raw, mut previous) = (Vec::new(), None);
    for (slot, labels) in series {
        write_varint(&mut raw, u64::from(slot));
        write_labels(&mut raw, previous, labels);
        previous = Some(labels);
    }
    if raw.is_empty() {
        return;
    }
    write_record(out, |payload| {
        payload.push(tag);
        write_varint(payload, group);
        // Compression fails only without memory; the record is then empty, and reported as damaged by a reader.
        let _ = compressor.write(&raw, payload);
    });
}

/// Calls `visit` with each slot and its labels, by name, of the decompressed part of a record; `None` if it is damaged.
pub(crate) fn read_series_record(raw: &[u8], mut visit: impl FnMut(u32, &[(&str, &str)]) -> Option<()>) -> Option<()> {
    let mut bytes = ByteReader(raw);
    let mut labels = LabelReader::default();
    while !bytes.is_empty() {
        let slot = u32::try_from(bytes.varint()?).ok()?;
        visit(slot, labels.next(&mut bytes)?)?;
    }
    Some(())
}
