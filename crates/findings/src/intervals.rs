//! Runs of steps at which something holds.
use std::ops::Range;

/// The intervals in which `holds`, where gaps of up to `max_gap` steps do not count. Those with fewer than `min_steps`
/// steps that hold are left out.
pub(crate) fn intervals(
    steps: usize,
    min_steps: usize,
    max_gap: usize,
    holds: impl Fn(usize) -> bool,
) -> Vec<Range<usize>> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    for step in (0..steps).filter(|step| holds(*step)) {
        match found.last_mut() {
            Some((interval, count)) if step <= interval.end + max_gap => {
                interval.end = step + 1;
                *count += 1;
            }
            _ => found.push((step..step + 1, 1)),
        }
    }
    found.into_iter().filter(|(_, count)| *count >= min_steps).map(|(interval, _)| interval).collect()
}

/// The largest value of some steps; 0 if there is none.
pub(crate) fn highest(values: &[f64], steps: &Range<usize>) -> f64 {
    values.get(steps.clone()).unwrap_or_default().iter().copied().fold(0.0, f64::max)
}

/// The sum of the values of some steps, without holes.
pub(crate) fn total(values: &[f64], steps: &Range<usize>) -> f64 {
    values.get(steps.clone()).unwrap_or_default().iter().filter(|value| !value.is_nan()).sum()
}

/// The middle one of some values; none if all are holes.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_gaps_are_bridged_and_short_runs_left_out() {
        let holds = [1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1].map(|holds| holds == 1);
        let found = |min_steps, max_gap| intervals(holds.len(), min_steps, max_gap, |step| holds[step]);
        assert_eq!(found(3, 1), [0..4, 12..15]);
        assert_eq!(found(1, 0), [0..2, 3..4, 7..8, 12..15]);
        assert_eq!(found(4, 3).first(), Some(&(0..8)), "steps that hold are counted, not the gaps");
    }

    #[test]
    fn holes_are_no_values() {
        let values = [f64::NAN, 2.0, 1.0];
        assert_eq!((highest(&values, &(0..3)), total(&values, &(0..3))), (2.0, 3.0));
        assert_eq!((median(values), median([f64::NAN])), (Some(2.0), None));
    }
}
