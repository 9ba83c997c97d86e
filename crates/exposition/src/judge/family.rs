//! The rules of OpenMetrics 1.0 for the samples of one family: values, labels, order and times.
use super::histogram::{HistogramCheck, Part};
use crate::{
    family::Kind,
    line::{
        labels::{Label, value_of},
        number::parse_value,
        sample::Point,
        time::Timestamp,
    },
};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher as _},
};

/// Follows the samples of a family.
pub(crate) struct FamilyRules {
    pub name: String,
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

    /// Takes in a sample; whether it counts, which it does not if it repeats the labels and the time of another.
    pub(crate) fn sample(&mut self, name: &str, labels: &[Label<'_>], point: &Point) -> Result<bool, Broken> {
        let suffix = self.suffix_of(name).unwrap_or_default();
        self.check_alone(suffix, labels, point)?;
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
        if counts && matches!(self.kind, Kind::Histogram | Kind::GaugeHistogram) {
            let part = match suffix {
                "_bucket" => Part::Bucket { upper_bound: upper_bound(labels).unwrap_or(f64::NAN) },
                "_count" | "_gcount" => Part::Count,
                "_sum" => Part::Sum,
                "_gsum" => Part::GaugeSum,
                _ => Part::Created,
            };
            self.histogram.take_in((metric, point.timestamp), part, point.value)?;
        }
        Ok(counts)
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

    /// The rules for a sample by itself.
    fn check_alone(&self, suffix: &str, labels: &[Label<'_>], point: &Point) -> Result<(), Broken> {
        let value = point.value;
        let is_cumulative = matches!(suffix, "_total" | "_sum" | "_count" | "_bucket" | "_gcount");
        match self.kind {
            Kind::StateSet if value_of(labels, &self.name).is_none() => {
                Err("has a state without the label of its name")
            }
            Kind::StateSet if value != 0.0 && value != 1.0 => Err("has a state that is neither 0 nor 1"),
            Kind::Info if value != 1.0 => Err("has an info that is not 1"),
            Kind::Summary if suffix.is_empty() && !has_quantile(labels) => Err("has no quantile from 0 to 1"),
            Kind::Summary if suffix.is_empty() && value < 0.0 => Err("has a negative quantile"),
            _ if suffix == "_bucket" && upper_bound(labels).is_none() => Err("has a bucket without a number as le"),
            _ if matches!(suffix, "_bucket" | "_count" | "_gcount") && value.fract() != 0.0 => {
                Err("has a count that is not whole")
            }
            _ if (is_cumulative || suffix == "_gsum") && value.is_nan() => Err("has a counter that is NaN"),
            _ if is_cumulative && value < 0.0 => Err("has a negative counter"),
            _ if point.exemplar.is_some() && !matches!(suffix, "_bucket" | "_total") => {
                Err("has an exemplar on what is neither a counter nor a bucket")
            }
            _ => Ok(()),
        }
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

/// The bound of a bucket, unless it is no number or infinity in another spelling than `+Inf`.
fn upper_bound(labels: &[Label<'_>]) -> Option<f64> {
    let text = value_of(labels, "le")?;
    parse_value(text.as_bytes()).filter(|bound| !bound.is_nan() && (*bound < f64::INFINITY || text == "+Inf"))
}

fn has_quantile(labels: &[Label<'_>]) -> bool {
    let quantile = value_of(labels, "quantile").and_then(|text| parse_value(text.as_bytes()));
    quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile))
}

fn hash_of(part: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}
