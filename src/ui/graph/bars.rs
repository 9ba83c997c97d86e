//! Bars that count.
use plot::Frame;

/// Turns the rates of bars into numbers of events; the last bar may be unfinished.
pub(super) fn count_events(frame: &mut Frame, width_ms: i64, unfinished_ms: Option<i64>) {
    for column in &mut frame.columns {
        let last = column.values.len().saturating_sub(1);
        for (at, value) in column.values.iter_mut().enumerate() {
            let of_ms = unfinished_ms.filter(|_| at == last).unwrap_or(width_ms);
            // A rate times its time is a whole number but for rounding.
            let count = *value * of_ms as f64 / 1000.0;
            *value = if (count - count.round()).abs() < 1e-6 * count.abs().max(1.0) { count.round() } else { count };
        }
    }
}
