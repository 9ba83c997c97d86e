//! Quantiles and fractions of classic histograms. Source: `promql/quantile.go` of Prometheus 3, `BucketQuantile` and
//! `BucketFraction`.

/// How far apart two counts may be, relative to their size, and still count as equal.
const TOLERANCE: f64 = 1e-12;

/// The observations up to a bound.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bucket {
    pub(crate) upper: f64,
    /// Cumulative.
    pub(crate) count: f64,
}

/// A quantile, and whether counts that fell had to be raised for it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Quantile {
    pub(crate) value: f64,
    pub(crate) forced: bool,
}

/// The quantile `q` of the observations in `buckets`, which are ordered by bound, taken to be evenly spread within
/// each. Below the first positive bound they begin at 0; in the last bucket the quantile is its lower bound. NaN
/// without observations, a bucket up to +Inf or a second bucket, or for a `q` of NaN; -Inf and +Inf for a `q` below 0
/// and above 1. Changes `buckets`.
pub(crate) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> Quantile {
    let unforced = |value| Quantile { value, forced: false };
    if q.is_nan() {
        return unforced(f64::NAN);
    }
    if q < 0.0 {
        return unforced(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return unforced(f64::INFINITY);
    }
    if !is_complete(buckets) {
        return unforced(f64::NAN);
    }
    join_equal_bounds(buckets);
    let forced = make_monotonic(buckets);
    Quantile { value: monotonic_quantile(q, buckets), forced }
}

fn monotonic_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    let [finite @ .., all] = buckets else { return f64::NAN };
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else { return f64::NAN };
    // A count of NaN cannot be compared, so it satisfies no rank.
    if all.count == 0.0 || all.count.is_nan() {
        return f64::NAN;
    }
    let rank = q * all.count;
    let place = finite.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = finite.get(place) else { return last.upper };
    if place == 0 {
        return if first.upper <= 0.0 { first.upper } else { bucket.upper * (rank / bucket.count) };
    }
    let below = finite[place - 1];
    below.upper + (bucket.upper - below.upper) * ((rank - below.count) / (bucket.count - below.count))
}

/// The share of observations above `lower` and up to `upper`, spread as for [`quantile`]. NaN without observations or
/// a bucket up to +Inf, or where a limit is NaN. Changes `buckets`.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !is_complete(buckets) {
        return f64::NAN;
    }
    join_equal_bounds(buckets);
    let total = buckets.last().map_or(0.0, |bucket| bucket.count);
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank(upper, buckets, total) - rank(lower, buckets, total)) / total
}

/// How many observations are at most `limit`.
fn rank(limit: f64, buckets: &[Bucket], total: f64) -> f64 {
    let mut below = Bucket { upper: 0.0, count: 0.0 };
    if buckets.first().is_some_and(|first| first.upper <= 0.0) {
        below.upper = f64::NEG_INFINITY;
    }
    for bucket in buckets {
        if below.upper >= limit {
            return below.count.min(total);
        }
        if limit < bucket.upper {
            // Nothing is known about where in an unbounded bucket observations are; of one that begins at -Inf all
            // count, of one that ends at +Inf none.
            let rank = if below.upper == f64::NEG_INFINITY {
                bucket.count
            } else {
                below.count + (bucket.count - below.count) * (limit - below.upper) / (bucket.upper - below.upper)
            };
            return rank.min(total);
        }
        below = *bucket;
    }
    total
}

/// Whether the last bucket holds all observations.
fn is_complete(buckets: &[Bucket]) -> bool {
    buckets.last().is_some_and(|last| last.upper == f64::INFINITY)
}

/// Adds up buckets with the same bound, which differ in how it is written.
fn join_equal_bounds(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
}

/// Raises counts below an earlier one to that, which data from several targets or under way can need. Returns whether
/// it was by more than rounding explains.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let Some((first, rest)) = buckets.split_first_mut() else { return false };
    let mut forced = false;
    let mut highest = first.count;
    for bucket in rest {
        if almost_equal(highest, bucket.count) {
            bucket.count = highest;
        } else if bucket.count < highest {
            bucket.count = highest;
            forced = true;
        } else {
            highest = bucket.count;
        }
    }
    forced
}

/// Source: `util/almost` of Prometheus.
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || a.is_nan() && b.is_nan() {
        return true;
    }
    let size = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < TOLERANCE
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
            assert_eq!(quantile(q, &mut all.clone()), Quantile { value, forced: false }, "{q}");
        }
        assert!(quantile(0.5, &mut buckets(&[(1.0, 10.0)])).value.is_nan());
        assert!(quantile(0.5, &mut buckets(&[(f64::INFINITY, 10.0)])).value.is_nan());
    }

    #[test]
    fn falling_counts_are_raised() {
        let mut falling = buckets(&[(1.0, 10.0), (2.0, 8.0), (f64::INFINITY, 10.0)]);
        assert_eq!(quantile(0.5, &mut falling), Quantile { value: 0.5, forced: true });
    }

    #[test]
    fn fractions_are_between_bounds() {
        let all = buckets(&[(1.0, 10.0), (2.0, 30.0), (f64::INFINITY, 40.0)]);
        let of = |lower, upper| fraction(lower, upper, &mut all.clone());
        assert_eq!(of(1.0, 2.0), 0.5);
        assert_eq!(of(f64::NEG_INFINITY, 1.5), 0.5);
        assert_eq!(of(0.0, f64::INFINITY), 1.0);
        assert_eq!(of(2.0, 1.0), 0.0);
        assert!(of(f64::NAN, 1.0).is_nan());
    }
}
