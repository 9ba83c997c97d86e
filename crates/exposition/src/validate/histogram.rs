//! The rules for the samples of one histogram. Source: OpenMetrics 1.0, "Histogram" and "GaugeHistogram".
use super::{role::SampleRole, violation::RuleViolation};
use crate::timestamp::Timestamp;

/// Validates the samples of a histogram family, metric by metric.
#[derive(Default)]
pub(crate) struct HistogramCheck {
    current: Option<(HistogramKey, HistogramState)>,
}

/// One metric at one time.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct HistogramKey {
    /// The hash of the metric's labels.
    pub(super) metric: u64,
    pub(super) timestamp: Option<Timestamp>,
}

/// The samples of one histogram so far.
#[derive(Default)]
struct HistogramState {
    last_bucket: Option<Bucket>,
    has_negative_bounds: bool,
    count: Option<f64>,
    has_sum: bool,
    gauge_sum: Option<f64>,
}

#[derive(Clone, Copy)]
struct Bucket {
    upper_bound: f64,
    value: f64,
}

impl HistogramCheck {
    pub(super) fn add(&mut self, key: HistogramKey, role: SampleRole, value: f64) -> Result<(), RuleViolation> {
        if self.current.as_ref().is_some_and(|(current, _)| *current != key) {
            self.finish()?;
            self.current = None;
        }
        let (_, state) = self.current.get_or_insert_with(|| (key, HistogramState::default()));
        match role {
            SampleRole::Bucket { upper_bound } => {
                if state.last_bucket.is_some_and(|last| upper_bound <= last.upper_bound) {
                    return Err("has buckets out of order");
                }
                if value < state.last_bucket.map_or(0.0, |last| last.value) {
                    return Err("has a bucket that counts less than the one before");
                }
                state.has_negative_bounds |= upper_bound < 0.0;
                state.last_bucket = Some(Bucket { upper_bound, value });
            }
            SampleRole::Count => state.count = Some(value),
            SampleRole::Sum => state.has_sum = true,
            SampleRole::GaugeSum => state.gauge_sum = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// Validates the last metric once it is complete.
    pub(super) fn finish(&self) -> Result<(), RuleViolation> {
        let Some((_, state)) = &self.current else { return Ok(()) };
        let Some(Bucket { upper_bound: f64::INFINITY, value: total }) = state.last_bucket else {
            return Err("has no bucket +Inf at its end");
        };
        let has_any_sum = state.has_sum || state.gauge_sum.is_some();
        if state.count.is_some_and(|count| count != total) {
            return Err("has a count that differs from its bucket +Inf");
        }
        if has_any_sum != state.count.is_some() {
            return Err("has a sum without a count, or a count without a sum");
        }
        if state.has_negative_bounds && state.has_sum {
            return Err("has a sum although its buckets go below zero");
        }
        if !state.has_negative_bounds && state.gauge_sum.is_some_and(|sum| sum < 0.0) {
            return Err("has a negative sum although no bucket goes below zero");
        }
        Ok(())
    }
}
