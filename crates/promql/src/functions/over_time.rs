//! What the `…_over_time` functions, `changes` and `resets` make of a window.
use crate::accumulate::{Mean, Sum};
use crate::eval::{Meter, Windows};
use crate::{Column, Error};

/// Up to here every integer is a float, so that sums of integers are exact in any order.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// The sum of each window.
pub(super) fn sum(samples: Column<'_>, windows: &Windows, meter: &Meter<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
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
pub(super) fn mean(samples: Column<'_>, windows: &Windows, meter: &Meter<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
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
    let mut sums = Vec::with_capacity(values.len() + 1);
    let (mut sum, mut size) = (0.0, 0.0);
    sums.push(sum);
    for value in values {
        sum += value;
        size += value.abs();
        if value.fract() != 0.0 || size.is_nan() || size > EXACT_INTEGERS {
            return None;
        }
        sums.push(sum);
    }
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
    samples: Column<'_>,
    windows: &Windows,
    meter: &Meter<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    let values = samples.values;
    let beats = |a: f64, b: f64| match extreme {
        Extreme::Least => a <= b,
        Extreme::Greatest => a >= b,
    };
    // The places of values that none later in the window beats: the first of them is the window's extreme.
    let mut candidates: Vec<usize> = Vec::new();
    let (mut head, mut seen) = (0, 0);
    windows.fill(samples, meter, out, |window| {
        for at in seen.max(window.first)..window.first + window.values.len() {
            if !values[at].is_nan() {
                while candidates.len() > head && beats(values[at], values[candidates[candidates.len() - 1]]) {
                    candidates.pop();
                }
                candidates.push(at);
            }
        }
        seen = window.first + window.values.len();
        while candidates.get(head).is_some_and(|at| *at < window.first) {
            head += 1;
        }
        candidates.get(head).map_or(f64::NAN, |at| values[*at])
    })
}

/// How many neighbours `(before, after)` in each window satisfy `counts`.
pub(super) fn count_pairs(
    counts: impl Fn(f64, f64) -> bool,
    samples: Column<'_>,
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
