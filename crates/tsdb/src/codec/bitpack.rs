//! Values whose digits are noise, such as sums of measured times: differences of their bits at the width they need.
use super::varint::{Bytes, unzigzag, write_varint, zigzag};

/// Differences that share a width.
const RUN: usize = 16;

/// Appends the values to `into`: their count, the first one, and runs of differences, each behind a byte with its width
/// in bits.
pub(crate) fn pack(mut values: impl ExactSizeIterator<Item = f64>, into: &mut Vec<u8>) {
    write_varint(into, values.len() as u64);
    let Some(first) = values.next() else { return };
    into.extend_from_slice(&first.to_le_bytes());
    let (mut run, mut last) = (Vec::with_capacity(RUN), first.to_bits());
    for value in values {
        let bits = value.to_bits();
        run.push(zigzag(bits.wrapping_sub(last) as i64));
        last = bits;
        if run.len() == RUN {
            pack_run(&run, into);
            run.clear();
        }
    }
    pack_run(&run, into);
}

fn pack_run(run: &[u64], into: &mut Vec<u8>) {
    if run.is_empty() {
        return;
    }
    let width = run.iter().fold(0, |all, difference| all | difference).checked_ilog2().map_or(0, |top| top + 1);
    into.push(width as u8);
    let (mut held, mut held_bits) = (0_u128, 0);
    for difference in run {
        held |= u128::from(*difference) << held_bits;
        held_bits += width;
        while held_bits >= 8 {
            into.push(held as u8);
            held >>= 8;
            held_bits -= 8;
        }
    }
    if held_bits > 0 {
        into.push(held as u8);
    }
}

/// Gives the values that [`pack`] wrote, `most` of them at most; fewer where the bytes end before.
pub(crate) fn unpack(packed: &[u8], most: usize, mut visit: impl FnMut(f64)) {
    let mut bytes = Bytes(packed);
    let Some(count) = bytes.count().map(|count| count.min(most)).filter(|count| *count > 0) else { return };
    let Some(first) = bytes.array() else { return };
    visit(f64::from_le_bytes(first));
    let (mut last, mut left) = (u64::from_le_bytes(first), count - 1);
    while left > 0 {
        let run = left.min(RUN);
        let Some([width]) = bytes.array() else { return };
        let width = usize::from(width.min(64));
        let from_here = bytes.0;
        if bytes.take((run * width).div_ceil(8)).is_none() {
            return;
        }
        for n in 0..run {
            last = last.wrapping_add(unzigzag(bits_at(from_here, n * width, width)) as u64);
            visit(f64::from_bits(last));
        }
        left -= run;
    }
}

/// The `width` bits from bit `at` on, which are within `bytes`.
#[inline]
fn bits_at(bytes: &[u8], at: usize, width: usize) -> u64 {
    let (from, shift) = (at / 8, at % 8);
    let near = bytes.get(from..).unwrap_or_default();
    let window = near.first_chunk().map_or_else(|| last_window(near), |window| u128::from_le_bytes(*window));
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    (window >> shift) as u64 & mask
}

/// The number that fewer than sixteen bytes are.
#[cold]
fn last_window(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |window, byte| window << 8 | u128::from(*byte))
}
