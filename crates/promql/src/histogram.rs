//! Quantiles and fractions of classic histograms.
//!
//! Source: `promql/quantile.go` of Prometheus 3, `BucketQuantile` and `BucketFraction`.

/// The relative difference up to which two counts are equal.
const RELATIVE_TOLERANCE: f64 = 1e-12;

/// A cumulative bucket.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bucket {
    pub(crate) upper: f64,
    /// The number of observations up to `upper`.
    pub(crate) count: f64,
}

/// A quantile, and whether decreasing counts had to be raised to compute it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Quantile {
    pub(crate) value: f64,
    pub(crate) forced_monotonic: bool,
}

/// The quantile `q` of the observations in `buckets`, which are sorted by bound.
///
/// Observations are assumed to be uniform within a bucket. The first bucket begins at 0 if its bound is positive; in the
/// last bucket the quantile is the lower bound. Returns NaN if there are no observations, no +Inf bucket or only one
/// bucket, or if `q` is NaN; -Inf if `q` is below 0 and +Inf if it is above 1. Modifies `buckets`.
pub(crate) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> Quantile {
    let exact = |value| Quantile { value, forced_monotonic: false };
    if q.is_nan() {
        return exact(f64::NAN);
    }
    if q < 0.0 {
        return exact(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return exact(f64::INFINITY);
    }
    if !is_complete(buckets) {
        return exact(f64::NAN);
    }
    merge_equal_bounds(buckets);
    let forced_monotonic = make_monotonic(buckets);
    Quantile { value: monotonic_quantile(q, buckets), forced_monotonic }
}

fn monotonic_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    let [finite @ .., total] = buckets else { return f64::NAN };
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else { return f64::NAN };
    // A NaN count compares with no rank.
    if total.count == 0.0 || total.count.is_nan() {
        return f64::NAN;
    }
    let rank = q * total.count;
    let index = finite.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = finite.get(index) else { return last.upper };
    if index == 0 {
        return if first.upper <= 0.0 { first.upper } else { bucket.upper * (rank / bucket.count) };
    }
    let below = finite[index - 1];
    below.upper + (bucket.upper - below.upper) * ((rank - below.count) / (bucket.count - below.count))
}

/// The fraction of observations above `lower` and up to `upper`, interpolated as in [`quantile`]. Returns NaN if there are
/// no observations or no +Inf bucket, or if a bound is NaN. Modifies `buckets`.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !is_complete(buckets) {
        return f64::NAN;
    }
    merge_equal_bounds(buckets);
    let total = buckets.last().map_or(0.0, |bucket| bucket.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank(upper, buckets, total) - rank(lower, buckets, total)) / total
}

/// The number of observations up to `bound`.
fn rank(bound: f64, buckets: &[Bucket], total: f64) -> f64 {
    let mut below = Bucket { upper: 0.0, count: 0.0 };
    if buckets.first().is_some_and(|first| first.upper <= 0.0) {
        below.upper = f64::NEG_INFINITY;
    }
    for bucket in buckets {
        if below.upper >= bound {
            return below.count.min(total);
        }
        if bound < bucket.upper {
            // An unbounded bucket cannot be interpolated: from -Inf all of its observations count, up to +Inf none.
            let rank = if below.upper == f64::NEG_INFINITY {
                bucket.count
            } else {
                below.count + (bucket.count - below.count) * (bound - below.upper) / (bucket.upper - below.upper)
            };
            return rank.min(total);
        }
        below = *bucket;
    }
    total
}

/// Whether the last bucket is the +Inf bucket.
fn is_complete(buckets: &[Bucket]) -> bool {
    buckets.last().is_some_and(|last| last.upper == f64::INFINITY)
}

/// Sums buckets with the same bound, which occur if `le` is formatted in several ways.
fn merge_equal_bounds(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, previous| {
        let same = next.upper == previous.upper;
        if same {
            previous.count += next.count;
        }
        same
    });
}

/// Raises each count to at least the one before it: scrapes during updates and sums over targets may decrease. Returns
/// whether the difference was larger than a rounding error.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let Some((first, rest)) = buckets.split_first_mut() else { return false };
    let mut forced_monotonic = false;
    let mut highest = first.count;
    for bucket in rest {
        if almost_equal(highest, bucket.count) {
            bucket.count = highest;
        } else if bucket.count < highest {
            bucket.count = highest;
            forced_monotonic = true;
        } else {
            highest = bucket.count;
        }
    }
    forced_monotonic
}

/// Source: `util/almost` of Prometheus.
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || a.is_nan() && b.is_nan() {
        return true;
    }
    let size = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < RELATIVE_TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < RELATIVE_TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|&(upper, count)| Bucket { upper, count }).collect()
    }

    #[test]
    fn quantiles_interpolate_within_a_bucket() {
        let all = buckets(&[(1.0, 10.0), (2.0, 30.0), (f64::INFINITY, 40.0)]);
        for (q, value) in [(0.0, 0.0), (0.125, 0.5), (0.5, 1.5), (0.75, 2.0), (0.99, 2.0)] {
            assert_eq!(quantile(q, &mut all.clone()), Quantile { value, forced_monotonic: false }, "{q}");
        }
        assert!(quantile(0.5, &mut buckets(&[(1.0, 10.0)])).value.is_nan());
        assert!(quantile(0.5, &mut buckets(&[(f64::INFINITY, 10.0)])).value.is_nan());
    }

    #[test]
    fn decreasing_counts_are_raised() {
        let mut decreasing = buckets(&[(1.0, 10.0), (2.0, 8.0), (f64::INFINITY, 10.0)]);
        assert_eq!(quantile(0.5, &mut decreasing), Quantile { value: 0.5, forced_monotonic: true });
    }

    #[test]
    fn fractions_are_those_between_two_bounds() {
        let all = buckets(&[(1.0, 10.0), (2.0, 30.0), (f64::INFINITY, 40.0)]);
        let fraction_between = |lower, upper| fraction(lower, upper, &mut all.clone());
        assert_eq!(fraction_between(1.0, 2.0), 0.5);
        assert_eq!(fraction_between(f64::NEG_INFINITY, 1.5), 0.5);
        assert_eq!(fraction_between(0.0, f64::INFINITY), 1.0);
        assert_eq!(fraction_between(2.0, 1.0), 0.0);
        assert!(fraction_between(f64::NAN, 1.0).is_nan());
    }
}
