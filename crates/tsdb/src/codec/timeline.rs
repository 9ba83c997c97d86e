//! Timelines: the times of a target's scrapes, which its series share.
use super::column::{ColumnEncoder, for_each_units};
use super::varint::{ByteReader, unzigzag, write_varint, zigzag};

/// Appends strictly increasing times: the first one, their number, and the steps between them as a column.
pub(crate) fn encode_timeline(times_ms: &[i64], out: &mut Vec<u8>) {
    write_varint(out, zigzag(times_ms.first().copied().unwrap_or_default()));
    write_varint(out, times_ms.len() as u64);
    let mut steps = ColumnEncoder::default();
    for (row, pair) in times_ms.windows(2).enumerate() {
        steps.push(row as u32, pair[1].saturating_sub(pair[0]) as f64);
    }
    steps.write_to(out);
}

/// Decodes the times that [`encode_timeline`] wrote; `None` if the bytes are damaged.
pub(crate) fn decode_timeline(bytes: &[u8]) -> Option<Vec<i64>> {
    let mut bytes = ByteReader(bytes);
    let (first, rows) = (unzigzag(bytes.varint()?), bytes.varint_usize()?);
    let mut times_ms = Vec::with_capacity(rows.min(1 << 20));
    if rows > 0 {
        times_ms.push(first);
        let mut last = first;
        for_each_units(bytes.0, rows - 1, |step| {
            last = last.saturating_add(step);
            times_ms.push(last);
        })?;
    }
    (times_ms.len() == rows && times_ms.is_sorted_by(|a, b| a < b)).then_some(times_ms)
}
