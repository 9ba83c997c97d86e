//! Percentiles in the first or last bucket of a histogram, which are only bounds.

/// How a percentile in the first or last bucket of its histogram is bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// In the first bucket: it is at most that bucket's upper bound, which this is.
    AtMost(f64),
    /// Above the last finite bucket: it is at least that bucket's upper bound, which this is.
    AtLeast(f64),
}

/// The relative difference up to which two bounds of buckets are the same.
const TOLERANCE: f64 = 1e-9;

/// Whether two bounds of buckets are the same, which are sometimes rounded by a factor between units.
pub fn is_same_bound(one: f64, other: f64) -> bool {
    one == other || (one - other).abs() <= TOLERANCE * one.abs().min(other.abs())
}

/// Whether `percentile` is only a bound. `grids` are the upper bounds of buckets in the percentile's unit, ascending, with
/// or without infinity: one grid, or several if the buckets have changed.
///
/// `histogram_quantile` interpolates from zero within the first bucket, and returns the last finite bound for anything
/// above it. Where it is not known which grid a percentile comes from, it is a bound if it is one in any of them.
pub fn bound(percentile: f64, grids: &[Vec<f64>]) -> Option<Bound> {
    let finite = |grid: &'_ Vec<f64>| grid.iter().rposition(|end| end.is_finite());
    let lasts = || grids.iter().filter_map(|grid| grid.get(finite(grid)?)).copied();
    let first =
        grids.iter().filter_map(|grid| grid.first().filter(|end| end.is_finite())).copied().fold(f64::NAN, f64::max);
    if lasts().any(|last| is_same_bound(last, percentile)) || percentile > lasts().fold(f64::NAN, f64::max) {
        return Some(Bound::AtLeast(percentile));
    }
    (percentile < first).then_some(Bound::AtMost(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_in_the_first_and_last_bucket_are_bounds() {
        let grid = vec![0.3, 0.5, 60.0, f64::INFINITY];
        for (percentile, expected) in [
            (0.297, Some(Bound::AtMost(0.3))),
            (0.3, None),
            (12.0, None),
            (60.0, Some(Bound::AtLeast(60.0))),
            (60.000_000_001, Some(Bound::AtLeast(60.000_000_001))),
            (f64::NAN, None),
        ] {
            assert_eq!(bound(percentile, std::slice::from_ref(&grid)), expected, "{percentile}");
        }
        assert_eq!(bound(1.0, &[vec![f64::INFINITY]]), None);
        assert_eq!(bound(1.0, &[]), None);
    }

    #[test]
    fn bounds_are_the_same_up_to_rounding() {
        assert!(
            is_same_bound(0.3, 300.0 * 0.001) && is_same_bound(f64::INFINITY, f64::INFINITY) && is_same_bound(0.0, 0.0)
        );
        for (one, other) in [(1.0, f64::INFINITY), (f64::INFINITY, 1.0), (1.0, 1.000_01), (0.0, 1e-12), (f64::NAN, 1.0)]
        {
            assert!(!is_same_bound(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_bound_of_one_of_several_grids_is_a_bound() {
        let grids = [vec![0.1, 1.0, 10.0, f64::INFINITY], vec![0.5, 1.0, 60.0, f64::INFINITY]];
        for (percentile, expected) in [
            (0.05, Some(Bound::AtMost(0.5))),
            (0.4, Some(Bound::AtMost(0.5))),
            (0.7, None),
            (10.0, Some(Bound::AtLeast(10.0))),
            (20.0, None),
            (60.0, Some(Bound::AtLeast(60.0))),
        ] {
            assert_eq!(bound(percentile, &grids), expected, "{percentile}");
        }
    }
}
