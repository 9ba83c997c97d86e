//! Some rows of one series in a block, in the encoding that suits them.
//!
//! The first byte says which: a number of decimals up to four, for tokens of a [`Column`] counted in units of that
//! decimal; or [`PACKED`].
use super::column::{Column, fits_scale, for_each_value};
use super::packed::{pack, unpack};

/// Rows of a page, fewer in the last one: two hours at fifteen seconds.
pub(crate) const PAGE_ROWS: usize = 480;

const MOST_DECIMALS: u8 = 4;
const PACKED: u8 = 0x80;

/// Appends the page of `samples`, pairs of a row and a value with rows below [`PAGE_ROWS`] and increasing.
pub(crate) fn encode_page(samples: &[(u32, f64)], into: &mut Vec<u8>) {
    let (decimals, odd) = scale(samples);
    let from = into.len();
    into.push(decimals);
    let mut column = Column::with_decimals(decimals);
    for (row, value) in samples {
        column.push(*row, *value);
    }
    into.extend_from_slice(&column.seal());
    // Without holes a value's place is its row.
    let is_dense = samples.last().is_none_or(|(row, _)| *row as usize + 1 == samples.len());
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
    match page.split_first() {
        Some((&PACKED, packed)) => {
            let mut row = 0;
            unpack(packed, rows, |value| {
                visit(row, value);
                row += 1;
            });
        }
        Some((decimals, tokens)) if *decimals <= MOST_DECIMALS => for_each_value(tokens, *decimals, rows, visit),
        _ => {}
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
