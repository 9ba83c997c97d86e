//! What the `…_over_time` functions, `changes` and `resets` make of a window.
use crate::eval::{Meter, Windows};
use crate::kahan::{Mean, Sum};
use crate::{Error, Samples};

/// Up to here every integer is a float, so that sums of integers are exact in any order.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// The sum of each window.
pub(super) fn sum(samples: Samples<'_>, windows: &Windows, meter: &Meter<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
    if let Some(sums) = exact_sums(samples.values) {
        return windows.fill(samples, meter, out, |w| sums[w.first + w.values.len()] - sums[w.first]);
    }
    windows.fill(samples, meter, out, |window| {
        let mut sum = Sum::default();
        window.values.iter().for_each(|value| sum.add(*value));
        sum.compensated()
    })
}

/// The mean of each window.
pub(super) fn mean(
    samples: Samples<'_>,
    windows: &Windows,
    meter: &Meter<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    if let Some(sums) = exact_sums(samples.values) {
        return windows
            .fill(samples, meter, out, |w| (sums[w.first + w.values.len()] - sums[w.first]) / w.values.len() as f64);
    }
    windows.fill(samples, meter, out, |window| {
        let mut mean = Mean::starting_at(window.values[0]);
        window.values[1..].iter().for_each(|value| mean.add(*value));
        mean.value()
    })
}

/// The sum of the first n values for each n, if all are integers so small that no sum of them is rounded: then the
/// difference of two such sums is what adding up the values between would give.
fn exact_sums(values: &[f64]) -> Option<Vec<f64>> {
    let size: f64 = values.iter().map(|value| value.abs()).sum();
    let is_integer = |value: &f64| *value as i64 as f64 == *value;
    if size.is_nan() || size > EXACT_INTEGERS || !values.iter().all(is_integer) {
        return None;
    }
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    sums.extend(values.iter().map(|value| {
        sum += value;
        sum
    }));
    Some(sums)
}

/// Which end of a window's values is asked for.
#[derive(Clone, Copy)]
pub(super) enum Extreme {
    Least,
    Greatest,
}

/// The least or greatest value of each window; NaN only where there is nothing else.
pub(super) fn extreme(
    extreme: Extreme,
    samples: Samples<'_>,
    windows: &Windows,
    meter: &Meter<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    match extreme {
        Extreme::Least => fold_windows(f64::min, samples, windows, meter, out),
        Extreme::Greatest => fold_windows(f64::max, samples, windows, meter, out),
    }
}

/// What `pick` leaves of each window's values, each looked at twice however long the windows are: at some window the
/// picks from each of its values to its end are noted, and until a window begins behind that end only what follows is
/// picked from anew.
fn fold_windows(
    pick: impl Fn(f64, f64) -> f64,
    samples: Samples<'_>,
    windows: &Windows,
    meter: &Meter<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    let (mut noted, mut noted_end, mut seen, mut since) = (Vec::new(), 0, 0, f64::NAN);
    windows.fill(samples, meter, out, |window| {
        let end = window.first + window.values.len();
        if window.first >= noted_end {
            let mut picked = f64::NAN;
            noted.clear();
            noted.extend(window.values.iter().rev().map(|value| {
                picked = pick(picked, *value);
                picked
            }));
            (noted_end, since) = (end, f64::NAN);
        } else {
            since = samples.values[seen..end].iter().fold(since, |picked, value| pick(picked, *value));
        }
        seen = end;
        // Noted from the end on.
        pick(noted[noted_end - 1 - window.first], since)
    })
}

/// How many neighbours `(before, after)` in each window satisfy `counts`.
pub(super) fn count_pairs(
    counts: impl Fn(f64, f64) -> bool,
    samples: Samples<'_>,
    windows: &Windows,
    meter: &Meter<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    // How many pairs end at or before each place.
    let mut ended = Vec::with_capacity(samples.values.len());
    let mut count = 0.0;
    for (at, value) in samples.values.iter().enumerate() {
        if at > 0 && counts(samples.values[at - 1], *value) {
            count += 1.0;
        }
        ended.push(count);
    }
    windows.fill(samples, meter, out, |window| ended[window.first + window.values.len() - 1] - ended[window.first])
}

/// The population variance. Source: `promql/functions.go` of Prometheus 3, `varianceOverTime`.
pub(super) fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares, mut count) = (Sum::default(), Sum::default(), 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean.compensated();
        mean.add(delta / count);
        squares.add(delta * (value - mean.compensated()));
    }
    squares.compensated() / count
}
