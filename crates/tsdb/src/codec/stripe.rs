//! Some rows of one series in a block, in the encoding that suits them.
//!
//! The first byte says which. Without holes, so that a value's place is its row: [`STEPS`] with a number of decimals for
//! differences of what are whole numbers at that many decimals, [`PACKED`] for noise, and [`SAME`] for one value
//! throughout. Else a number of decimals for tokens of a [`Column`].
use super::bitpack::{pack, unpack};
use super::column::{Column, fits_scale, for_each_value, from_units, units};
use super::varint::{Bytes, unzigzag, write_varint, zigzag};

/// Rows of a page, fewer in the last one: two hours at fifteen seconds.
pub(crate) const PAGE_ROWS: usize = 480;

const MOST_DECIMALS: u8 = 4;
const STEPS: u8 = 0x10;
const PACKED: u8 = 0x20;
const SAME: u8 = 0x30;

/// Appends the page of `samples`, pairs of a row and a value with rows below [`PAGE_ROWS`] and increasing.
pub(crate) fn encode_page(samples: &[(u32, f64)], into: &mut Vec<u8>) {
    let Some(((last_row, last), before)) = samples.split_last() else { return };
    let is_dense = *last_row as usize == before.len();
    if is_dense && before.iter().all(|(_, value)| value.to_bits() == last.to_bits()) {
        into.push(SAME);
        write_varint(into, samples.len() as u64);
        into.extend_from_slice(&last.to_le_bytes());
        return;
    }
    let (decimals, odd) = scale(samples);
    if is_dense && odd == 0 {
        into.push(STEPS | decimals);
        encode_steps(samples, decimals, into);
        return;
    }
    let from = into.len();
    into.push(decimals);
    let mut column = Column::with_decimals(decimals);
    for (row, value) in samples {
        column.push(*row, *value);
    }
    column.write_to(into);
    if is_dense && odd * 2 > samples.len() {
        let mut packed = vec![PACKED];
        pack(samples.iter().map(|(_, value)| *value), &mut packed);
        if packed.len() < into.len() - from {
            into.truncate(from);
            into.extend_from_slice(&packed);
        }
    }
}

/// Calls `visit` with the row and value of each sample of a page that covers `rows` rows.
#[inline]
pub(crate) fn decode_page(page: &[u8], rows: usize, mut visit: impl FnMut(usize, f64)) {
    let Some((kind, content)) = page.split_first() else { return };
    let decimals = kind & 0xf;
    if decimals > MOST_DECIMALS {
        return;
    }
    match kind & 0xf0 {
        STEPS => decode_steps(content, decimals, rows, visit),
        PACKED => {
            let mut row = 0;
            unpack(content, rows, |value| {
                visit(row, value);
                row += 1;
            });
        }
        SAME => {
            let mut bytes = Bytes(content);
            let (Some(count), Some(value)) = (bytes.count(), bytes.array()) else { return };
            (0..count.min(rows)).for_each(|row| visit(row, f64::from_le_bytes(value)));
        }
        0 => for_each_value(content, decimals, rows, visit),
        _ => {}
    }
}

/// Appends all values of a page without holes that covers `rows` rows, quicker than [`decode_page`]; gives how many
/// they are, or none where that is no such page.
pub(crate) fn decode_dense(page: &[u8], rows: usize, values: &mut Vec<f64>) -> Option<usize> {
    let (kind, content) = page.split_first()?;
    let decimals = kind & 0xf;
    let from = values.len();
    match kind & 0xf0 {
        STEPS if decimals <= MOST_DECIMALS => {
            values.resize(from + rows, 0.0);
            let count = match decimals {
                0 => fill_steps(content, &mut values[from..], |units| from_units(units, 0)),
                _ => fill_steps(content, &mut values[from..], |units| from_units(units, decimals)),
            };
            values.truncate(from + count);
            Some(count)
        }
        SAME => {
            let mut bytes = Bytes(content);
            let (count, value) = (bytes.count()?.min(rows), f64::from_le_bytes(bytes.array()?));
            values.resize(from + count, value);
            Some(count)
        }
        _ => None,
    }
}

/// Sets values from steps; gives how many there were.
#[inline]
fn fill_steps(steps: &[u8], values: &mut [f64], from_units: impl Fn(i64) -> f64) -> usize {
    let (mut bytes, mut units) = (Bytes(steps), 0_i64);
    for (row, value) in values.iter_mut().enumerate() {
        let Some(step) = bytes.varint() else { return row };
        units = units.wrapping_add(unzigzag(step));
        *value = from_units(units);
    }
    values.len()
}

fn encode_steps(samples: &[(u32, f64)], decimals: u8, into: &mut Vec<u8>) {
    let mut last = 0;
    for (_, value) in samples {
        let units = units(*value, decimals).unwrap_or(last);
        write_varint(into, zigzag(units - last));
        last = units;
    }
}

#[inline]
fn decode_steps(steps: &[u8], decimals: u8, rows: usize, mut visit: impl FnMut(usize, f64)) {
    let (mut bytes, mut units) = (Bytes(steps), 0_i64);
    let mut row = 0;
    while row < rows
        && let Some(step) = bytes.varint()
    {
        units = units.wrapping_add(unzigzag(step));
        visit(row, from_units(units, decimals));
        row += 1;
    }
}

/// How many decimals make whole numbers of the values, and how many values that does not help.
fn scale(samples: &[(u32, f64)]) -> (u8, usize) {
    let (mut decimals, mut odd) = (0, 0);
    for (_, value) in samples {
        match (decimals..=MOST_DECIMALS).find(|decimals| fits_scale(*value, *decimals)) {
            Some(needed) => decimals = needed,
            None => odd += 1,
        }
    }
    (decimals, odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(samples: &[(u32, f64)]) -> (u8, usize) {
        let mut page = Vec::new();
        encode_page(samples, &mut page);
        let mut read = Vec::new();
        decode_page(&page, PAGE_ROWS, |row, value| read.push((row as u32, value.to_bits())));
        assert!(read.iter().copied().eq(samples.iter().map(|(row, value)| (*row, value.to_bits()))), "{page:?}");
        let mut values = vec![7.0];
        if let Some(count) = decode_dense(&page, samples.len(), &mut values) {
            assert_eq!(count, samples.len());
            assert!(values[1..].iter().zip(samples).all(|(read, (_, value))| read.to_bits() == value.to_bits()));
        }
        (page[0], page.len())
    }

    fn rows(count: u32, value: impl Fn(u32) -> f64) -> Vec<(u32, f64)> {
        (0..count).map(|row| (row, value(row))).collect()
    }

    #[test]
    fn each_kind_of_column_gets_the_encoding_that_suits_it() {
        let noise = |row: u32| 1e5 + f64::from(row).sin() / 3.0;
        for (what, samples, kind, most_bytes) in [
            ("idle", rows(480, |_| 17.5), SAME, 11),
            ("a counter", rows(480, |row| f64::from(row * 3)), STEPS, 490),
            ("hundredths", rows(480, |row| f64::from(row) / 100.0), STEPS | 2, 490),
            ("noise", rows(480, noise), PACKED, 480 * 7),
            ("a short page of noise", rows(20, noise), PACKED, 140),
            ("one value", rows(1, |_| f64::NAN), SAME, 10),
            ("with holes", vec![(3, 1.0), (4, 1.0), (77, 2.0)], 0, 10),
            ("with an end", rows(100, |row| if row == 99 { f64::NAN } else { f64::from(row) }), 0, 410),
        ] {
            let (own, bytes) = round_trip(&samples);
            assert!(own == kind && bytes <= most_bytes, "{what}: {own:#x}, {bytes} bytes");
        }
    }

    #[test]
    fn a_cut_page_gives_what_stands_before_the_cut() {
        for samples in [rows(100, |row| f64::from(row * row)), rows(100, |row| f64::from(row).sqrt().sin())] {
            let mut page = Vec::new();
            encode_page(&samples, &mut page);
            for length in 0..page.len() {
                let mut read = Vec::new();
                decode_page(&page[..length], PAGE_ROWS, |row, value| read.push((row as u32, value)));
                assert!(samples.starts_with(&read));
            }
        }
    }
}
