//! Slices: parts of a day whose samples share records, so that a query of the last hour decodes two hours, not the day.
use super::open::Block;
use crate::time::{DAY_MS, TimeRange, day_of};
use std::ops::Range;

const SLICE_MS: i64 = 2 * 3_600_000;

pub(super) const SLICES_PER_DAY: usize = (DAY_MS / SLICE_MS) as usize;

/// The rows of a timeline in one slice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SliceRows {
    pub(super) slice: usize,
    pub(super) rows: Range<usize>,
}

/// Splits a timeline by slice, in order. Slices without rows are left out.
pub(super) fn split_by_slice(times_ms: &[i64]) -> impl Iterator<Item = SliceRows> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let number = times_ms.get(from)?.div_euclid(SLICE_MS);
        let until = from + times_ms[from..].partition_point(|time_ms| time_ms.div_euclid(SLICE_MS) == number);
        let rows = from..until;
        from = until;
        Some(SliceRows { slice: number.rem_euclid(SLICES_PER_DAY as i64) as usize, rows })
    })
}

impl Block {
    /// The slices that overlap `range`.
    pub(super) fn slices_within(&self, range: TimeRange) -> Range<usize> {
        slices_within(day_of(self.bounds.first_ms) * DAY_MS, range)
    }
}

/// The slices that overlap `range`, of the day that begins at `day_ms`.
fn slices_within(day_ms: i64, range: TimeRange) -> Range<usize> {
    let slice_at = |time_ms: i64| {
        let slice = time_ms.saturating_sub(day_ms).div_euclid(SLICE_MS);
        slice.clamp(0, SLICES_PER_DAY as i64) as usize
    };
    slice_at(range.after_ms.saturating_add(1))..slice_at(range.until_ms.saturating_add(SLICE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_slice_of_their_time() {
        let day_ms = 20_000 * DAY_MS;
        let times_ms =
            [day_ms, day_ms + SLICE_MS - 1, day_ms + SLICE_MS, day_ms + 5 * SLICE_MS + 7, day_ms + DAY_MS - 1];
        let slices: Vec<_> = split_by_slice(&times_ms).map(|SliceRows { slice, rows }| (slice, rows)).collect();
        assert_eq!(slices, [(0, 0..2), (1, 2..3), (5, 3..4), (11, 4..5)]);
        assert_eq!(split_by_slice(&[]).next(), None);
    }

    #[test]
    fn a_time_range_overlaps_the_right_slices() {
        let day_ms = -3 * DAY_MS;
        for (after, until, slices) in [
            (-1, 0, 0..1),
            (SLICE_MS - 1, SLICE_MS, 1..2),
            (SLICE_MS - 2, SLICE_MS, 0..2),
            (-DAY_MS, 2 * DAY_MS, 0..SLICES_PER_DAY),
            (DAY_MS - SLICE_MS, DAY_MS, SLICES_PER_DAY - 1..SLICES_PER_DAY),
        ] {
            let range = TimeRange { after_ms: day_ms + after, until_ms: day_ms + until };
            assert_eq!(slices_within(day_ms, range), slices, "{after}..{until}");
        }
        assert_eq!(slices_within(day_ms, TimeRange::ALL), 0..SLICES_PER_DAY);
    }
}
