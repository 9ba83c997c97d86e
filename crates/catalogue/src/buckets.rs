//! What a histogram's buckets do not tell: where a percentile is only a bound.

/// What is known of a percentile that lies in the first or last bucket of its histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// In the first bucket: it may be anything up to that bucket's end.
    AtMost,
    /// Beyond the last end: it may be anything from there on.
    AtLeast,
}

/// Whether `percentile` is only a bound. `ends` are the buckets' upper ends in the percentile's unit, in any order;
/// infinity may be among them.
///
/// `histogram_quantile` interpolates within the first bucket from zero, and answers the last finite end for what lies
/// beyond it.
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
    fn the_first_and_last_bucket_only_bound() {
        let ends = [0.3, 0.5, f64::INFINITY, 60.0];
        for (percentile, expected) in
            [(0.297, Some(Bound::AtMost)), (0.3, None), (12.0, None), (60.0, Some(Bound::AtLeast)), (f64::NAN, None)]
        {
            assert_eq!(bound(percentile, &ends), expected, "{percentile}");
        }
        assert_eq!(bound(1.0, &[f64::INFINITY]), None);
    }
}
