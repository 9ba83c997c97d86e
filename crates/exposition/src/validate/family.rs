//! The rules of OpenMetrics 1.0 for the samples of one family: values, labels, order and times.
use super::{histogram::HistogramCheck, recheck::Ruling, role::Role};
use crate::{
    family::Kind,
    line::{labels::Label, sample::Point, time::Timestamp},
};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher as _},
};

/// Follows the samples of a family.
pub(crate) struct FamilyRules {
    pub name: String,
    name_hash: u64,
    pub kind: Kind,
    /// Empty for none.
    pub unit: String,
    /// The metric being printed; each is in one piece.
    metric: Option<u64>,
    metrics: HashSet<u64>,
    time: Option<Timestamp>,
    /// The series that the metric has had at that time.
    series_at_time: HashSet<u64>,
    histogram: HistogramCheck,
}

/// The rule that is broken, to follow the family's name.
pub(crate) type Broken = &'static str;

impl FamilyRules {
    pub(crate) fn new(name: &str, kind: Kind, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            name_hash: hash_of(name),
            kind,
            unit: unit.to_owned(),
            metric: None,
            metrics: HashSet::new(),
            time: None,
            series_at_time: HashSet::new(),
            histogram: HistogramCheck::default(),
        }
    }

    /// The names that the family takes: its own, and what its type makes of it.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let suffixes = self.kind.suffixes().iter().filter(|suffix| !suffix.is_empty());
        suffixes.chain(&[""]).map(|suffix| format!("{}{suffix}", self.name))
    }

    /// What the name of a sample has after the family's, if the family's type has samples of that name.
    pub(crate) fn suffix_of<'s>(&self, sample: &'s str) -> Option<&'s str> {
        sample.strip_prefix(self.name.as_str()).filter(|suffix| self.kind.suffixes().contains(suffix))
    }

    /// Takes in a sample; what it is, or none if it does not count, because it repeats the labels and the time of
    /// another.
    pub(crate) fn sample(&mut self, name: &str, labels: &[Label<'_>], point: &Point) -> Result<Option<Ruling>, Broken> {
        let suffix = self.suffix_of(name).unwrap_or_default();
        let role = Role::of(self.kind, &self.name, suffix, labels)?;
        role.check(point)?;
        let Identity { metric, series } = identity(self.kind, &self.name, suffix, labels);
        if self.metric == Some(metric) {
            self.check_time(point.timestamp)?;
        } else if self.metrics.insert(metric) {
            self.series_at_time.clear();
        } else {
            return Err("has the samples of one metric apart");
        }
        let counts = self.series_at_time.insert(series) || point.timestamp != self.time;
        self.metric = Some(metric);
        self.time = point.timestamp;
        if counts && role.is_of_histogram() {
            self.histogram.take_in((metric, point.timestamp), role, point.value)?;
        }
        Ok(counts.then(|| Ruling { role, metric: metric.wrapping_add(self.name_hash) }))
    }

    /// Judges the family, which is complete.
    pub(crate) fn finish(&self) -> Result<(), Broken> {
        let has_unit_in_name = self.name.strip_suffix(self.unit.as_str()).is_some_and(|stem| stem.ends_with('_'));
        match self.kind {
            _ if self.unit.is_empty() => {}
            _ if !has_unit_in_name => return Err("does not end with its unit"),
            Kind::Info | Kind::StateSet => return Err("has a unit, which its type cannot have"),
            _ => {}
        }
        self.histogram.finish()
    }

    /// The rules for the time of a sample after another of the same metric.
    fn check_time(&self, time: Option<Timestamp>) -> Result<(), Broken> {
        match (self.time, time) {
            (None, Some(_)) | (Some(_), None) => Err("has samples of one metric with and without timestamps"),
            (Some(before), Some(now)) if before > now && self.kind != Kind::Info => {
                Err("has timestamps that go backwards")
            }
            _ => Ok(()),
        }
    }
}

/// Numbers that stand for what a sample belongs to. What shares one by design spoils only the page that has it.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// All labels but the one that tells the samples of a metric apart.
    pub metric: u64,
    /// All labels, and the suffix of the name.
    pub series: u64,
}

/// What a sample of a family belongs to, whatever the order of its labels.
pub(crate) fn identity(kind: Kind, family: &str, suffix: &str, labels: &[Label<'_>]) -> Identity {
    let within = match kind {
        Kind::Summary if suffix.is_empty() => Some("quantile"),
        Kind::StateSet => Some(family),
        Kind::Histogram | Kind::GaugeHistogram if suffix == "_bucket" => Some("le"),
        _ => None,
    };
    let mut identity = Identity { metric: 0, series: hash_of(suffix) };
    for label in labels {
        let hash = hash_of(label);
        identity.series = identity.series.wrapping_add(hash);
        // Of infos one metric cannot be told from another.
        if kind != Kind::Info && within != Some(&*label.name) {
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
