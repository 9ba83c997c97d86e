//! The rules for the samples of one histogram. Source: OpenMetrics 1.0, "Histogram" and "GaugeHistogram".
use super::role::Role;
use crate::line::time::Timestamp;

/// Follows the samples of a histogram family, metric after metric.
#[derive(Default)]
pub(crate) struct HistogramCheck {
    /// The metric and its time, and what it has had so far.
    current: Option<(Key, Seen)>,
}

/// A metric, by the fingerprint of its labels, at one time.
type Key = (u64, Option<Timestamp>);

#[derive(Default)]
struct Seen {
    /// Upper bound and value of the last bucket.
    bucket: Option<(f64, f64)>,
    has_negative_bounds: bool,
    count: Option<f64>,
    has_sum: bool,
    gauge_sum: Option<f64>,
}

impl HistogramCheck {
    /// Takes in a sample of the metric `key`.
    pub(crate) fn take_in(&mut self, key: Key, role: Role, value: f64) -> Result<(), &'static str> {
        if self.current.as_ref().is_some_and(|(current, _)| *current != key) {
            self.finish()?;
            self.current = None;
        }
        let (_, seen) = self.current.get_or_insert_with(|| (key, Seen::default()));
        match role {
            Role::Bucket { upper_bound } => {
                let (bound_before, value_before) = seen.bucket.unwrap_or((f64::NEG_INFINITY, 0.0));
                if seen.bucket.is_some() && upper_bound <= bound_before {
                    return Err("has buckets out of order");
                }
                if value < value_before {
                    return Err("has a bucket that counts less than the one before");
                }
                seen.has_negative_bounds |= upper_bound < 0.0;
                seen.bucket = Some((upper_bound, value));
            }
            Role::Count => seen.count = Some(value),
            Role::Sum => seen.has_sum = true,
            Role::GaugeSum => seen.gauge_sum = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// Judges the last metric, which is complete.
    pub(crate) fn finish(&self) -> Result<(), &'static str> {
        let Some((_, seen)) = &self.current else { return Ok(()) };
        let Some((f64::INFINITY, total)) = seen.bucket else { return Err("has no bucket +Inf at its end") };
        let has_any_sum = seen.has_sum || seen.gauge_sum.is_some();
        if seen.count.is_some_and(|count| count != total) {
            return Err("has a count that differs from its bucket +Inf");
        }
        if has_any_sum != seen.count.is_some() {
            return Err("has a sum without a count, or a count without a sum");
        }
        if seen.has_negative_bounds && seen.has_sum {
            return Err("has a sum although its buckets go below zero");
        }
        if !seen.has_negative_bounds && seen.gauge_sum.is_some_and(|sum| sum < 0.0) {
            return Err("has a negative sum although no bucket goes below zero");
        }
        Ok(())
    }
}
