//! Domain and ticks of a logarithmic value axis.

/// The smallest power of ten on an axis, within the range of normal 64-bit floats.
const MIN_POWER: i32 = -300;

/// The largest power of ten on an axis.
const MAX_POWER: i32 = 300;

/// The powers of ten that enclose all finite values above zero, multiplied by `factor`; none if there are no such values.
pub fn log_domain<'a>(columns: impl Iterator<Item = &'a [f64]>, factor: f64) -> Option<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in columns.flatten().copied().filter(|value| *value > 0.0 && value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if high == 0.0 {
        return None;
    }
    let (low, high) = (low * factor, high * factor);
    let power = |value: f64| (value as i32).clamp(MIN_POWER, MAX_POWER);
    let first = power((low.log10() + 1e-9).floor());
    let last = power((high.log10() - 1e-9).ceil()).max(first + 1);
    Some((10_f64.powi(first), 10_f64.powi(last)))
}

/// About `count` round values between the bounds of a [`log_domain`], including both.
pub fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (first, last) = (low.log10().round() as i32, high.log10().round() as i32);
    let decades = (last - first).max(1);
    let factors: &[f64] = match decades {
        1 => &[1.0, 2.0, 5.0],
        2 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let step = (decades as usize).div_ceil(count.max(1)).max(1);
    let powers = (first..last).step_by(step);
    let between = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
    between.chain([high]).collect()
}

/// The number of values that a logarithmic axis cannot show: zeros and negatives.
pub fn count_nonpositive<'a>(columns: impl Iterator<Item = &'a [f64]>) -> usize {
    columns.flatten().filter(|value| **value <= 0.0).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_powers_of_ten_around_the_positive_values() {
        let domain = |values: &[f64]| log_domain([values].into_iter(), 1.0);
        assert_eq!(domain(&[0.02, 5.0, 0.0, -3.0, f64::NAN, f64::INFINITY]), Some((0.01, 10.0)));
        assert_eq!(domain(&[1.0]), Some((1.0, 10.0)));
        assert_eq!(log_domain([&[0.5, 2.0][..]].into_iter(), 60.0), Some((10.0, 1000.0)));
        assert!(log_domain([&[1e308][..]].into_iter(), 60.0).is_some_and(|(_, high)| high.is_finite()));
        assert_eq!(domain(&[0.0, -1.0, f64::NAN]), None);
        for extreme in [5e-324, 1e-300, 1e308, f64::MAX] {
            let (low, high) = domain(&[extreme]).expect("a domain");
            assert!(low > 0.0 && high > low && high.is_finite(), "{extreme}: {low} {high}");
        }
    }

    #[test]
    fn ticks_are_few_and_reach_both_ends() {
        assert_eq!(log_ticks(0.1, 1.0, 4), [0.1, 0.2, 0.5, 1.0]);
        assert_eq!(log_ticks(1.0, 100.0, 4), [1.0, 3.0, 10.0, 30.0, 100.0]);
        assert_eq!(log_ticks(1.0, 1e4, 4), [1.0, 10.0, 100.0, 1000.0, 1e4]);
        let many = log_ticks(1e-300, 1e300, 4);
        assert!(many.len() <= 6 && many.iter().all(|tick| tick.is_finite() && *tick > 0.0), "{many:?}");
    }

    #[test]
    fn zeros_and_negatives_are_counted() {
        assert_eq!(count_nonpositive([&[0.0, -1.0, 1.0, f64::NAN][..], &[0.0]].into_iter()), 3);
    }
}
