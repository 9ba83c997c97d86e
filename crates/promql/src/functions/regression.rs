//! Linear regression over a window. Source: `promql/functions.go` of Prometheus 3, `linearRegression`.
use crate::eval::Window;
use crate::kahan::KahanSum;
use crate::stale_marker;

/// The slope per second; the stale marker if there are fewer than two samples.
pub(super) fn slope(window: &Window<'_>) -> f64 {
    if window.values.len() < 2 {
        return stale_marker();
    }
    // An origin near the samples keeps the sums small.
    least_squares(window, window.times_ms[0]).slope
}

/// The value of the line `seconds` after `now_ms`; the stale marker if there are fewer than two samples.
pub(super) fn predict(window: &Window<'_>, now_ms: i64, seconds: f64) -> f64 {
    if window.values.len() < 2 {
        return stale_marker();
    }
    let line = least_squares(window, now_ms);
    line.slope * seconds + line.intercept
}

struct Line {
    /// Per second.
    slope: f64,
    /// The value at the origin.
    intercept: f64,
}

/// The least-squares line with its origin at `origin_ms`.
fn least_squares(window: &Window<'_>, origin_ms: i64) -> Line {
    let first = window.values[0];
    if window.values.iter().all(|value| *value == first) {
        return if first.is_infinite() {
            Line { slope: f64::NAN, intercept: f64::NAN }
        } else {
            Line { slope: 0.0, intercept: first }
        };
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) =
        (KahanSum::default(), KahanSum::default(), KahanSum::default(), KahanSum::default());
    for (time_ms, y) in window.times_ms.iter().zip(window.values) {
        let x = (time_ms - origin_ms) as f64 / 1000.0;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let count = window.values.len() as f64;
    let (x, y) = (x_sum.value(), y_sum.value());
    let covariance = xy_sum.value() - x * y / count;
    let variance = xx_sum.value() - x * x / count;
    let slope = covariance / variance;
    Line { slope, intercept: y / count - slope * x / count }
}
