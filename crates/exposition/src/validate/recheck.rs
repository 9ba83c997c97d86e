//! Revalidates a page that differs from a valid one only in its values, so that only rules about values can be violated.
use super::histogram::{HistogramCheck, HistogramKey};
use super::role::ClassifiedSample;
use super::violation::RuleViolation;
use crate::line::sample::Measurement;

/// The state of the rules about values.
#[derive(Default)]
pub(crate) struct Recheck {
    histogram: HistogramCheck,
}

impl Recheck {
    /// Validates a sample that replaces one with the role in `classified`. A sample with a timestamp is rejected, because
    /// the rules about timestamps need the samples before it.
    pub(crate) fn sample(
        &mut self,
        classified: ClassifiedSample,
        measurement: &Measurement,
    ) -> Result<(), RuleViolation> {
        if measurement.timestamp.is_some() {
            return Err("has a timestamp");
        }
        classified.role.check(measurement)?;
        if classified.role.is_of_histogram() {
            let key = HistogramKey { metric: classified.metric, timestamp: None };
            self.histogram.add(key, classified.role, measurement.value)?;
        }
        Ok(())
    }

    /// Validates the end of the page.
    pub(crate) fn finish(&self) -> Result<(), RuleViolation> {
        self.histogram.finish()
    }
}
