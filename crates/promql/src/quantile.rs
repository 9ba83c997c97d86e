//! Quantiles of a set of numbers.

/// The quantile `q` of `values`, interpolated between the two nearest; NaN counts as the lowest value. Returns NaN if
/// there are no values or `q` is NaN, -Inf if `q` is below 0 and +Inf if it is above 1. Reorders `values`. Source:
/// `promql/quantile.go` of Prometheus, `quantile`.
pub(crate) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let order = |a: &f64, b: &f64| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b));
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor();
    let (_, low, higher) = values.select_nth_unstable_by(lower as usize, order);
    let low = *low;
    let high = higher.iter().copied().min_by(|a, b| order(a, b)).unwrap_or(low);
    let weight = rank - lower;
    // At the rank of a value its neighbour does not count: zero times an infinite neighbour would be NaN.
    if weight == 0.0 { low } else { low * (1.0 - weight) + high * weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        assert_eq!(quantile(0.5, &mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(quantile(0.25, &mut [0.0, 8.0]), 2.0);
        assert_eq!(quantile(1.0, &mut [3.0, f64::NAN, 1.0]), 3.0);
        assert!(quantile(0.0, &mut [3.0, f64::NAN, 1.0]).is_nan());
        assert_eq!(quantile(0.5, &mut [1.0, 2.0, f64::INFINITY]), 2.0);
        assert_eq!(quantile(1.5, &mut [1.0]), f64::INFINITY);
        assert_eq!(quantile(-0.5, &mut [1.0]), f64::NEG_INFINITY);
    }
}
