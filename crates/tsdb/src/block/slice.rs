//! Parts of a day whose samples share frames, so that a query of the last hour unpacks two hours and not the day.
use super::open::Block;
use crate::DAY_MS;
use std::ops::Range;

/// How long a slice is.
const SLICE_MS: i64 = 2 * 3_600_000;

/// Slices of a day.
pub(super) const SLICES: usize = (DAY_MS / SLICE_MS) as usize;

/// The rows of a timeline by the slice that they are in, in order; slices without a row are left out.
pub(super) fn slices(line: &[i64]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let number = line.get(from)?.div_euclid(SLICE_MS);
        let until = from + line[from..].partition_point(|time_ms| time_ms.div_euclid(SLICE_MS) == number);
        let rows = from..until;
        from = until;
        Some((number.rem_euclid(SLICES as i64) as usize, rows))
    })
}

impl Block {
    /// The slices in which a sample with `after_ms < time <= until_ms` can be.
    pub(super) fn slices_within(&self, (after_ms, until_ms): (i64, i64)) -> Range<usize> {
        slices_within(self.span_ms.0.div_euclid(DAY_MS) * DAY_MS, after_ms, until_ms)
    }
}

/// The slices of the day that begins at `day_ms` in which a time with `after_ms < time <= until_ms` can be.
fn slices_within(day_ms: i64, after_ms: i64, until_ms: i64) -> Range<usize> {
    let place = |time_ms: i64| (time_ms.saturating_sub(day_ms).div_euclid(SLICE_MS)).clamp(0, SLICES as i64) as usize;
    place(after_ms.saturating_add(1))..place(until_ms.saturating_add(SLICE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_slice_of_their_time() {
        let day_ms = 20_000 * DAY_MS;
        let line = [day_ms, day_ms + SLICE_MS - 1, day_ms + SLICE_MS, day_ms + 5 * SLICE_MS + 7, day_ms + DAY_MS - 1];
        assert_eq!(slices(&line).collect::<Vec<_>>(), [(0, 0..2), (1, 2..3), (5, 3..4), (11, 4..5)]);
        assert_eq!(slices(&[]).next(), None);
    }

    #[test]
    fn a_span_of_time_touches_the_slices_it_overlaps() {
        let day_ms = -3 * DAY_MS;
        for (after, until, slices) in [
            (-1, 0, 0..1),
            (SLICE_MS - 1, SLICE_MS, 1..2),
            (SLICE_MS - 2, SLICE_MS, 0..2),
            (-DAY_MS, 2 * DAY_MS, 0..SLICES),
            (DAY_MS - SLICE_MS, DAY_MS, SLICES - 1..SLICES),
        ] {
            assert_eq!(slices_within(day_ms, day_ms + after, day_ms + until), slices, "{after}..{until}");
        }
        assert_eq!(slices_within(day_ms, i64::MIN, i64::MAX), 0..SLICES);
    }
}
