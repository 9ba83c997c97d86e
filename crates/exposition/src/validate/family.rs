//! The rules of OpenMetrics 1.0 for the samples of one family: values, labels, order and timestamps.
use super::{
    histogram::{HistogramCheck, HistogramKey},
    role::{ClassifiedSample, SampleRole},
    violation::RuleViolation,
};
use crate::{
    family::Kind,
    line::{labels::Label, sample::Measurement},
    timestamp::Timestamp,
};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher as _},
};

/// Validates the samples of a family, one by one.
pub(crate) struct FamilyRules {
    pub name: String,
    name_hash: u64,
    pub kind: Kind,
    /// Empty if the family has none.
    pub unit: String,
    /// The current metric. The samples of a metric must be contiguous.
    metric: Option<u64>,
    metrics: HashSet<u64>,
    timestamp: Option<Timestamp>,
    /// The series of the current metric at that timestamp.
    series_at_timestamp: HashSet<u64>,
    histogram: HistogramCheck,
}

impl FamilyRules {
    pub(crate) fn new(name: &str, kind: Kind, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            name_hash: hash_of(name),
            kind,
            unit: unit.to_owned(),
            metric: None,
            metrics: HashSet::new(),
            timestamp: None,
            series_at_timestamp: HashSet::new(),
            histogram: HistogramCheck::default(),
        }
    }

    /// The names that the family reserves: its own, and those with the suffixes of its type.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let suffixes = self.kind.suffixes().iter().filter(|suffix| !suffix.is_empty());
        suffixes.chain(&[""]).map(|suffix| format!("{}{suffix}", self.name))
    }

    /// The suffix of a sample's name, if samples of that name can belong to the family.
    pub(crate) fn suffix_of<'s>(&self, sample: &'s str) -> Option<&'s str> {
        sample.strip_prefix(self.name.as_str()).filter(|suffix| self.kind.suffixes().contains(suffix))
    }

    /// Validates a sample and returns its role, or none for a duplicate of another's labels and timestamp.
    pub(crate) fn sample(
        &mut self,
        name: &str,
        labels: &[Label<'_>],
        measurement: &Measurement,
    ) -> Result<Option<ClassifiedSample>, RuleViolation> {
        let suffix = self.suffix_of(name).unwrap_or_default();
        let role = SampleRole::of(self.kind, &self.name, suffix, labels)?;
        role.check(measurement)?;
        let Identity { metric, series } = identity(self.kind, &self.name, suffix, labels);
        if self.metric == Some(metric) {
            self.check_timestamp(measurement.timestamp)?;
        } else if self.metrics.insert(metric) {
            self.series_at_timestamp.clear();
        } else {
            return Err("has the samples of one metric apart");
        }
        let is_new = self.series_at_timestamp.insert(series) || measurement.timestamp != self.timestamp;
        self.metric = Some(metric);
        self.timestamp = measurement.timestamp;
        if is_new && role.is_of_histogram() {
            let key = HistogramKey { metric, timestamp: measurement.timestamp };
            self.histogram.add(key, role, measurement.value)?;
        }
        Ok(is_new.then(|| ClassifiedSample { role, metric: metric.wrapping_add(self.name_hash) }))
    }

    /// Validates the family once it is complete.
    pub(crate) fn finish(&self) -> Result<(), RuleViolation> {
        let has_unit_in_name = self.name.strip_suffix(self.unit.as_str()).is_some_and(|stem| stem.ends_with('_'));
        match self.kind {
            _ if self.unit.is_empty() => {}
            _ if !has_unit_in_name => return Err("does not end with its unit"),
            Kind::Info | Kind::StateSet => return Err("has a unit, which its type cannot have"),
            _ => {}
        }
        self.histogram.finish()
    }

    /// The rules for the timestamp of a sample that follows another of the same metric.
    fn check_timestamp(&self, timestamp: Option<Timestamp>) -> Result<(), RuleViolation> {
        match (self.timestamp, timestamp) {
            (None, Some(_)) | (Some(_), None) => Err("has samples of one metric with and without timestamps"),
            (Some(before), Some(now)) if before > now && self.kind != Kind::Info => {
                Err("has timestamps that go backwards")
            }
            _ => Ok(()),
        }
    }
}

/// Hashes of the metric and the series that a sample belongs to. A page crafted to make two collide harms only itself.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// All labels except the one that distinguishes samples within a metric.
    pub metric: u64,
    /// All labels, and the suffix of the name.
    pub series: u64,
}

/// The identity of a sample, whatever the order of its labels.
pub(crate) fn identity(kind: Kind, family: &str, suffix: &str, labels: &[Label<'_>]) -> Identity {
    let within_metric = match kind {
        Kind::Summary if suffix.is_empty() => Some("quantile"),
        Kind::StateSet => Some(family),
        Kind::Histogram | Kind::GaugeHistogram if suffix == "_bucket" => Some("le"),
        _ => None,
    };
    let mut identity = Identity { metric: 0, series: hash_of(suffix) };
    for label in labels {
        let hash = hash_of(label);
        identity.series = identity.series.wrapping_add(hash);
        // Nothing distinguishes the metrics of an info family.
        if kind != Kind::Info && within_metric != Some(&*label.name) {
            identity.metric = identity.metric.wrapping_add(hash);
        }
    }
    identity
}

fn hash_of(part: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}
