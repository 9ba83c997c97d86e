//! Minimum, mean, maximum, last value, 95th percentile and standard deviation of a line.
use crate::data::graph::bounds::LineBounds;
use crate::wasm_size::sort::sort_by;

/// The statistics of a line's finite values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) max: f64,
    pub(crate) last: f64,
    /// The value that 95 % of the steps do not exceed.
    pub(crate) p95: f64,
    /// The standard deviation of the steps' values.
    pub(crate) deviation: f64,
}

/// The statistics of a line; none without a finite value. Its least and greatest values are those within the steps, if
/// they are known.
pub(crate) fn statistics(values: &[f64], bounds: Option<&LineBounds>) -> Option<Statistics> {
    let all = statistics_of(values)?;
    let Some(LineBounds { least, greatest, .. }) = bounds else { return Some(all) };
    // Minimum and maximum ignore NaN.
    let min = least.iter().copied().filter(|value| value.is_finite()).fold(all.min, f64::min);
    let max = greatest.iter().copied().filter(|value| value.is_finite()).fold(all.max, f64::max);
    Some(Statistics { min, max, ..all })
}

fn statistics_of(values: &[f64]) -> Option<Statistics> {
    let mut finite = values.iter().copied().filter(|value| value.is_finite());
    let first = finite.next()?;
    let start = Statistics { min: first, mean: first, max: first, last: first, p95: first, deviation: 0.0 };
    let (_, all) = finite.fold((1.0, start), |(count, all), value| {
        let next = Statistics {
            min: all.min.min(value),
            // Unlike a sum, the running mean does not overflow.
            mean: all.mean + (value / (count + 1.0) - all.mean / (count + 1.0)),
            max: all.max.max(value),
            last: value,
            ..all
        };
        (count + 1.0, next)
    });
    let mut ranked: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sort_by(&mut ranked, f64::total_cmp);
    let p95 = ranked.get((ranked.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(f64::NAN);
    let squares: f64 = ranked.iter().map(|value| (value - all.mean).powi(2) / ranked.len() as f64).sum();
    Some(Statistics { p95, deviation: squares.sqrt(), ..all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_infinities_do_not_count() {
        let all = statistics(&[f64::NAN, 4.0, 1.0, f64::INFINITY, 7.0, f64::NAN], None).expect("values");
        assert_eq!((all.min, all.mean, all.max, all.last), (1.0, 4.0, 7.0, 7.0));
        assert_eq!((all.p95, all.deviation), (7.0, 6_f64.sqrt()));
        assert_eq!(statistics(&[f64::NAN, f64::NEG_INFINITY], None), None);
        assert!(statistics(&[1e308, 1e308, -1e308], None).is_some_and(|all| all.mean.is_finite()));
    }

    #[test]
    fn peaks_within_the_steps_count() {
        let bounds = LineBounds { name: "a".into(), least: vec![f64::NAN, 0.0], greatest: vec![f64::NAN, 1000.0] };
        let all = statistics(&[f64::NAN, 283.0], Some(&bounds)).expect("values");
        assert_eq!((all.min, all.mean, all.max, all.last), (0.0, 283.0, 1000.0, 283.0));
    }
}
