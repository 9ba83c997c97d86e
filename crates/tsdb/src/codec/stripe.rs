//! Stripes: some rows of one series in a block, in the encoding that fits them best.
//!
//! The first byte names the encoding. Dense stripes have a value in every row: [`DELTAS`] plus a number of decimals for
//! differences of values with at most that many decimals, [`BITPACKED`] for noise, and [`CONSTANT`] for a single value.
//! Other stripes start with a number of decimals, and tokens of a [`ColumnEncoder`] follow.
use super::bitpack::{decode_bitpacked, encode_bitpacked};
use super::column::{ColumnEncoder, fits_scale, for_each_value, from_units, units};
use super::varint::{ByteReader, unzigzag, write_varint, zigzag};

/// Rows of a stripe, fewer in the last one: two hours at fifteen seconds.
pub(crate) const STRIPE_ROWS: usize = 480;

const MAX_DECIMALS: u8 = 4;
const DELTAS: u8 = 0x10;
const BITPACKED: u8 = 0x20;
const CONSTANT: u8 = 0x30;

/// Appends the stripe of `samples`: increasing rows below [`STRIPE_ROWS`], and values.
pub(crate) fn encode_stripe(samples: &[(u32, f64)], out: &mut Vec<u8>) {
    let Some(((last_row, last), before)) = samples.split_last() else { return };
    let is_dense = *last_row as usize == before.len();
    if is_dense && before.iter().all(|(_, value)| value.to_bits() == last.to_bits()) {
        out.push(CONSTANT);
        write_varint(out, samples.len() as u64);
        out.extend_from_slice(&last.to_le_bytes());
        return;
    }
    let start = out.len();
    let (decimals, inexact) = scale(samples);
    if is_dense && inexact == 0 {
        out.push(DELTAS | decimals);
        if encode_deltas(samples, decimals, out).is_some() {
            return;
        }
        out.truncate(start);
    }
    out.push(decimals);
    let mut column = ColumnEncoder::with_decimals(decimals);
    for (row, value) in samples {
        column.push(*row, *value);
    }
    column.write_to(out);
    if is_dense && inexact * 2 > samples.len() {
        let mut bitpacked = vec![BITPACKED];
        encode_bitpacked(samples.iter().map(|(_, value)| *value), &mut bitpacked);
        if bitpacked.len() < out.len() - start {
            out.truncate(start);
            out.extend_from_slice(&bitpacked);
        }
    }
}

/// Calls `visit` with the row and value of each sample of a stripe of `rows` rows.
#[inline]
pub(crate) fn decode_stripe(stripe: &[u8], rows: usize, mut visit: impl FnMut(usize, f64)) {
    let Some((kind, content)) = stripe.split_first() else { return };
    let decimals = kind & 0xf;
    if decimals > MAX_DECIMALS {
        return;
    }
    match kind & 0xf0 {
        DELTAS => decode_deltas(content, decimals, rows, visit),
        BITPACKED => {
            let mut row = 0;
            decode_bitpacked(content, rows, |value| {
                visit(row, value);
                row += 1;
            });
        }
        CONSTANT => {
            let mut bytes = ByteReader(content);
            let (Some(count), Some(value)) = (bytes.varint_usize(), bytes.array()) else { return };
            (0..count.min(rows)).for_each(|row| visit(row, f64::from_le_bytes(value)));
        }
        0 => for_each_value(content, decimals, rows, visit),
        _ => {}
    }
}

/// Appends all values of a dense stripe of `rows` rows, faster than [`decode_stripe`]; returns their number, or `None`
/// if the stripe is not a dense one that this supports.
pub(crate) fn decode_dense_stripe(stripe: &[u8], rows: usize, values: &mut Vec<f64>) -> Option<usize> {
    let (kind, content) = stripe.split_first()?;
    let decimals = kind & 0xf;
    let from = values.len();
    match kind & 0xf0 {
        DELTAS if decimals <= MAX_DECIMALS => {
            values.resize(from + rows, 0.0);
            let count = match decimals {
                0 => fill_from_deltas(content, &mut values[from..], |units| from_units(units, 0)),
                _ => fill_from_deltas(content, &mut values[from..], |units| from_units(units, decimals)),
            };
            values.truncate(from + count);
            Some(count)
        }
        CONSTANT => {
            let mut bytes = ByteReader(content);
            let (count, value) = (bytes.varint_usize()?.min(rows), f64::from_le_bytes(bytes.array()?));
            values.resize(from + count, value);
            Some(count)
        }
        _ => None,
    }
}

/// Sets values from deltas; returns their number.
#[inline]
fn fill_from_deltas(deltas: &[u8], values: &mut [f64], from_units: impl Fn(i64) -> f64) -> usize {
    let (mut bytes, mut units) = (ByteReader(deltas), 0_i64);
    for (row, value) in values.iter_mut().enumerate() {
        let Some(delta) = bytes.varint() else { return row };
        units = units.wrapping_add(unzigzag(delta));
        *value = from_units(units);
    }
    values.len()
}

/// Appends the differences; `None` if a value is not exact with so many decimals.
fn encode_deltas(samples: &[(u32, f64)], decimals: u8, out: &mut Vec<u8>) -> Option<()> {
    let mut last = 0;
    for (_, value) in samples {
        let units = units(*value, decimals)?;
        write_varint(out, zigzag(units - last));
        last = units;
    }
    Some(())
}

#[inline]
fn decode_deltas(deltas: &[u8], decimals: u8, rows: usize, mut visit: impl FnMut(usize, f64)) {
    let (mut bytes, mut units) = (ByteReader(deltas), 0_i64);
    let mut row = 0;
    while row < rows
        && let Some(delta) = bytes.varint()
    {
        units = units.wrapping_add(unzigzag(delta));
        visit(row, from_units(units, decimals));
        row += 1;
    }
}

/// How many decimals the values have, and how many values are not exact with so many: those with more than
/// [`MAX_DECIMALS`], and those that are too large.
fn scale(samples: &[(u32, f64)]) -> (u8, usize) {
    let (mut decimals, mut exact) = (0, 0);
    for (_, value) in samples {
        match (decimals..=MAX_DECIMALS).find(|decimals| fits_scale(*value, *decimals)) {
            Some(needed) if needed == decimals => exact += 1,
            Some(needed) => {
                decimals = needed;
                exact = 0;
            }
            None => {}
        }
    }
    if exact < samples.len() {
        // What was exact with fewer decimals may be too large for more.
        exact = samples.iter().filter(|(_, value)| fits_scale(*value, decimals)).count();
    }
    (decimals, samples.len() - exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(samples: &[(u32, f64)]) -> (u8, usize) {
        let mut stripe = Vec::new();
        encode_stripe(samples, &mut stripe);
        let mut read = Vec::new();
        decode_stripe(&stripe, STRIPE_ROWS, |row, value| read.push((row as u32, value.to_bits())));
        assert!(read.iter().copied().eq(samples.iter().map(|(row, value)| (*row, value.to_bits()))), "{stripe:?}");
        let mut values = vec![7.0];
        if let Some(count) = decode_dense_stripe(&stripe, samples.len(), &mut values) {
            assert_eq!(count, samples.len());
            assert!(values[1..].iter().zip(samples).all(|(read, (_, value))| read.to_bits() == value.to_bits()));
        }
        (stripe[0], stripe.len())
    }

    fn rows(count: u32, value: impl Fn(u32) -> f64) -> Vec<(u32, f64)> {
        (0..count).map(|row| (row, value(row))).collect()
    }

    #[test]
    fn each_kind_of_column_gets_its_best_encoding() {
        let noise = |row: u32| 1e5 + f64::from(row).sin() / 3.0;
        for (what, samples, kind, max_bytes) in [
            ("idle", rows(480, |_| 17.5), CONSTANT, 11),
            ("a counter", rows(480, |row| f64::from(row * 3)), DELTAS, 490),
            ("hundredths", rows(480, |row| f64::from(row) / 100.0), DELTAS | 2, 490),
            ("noise", rows(480, noise), BITPACKED, 480 * 7),
            ("a short stripe of noise", rows(20, noise), BITPACKED, 140),
            ("one value", rows(1, |_| f64::NAN), CONSTANT, 10),
            ("with holes", vec![(3, 1.0), (4, 1.0), (77, 2.0)], 0, 10),
            ("with an end", rows(100, |row| if row == 99 { f64::NAN } else { f64::from(row) }), 0, 410),
        ] {
            let (own, bytes) = round_trip(&samples);
            assert!(own == kind && bytes <= max_bytes, "{what}: {own:#x}, {bytes} bytes");
        }
    }

    #[test]
    fn large_integers_beside_decimals_stay_as_they_are() {
        for large in [3_820_524_005_784_966.0, 1_790_000_000_001.0, 900_719_925_474.0, -9e15, 9_007_199_254_740_991.0] {
            for small in [0.5, 0.25, 203.319, 0.0001, 0.1, 1.0 / 3.0] {
                for rows in
                    [&[large, small][..], &[small, large], &[1.0, large, small, large, 2.0], &[large, large, small]]
                {
                    round_trip(&rows.iter().zip(0..).map(|(value, row)| (row, *value)).collect::<Vec<_>>());
                    round_trip(&rows.iter().zip(0..).map(|(value, row)| (row * 2, *value)).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn a_cut_stripe_yields_the_samples_before_the_cut() {
        for samples in [rows(100, |row| f64::from(row * row)), rows(100, |row| f64::from(row).sqrt().sin())] {
            let mut stripe = Vec::new();
            encode_stripe(&samples, &mut stripe);
            for length in 0..stripe.len() {
                let mut read = Vec::new();
                decode_stripe(&stripe[..length], STRIPE_ROWS, |row, value| read.push((row as u32, value)));
                assert!(samples.starts_with(&read));
            }
        }
    }
}
