//! The `…_over_time` functions, `changes` and `resets`.
use crate::Error;
use crate::eval::WindowedSamples;
use crate::kahan::{KahanMean, KahanSum};

/// Up to this magnitude floats represent all integers, so sums of integers are exact in any order.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The sum of each window.
pub(super) fn sum(windowed: WindowedSamples<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
    if let Some(sums) = exact_prefix_sums(windowed.samples.values) {
        return windowed.fill(out, |window| sums[window.end()] - sums[window.first]);
    }
    windowed.fill(out, |window| {
        let mut sum = KahanSum::default();
        window.values.iter().for_each(|value| sum.add(*value));
        sum.value()
    })
}

/// The mean of each window.
pub(super) fn mean(windowed: WindowedSamples<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
    if let Some(sums) = exact_prefix_sums(windowed.samples.values) {
        let sum = |first: usize, end: usize| sums[end] - sums[first];
        return windowed.fill(out, |window| sum(window.first, window.end()) / window.values.len() as f64);
    }
    windowed.fill(out, |window| {
        let mut mean = KahanMean::starting_at(window.values[0]);
        window.values[1..].iter().for_each(|value| mean.add(*value));
        mean.value()
    })
}

/// The sum of the first n values for each n, if all values are integers and no sum of them is rounded. The difference of
/// two such sums is then exactly the sum of the values between.
fn exact_prefix_sums(values: &[f64]) -> Option<Vec<f64>> {
    let magnitude: f64 = values.iter().map(|value| value.abs()).sum();
    let is_integer = |value: &f64| *value as i64 as f64 == *value;
    if magnitude.is_nan() || magnitude > MAX_EXACT_INTEGER || !values.iter().all(is_integer) {
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

/// The lowest value of each window; NaN only if there is no other.
pub(super) fn min(windowed: WindowedSamples<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
    fold_windows(f64::min, windowed, out)
}

/// The highest value of each window; NaN only if there is no other.
pub(super) fn max(windowed: WindowedSamples<'_>, out: &mut Vec<f64>) -> Result<(), Error> {
    fold_windows(f64::max, windowed, out)
}

/// Folds each window with the associative function `pick`, in two visits per value for windows of any length: the folds
/// from each value to the end of one window are stored, and combined with a running fold of the values after it, until
/// a window begins after that end.
fn fold_windows(
    pick: impl Fn(f64, f64) -> f64,
    windowed: WindowedSamples<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    // The folds are in reverse order: the last value of the window first.
    let (mut suffix_folds, mut suffix_end) = (Vec::new(), 0);
    let (mut running_fold, mut folded_end) = (f64::NAN, 0);
    windowed.fill(out, |window| {
        let end = window.end();
        if window.first >= suffix_end {
            let mut fold = f64::NAN;
            suffix_folds.clear();
            suffix_folds.extend(window.values.iter().rev().map(|value| {
                fold = pick(fold, *value);
                fold
            }));
            (suffix_end, running_fold) = (end, f64::NAN);
        } else {
            let new_values = &windowed.samples.values[folded_end..end];
            running_fold = new_values.iter().fold(running_fold, |fold, value| pick(fold, *value));
        }
        folded_end = end;
        pick(suffix_folds[suffix_end - 1 - window.first], running_fold)
    })
}

/// The number of neighbouring values `(previous, value)` in each window that satisfy `counts`.
pub(super) fn count_pairs(
    counts: impl Fn(f64, f64) -> bool,
    windowed: WindowedSamples<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    let prefix_counts = prefix_counts(counts, windowed.samples.values);
    windowed.fill(out, |window| prefix_counts[window.end() - 1] - prefix_counts[window.first])
}

/// The number of neighbouring values that satisfy `counts` up to each value.
pub(super) fn prefix_counts(counts: impl Fn(f64, f64) -> bool, values: &[f64]) -> Vec<f64> {
    let mut prefix_counts = Vec::with_capacity(values.len());
    let mut count = 0.0;
    for (index, value) in values.iter().enumerate() {
        if index > 0 && counts(values[index - 1], *value) {
            count += 1.0;
        }
        prefix_counts.push(count);
    }
    prefix_counts
}

/// The population variance. Source: `promql/functions.go` of Prometheus 3, `varianceOverTime`.
pub(super) fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares, mut count) = (KahanSum::default(), KahanSum::default(), 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean.value();
        mean.add(delta / count);
        squares.add(delta * (value - mean.value()));
    }
    squares.value() / count
}
