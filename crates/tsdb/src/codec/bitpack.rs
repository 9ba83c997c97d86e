//! Bit packing for noisy values, such as sums of measured times: the differences of their bits at the width they need.
use super::varint::{ByteReader, unzigzag, write_varint, zigzag};

/// Number of differences that share a width.
const RUN_LENGTH: usize = 16;

/// Appends the values: their count, the first one, and runs of differences, each after a byte with its width in bits.
pub(crate) fn encode_bitpacked(mut values: impl ExactSizeIterator<Item = f64>, out: &mut Vec<u8>) {
    write_varint(out, values.len() as u64);
    let Some(first) = values.next() else { return };
    out.extend_from_slice(&first.to_le_bytes());
    let (mut run, mut last) = (Vec::with_capacity(RUN_LENGTH), first.to_bits());
    for value in values {
        let bits = value.to_bits();
        run.push(zigzag(bits.wrapping_sub(last) as i64));
        last = bits;
        if run.len() == RUN_LENGTH {
            write_run(&run, out);
            run.clear();
        }
    }
    write_run(&run, out);
}

fn write_run(run: &[u64], out: &mut Vec<u8>) {
    if run.is_empty() {
        return;
    }
    let width = run.iter().fold(0, |all, difference| all | difference).checked_ilog2().map_or(0, |top| top + 1);
    out.push(width as u8);
    let (mut buffer, mut buffer_bits) = (0_u128, 0);
    for difference in run {
        buffer |= u128::from(*difference) << buffer_bits;
        buffer_bits += width;
        while buffer_bits >= 8 {
            out.push(buffer as u8);
            buffer >>= 8;
            buffer_bits -= 8;
        }
    }
    if buffer_bits > 0 {
        out.push(buffer as u8);
    }
}

/// Calls `visit` with at most `max_values` of the values that [`encode_bitpacked`] wrote, fewer if the bytes are cut.
pub(crate) fn decode_bitpacked(encoded: &[u8], max_values: usize, mut visit: impl FnMut(f64)) {
    let mut bytes = ByteReader(encoded);
    let Some(count) = bytes.varint_usize().map(|count| count.min(max_values)).filter(|count| *count > 0) else {
        return;
    };
    let Some(first) = bytes.array() else { return };
    visit(f64::from_le_bytes(first));
    let (mut last, mut remaining) = (u64::from_le_bytes(first), count - 1);
    while remaining > 0 {
        let run = remaining.min(RUN_LENGTH);
        let Some([width]) = bytes.array() else { return };
        let width = usize::from(width.min(64));
        let run_bytes = bytes.0;
        if bytes.take((run * width).div_ceil(8)).is_none() {
            return;
        }
        for n in 0..run {
            last = last.wrapping_add(unzigzag(bits_at(run_bytes, n * width, width)) as u64);
            visit(f64::from_bits(last));
        }
        remaining -= run;
    }
}

/// The `width` bits of `bytes` from bit `at` on, which must be within `bytes`.
#[inline]
fn bits_at(bytes: &[u8], at: usize, width: usize) -> u64 {
    let (start, shift) = (at / 8, at % 8);
    let tail = bytes.get(start..).unwrap_or_default();
    let window = tail.first_chunk().map_or_else(|| short_window(tail), |window| u128::from_le_bytes(*window));
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    (window >> shift) as u64 & mask
}

/// The little-endian number in fewer than sixteen bytes.
#[cold]
fn short_window(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |window, byte| window << 8 | u128::from(*byte))
}
