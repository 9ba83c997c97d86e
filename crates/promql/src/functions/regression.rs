//! A straight line through a window's samples. Source: `promql/functions.go` of Prometheus 3, `linearRegression`.
use crate::eval::Window;
use crate::kahan::Sum;
use crate::stale_marker;

/// The line's slope per second; none from fewer than two samples.
pub(super) fn slope(window: &Window<'_>) -> f64 {
    // A time near the samples keeps the sums small.
    if window.values.len() < 2 { stale_marker() } else { line(window, window.times_ms[0]).0 }
}

/// The line's value `seconds` after `now_ms`; none from fewer than two samples.
pub(super) fn predict(window: &Window<'_>, now_ms: i64, seconds: f64) -> f64 {
    if window.values.len() < 2 {
        return stale_marker();
    }
    let (slope, intercept) = line(window, now_ms);
    slope * seconds + intercept
}

/// The least-squares line, as its slope per second and its value at `origin_ms`.
fn line(window: &Window<'_>, origin_ms: i64) -> (f64, f64) {
    let first = window.values[0];
    if window.values.iter().all(|value| *value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let (mut x_sum, mut y_sum, mut xy_sum, mut xx_sum) =
        (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for (time_ms, y) in window.times_ms.iter().zip(window.values) {
        let x = (time_ms - origin_ms) as f64 / 1000.0;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let count = window.values.len() as f64;
    let (x, y) = (x_sum.compensated(), y_sum.compensated());
    let covariance = xy_sum.compensated() - x * y / count;
    let variance = xx_sum.compensated() - x * x / count;
    let slope = covariance / variance;
    (slope, y / count - slope * x / count)
}
