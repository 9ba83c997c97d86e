//! Columns: the values of one series as an append-only stream of tokens.
//!
//! A token is a varint. Its low two bits are a kind, and the rest is an operand `n`: the previous value repeats `n + 1`
//! times; `n + 1` rows have no sample; an integer (or a number with a fixed count of decimals) is `zigzag(n)` away from
//! the previous one; or the value's bits differ from the previous ones in the bytes that follow. Integer counters and
//! idle gauges take about a byte per sample or less, other values up to ten.
use super::varint::{ByteReader, unzigzag, write_varint, zigzag};

const REPEAT: u64 = 0;
const ABSENT: u64 = 1;
const INTEGER: u64 = 2;
const BITS: u64 = 3;

/// The limit up to which all integers are exact in an `f64`.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Space that a column gets when it is full. A store has one for each series, so doubling would waste more than it saves.
const MIN_SPARE_BYTES: usize = 24;

/// Maximum size of a token.
const MAX_TOKEN_BYTES: usize = 16;

/// Maximum size of a repeat token.
const MAX_REPEAT_BYTES: usize = 5;

const POWERS_OF_TEN: [f64; 5] = [1.0, 10.0, 100.0, 1000.0, 10_000.0];

/// The values of one series: at most one per row.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnEncoder {
    tokens: Vec<u8>,
    last: f64,
    /// The last integer, in units of the last decimal.
    units: i64,
    /// Rows covered, with the repeats that are not in `tokens` yet.
    rows: u32,
    repeats: u32,
    decimals: u8,
}

impl ColumnEncoder {
    /// Creates a column for values that mostly have `decimals` decimals, at most four.
    pub(crate) fn with_decimals(decimals: u8) -> Self {
        Self { decimals, ..Self::default() }
    }

    /// Appends a value at `row`; returns false if the column already covers that row.
    #[inline]
    pub(crate) fn push(&mut self, row: u32, value: f64) -> bool {
        let Some(missing) = row.checked_sub(self.rows) else { return false };
        if missing > 0 {
            self.write_repeats();
            write_varint(&mut self.tokens, u64::from(missing - 1) << 2 | ABSENT);
        }
        self.rows = row + 1;
        if value.to_bits() == self.last.to_bits() {
            self.repeats += 1;
            return true;
        }
        if self.tokens.capacity() - self.tokens.len() < MAX_TOKEN_BYTES {
            self.tokens.reserve_exact(MIN_SPARE_BYTES.max(self.tokens.len() / 6));
        }
        self.write_repeats();
        match units(value, self.decimals) {
            Some(units) => {
                write_varint(&mut self.tokens, zigzag(units - self.units) << 2 | INTEGER);
                self.units = units;
            }
            None => self.write_bits(value),
        }
        self.last = value;
        true
    }

    /// The number of rows covered: one more than the row of the last sample.
    pub(crate) fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Appends the tokens of all values.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tokens);
        write_repeats(self.repeats, out);
    }

    /// Maximum number of bytes that [`ColumnEncoder::write_to`] appends.
    pub(crate) fn max_encoded_bytes(&self) -> usize {
        self.tokens.len() + MAX_REPEAT_BYTES
    }

    /// Memory used, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.tokens.capacity()
    }

    fn write_repeats(&mut self) {
        write_repeats(std::mem::take(&mut self.repeats), &mut self.tokens);
    }

    fn write_bits(&mut self, value: f64) {
        let changed = value.to_bits() ^ self.last.to_bits();
        let (from, until) = (changed.trailing_zeros() / 8, 8 - changed.leading_zeros() / 8);
        write_varint(&mut self.tokens, u64::from(from << 3 | (until - from - 1)) << 2 | BITS);
        self.tokens.extend_from_slice(&changed.to_le_bytes()[from as usize..until as usize]);
    }
}

fn write_repeats(repeats: u32, out: &mut Vec<u8>) {
    if let Some(more) = repeats.checked_sub(1) {
        write_varint(out, u64::from(more) << 2 | REPEAT);
    }
}

/// Calls `visit` with the row and value of each sample in `tokens` that is in the first `rows` rows, in order.
///
/// `decimals` must be those of the encoder. A stream that is cut yields the samples before the cut.
#[inline]
pub(crate) fn for_each_value(tokens: &[u8], decimals: u8, rows: usize, mut visit: impl FnMut(usize, f64)) {
    let (mut tokens, mut row, mut units, mut last) = (ByteReader(tokens), 0_usize, 0_i64, 0.0_f64);
    while row < rows
        && let Some(token) = tokens.varint()
    {
        let operand = token >> 2;
        match token & 3 {
            REPEAT => {
                let until = rows.min(row.saturating_add(operand as usize).saturating_add(1));
                for row in row..until {
                    visit(row, last);
                }
                row = until;
                continue;
            }
            ABSENT => {
                row = row.saturating_add(operand as usize).saturating_add(1);
                continue;
            }
            INTEGER => {
                units = units.wrapping_add(unzigzag(operand));
                last = from_units(units, decimals);
            }
            _ => {
                let (from, length) = ((operand >> 3) as usize, (operand & 7) as usize + 1);
                let mut changed = [0; 8];
                let (Some(target), Some(bytes)) =
                    (changed.get_mut(from..from.saturating_add(length)), tokens.take(length))
                else {
                    return;
                };
                target.copy_from_slice(bytes);
                last = f64::from_bits(last.to_bits() ^ u64::from_le_bytes(changed));
            }
        }
        visit(row, last);
        row += 1;
    }
}

/// Calls `visit` with the values of the first `rows` rows of a column that has an integer in every row; returns `None`
/// if the column is anything else.
#[inline]
pub(crate) fn for_each_units(tokens: &[u8], rows: usize, mut visit: impl FnMut(i64)) -> Option<()> {
    let (mut tokens, mut remaining, mut units) = (ByteReader(tokens), rows, 0_i64);
    while remaining > 0 {
        let token = tokens.varint()?;
        let operand = token >> 2;
        let count = match token & 3 {
            INTEGER => {
                units = units.wrapping_add(unzigzag(operand));
                1
            }
            REPEAT => remaining.min(usize::try_from(operand).ok()?.saturating_add(1)),
            _ => return None,
        };
        (0..count).for_each(|_| visit(units));
        remaining -= count;
    }
    Some(())
}

/// Whether `value` is exact with `decimals` decimals.
pub(crate) fn fits_scale(value: f64, decimals: u8) -> bool {
    units(value, decimals).is_some()
}

/// The value of `units` units of the last of `decimals` decimals.
#[inline]
pub(crate) fn from_units(units: i64, decimals: u8) -> f64 {
    let power = POWERS_OF_TEN.get(usize::from(decimals)).copied().unwrap_or(1.0);
    if decimals == 0 { units as f64 } else { units as f64 / power }
}

/// The number of units of the last of `decimals` decimals that `value` is, if it is exact.
#[inline]
pub(crate) fn units(value: f64, decimals: u8) -> Option<i64> {
    let power = POWERS_OF_TEN.get(usize::from(decimals))?;
    let units = if decimals == 0 { value } else { (value * power).round() };
    // Values must round-trip bit for bit, which excludes negative zero, for one.
    (units.abs() < MAX_EXACT_INTEGER && (units as i64 as f64 / power).to_bits() == value.to_bits())
        .then_some(units as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::stale_marker;

    fn column_of(samples: &[(u32, f64)]) -> ColumnEncoder {
        let mut column = ColumnEncoder::default();
        for (row, value) in samples {
            assert!(column.push(*row, *value));
        }
        column
    }

    fn tokens(column: &ColumnEncoder) -> Vec<u8> {
        let mut tokens = Vec::new();
        column.write_to(&mut tokens);
        tokens
    }

    fn bits(samples: &[(u32, f64)]) -> Vec<(u32, u64)> {
        samples.iter().map(|(row, value)| (*row, value.to_bits())).collect()
    }

    fn read_back(tokens: &[u8]) -> Vec<(u32, f64)> {
        let mut out = Vec::new();
        for_each_value(tokens, 0, usize::MAX, |row, value| out.push((row as u32, value)));
        out
    }

    #[test]
    fn every_value_round_trips_bit_for_bit() {
        let special = [
            0.0,
            -0.0,
            0.0,
            1.0,
            -1.0,
            0.1,
            f64::NAN,
            stale_marker(),
            f64::from_bits(0xfff8_0000_0000_1234),
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            MAX_EXACT_INTEGER,
            MAX_EXACT_INTEGER - 1.0,
            1.0 - MAX_EXACT_INTEGER,
            MAX_EXACT_INTEGER + 2.0,
            1e300,
        ];
        let mut samples = Vec::new();
        for (from, a) in special.iter().enumerate() {
            for (to, b) in special.iter().enumerate() {
                let row = (from * special.len() + to) as u32 * 4;
                samples.extend([(row, *a), (row + 1, *b), (row + 2, *b)]);
            }
        }
        assert_eq!(bits(&read_back(&tokens(&column_of(&samples)))), bits(&samples));
    }

    #[test]
    fn rows_without_a_sample_stay_empty() {
        let samples = [(3, 0.0), (4, 0.0), (9, 0.0), (10, 2.5), (1000, 2.5)];
        assert_eq!(read_back(&tokens(&column_of(&samples))), samples);
    }

    #[test]
    fn a_row_takes_only_one_value() {
        let mut column = column_of(&[(0, 1.0), (2, 1.0)]);
        assert!(!column.push(2, 5.0));
        assert!(!column.push(1, 5.0));
        assert_eq!(read_back(&tokens(&column)), [(0, 1.0), (2, 1.0)]);
    }

    #[test]
    fn typical_columns_are_small() {
        let constant: Vec<_> = (0..120).map(|row| (row, 17.0)).collect();
        assert!(tokens(&column_of(&constant)).len() <= 4);
        let counter: Vec<_> = (0..120).map(|row| (row, 1e6 + f64::from(row * row))).collect();
        assert!(tokens(&column_of(&counter)).len() <= 300);
        let gauge: Vec<_> = (0..120).map(|row| (row, f64::from(row).sin())).collect();
        assert!(tokens(&column_of(&gauge)).len() <= 120 * 9);
    }

    #[test]
    fn a_cut_stream_yields_the_samples_before_the_cut() {
        let samples = [(0, 0.1), (1, 0.2), (2, 300.0)];
        let tokens = tokens(&column_of(&samples));
        for length in 0..tokens.len() {
            let read = read_back(&tokens[..length]);
            assert!(samples.starts_with(&read));
        }
    }
}
