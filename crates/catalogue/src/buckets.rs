//! Percentiles in the first or last bucket of a histogram, which are only bounds.

/// How a percentile in the first or last bucket of its histogram is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// In the first bucket: it is at most that bucket's upper bound.
    AtMost,
    /// Above the last finite bucket: it is at least that bucket's upper bound.
    AtLeast,
}

/// Whether `percentile` is only a bound. `ends` are the buckets' upper bounds in the percentile's unit, in any order, with
/// or without infinity.
///
/// `histogram_quantile` interpolates from zero within the first bucket, and returns the last finite bound for anything
/// above it.
pub fn bound(percentile: f64, ends: &[f64]) -> Option<Bound> {
    let finite = || ends.iter().copied().filter(|end| end.is_finite());
    let (first, last) = (finite().reduce(f64::min)?, finite().reduce(f64::max)?);
    match percentile {
        value if value >= last => Some(Bound::AtLeast),
        value if value < first => Some(Bound::AtMost),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_in_the_first_and_last_bucket_are_bounds() {
        let ends = [0.3, 0.5, f64::INFINITY, 60.0];
        for (percentile, expected) in
            [(0.297, Some(Bound::AtMost)), (0.3, None), (12.0, None), (60.0, Some(Bound::AtLeast)), (f64::NAN, None)]
        {
            assert_eq!(bound(percentile, &ends), expected, "{percentile}");
        }
        assert_eq!(bound(1.0, &[f64::INFINITY]), None);
    }
}
