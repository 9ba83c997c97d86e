//! Compares the families of a source with its previous ones, as the exposition parser does with metrics pages.
use crate::target::failure::Failure;
use exposition::{Family, Kind, Label, Limits, Metadata, NewSeries, ParseCounts, Sample, Sink, Timestamp};
use std::collections::HashMap;

/// The previous families of one source.
#[derive(Default)]
pub(crate) struct FamilyDiff {
    series: HashMap<SeriesKey, SeriesEntry>,
    metadata: HashMap<String, FamilyMetadata>,
    free_numbers: Vec<u32>,
    next_number: u32,
    /// The number of reads so far.
    reads: u64,
}

/// A name and sorted labels without empty values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    name: String,
    labels: Vec<(String, String)>,
}

struct SeriesEntry {
    number: u32,
    /// The last read that had it.
    read: u64,
}

#[derive(PartialEq)]
struct FamilyMetadata {
    kind: Kind,
    help: String,
    unit: String,
}

impl FamilyDiff {
    /// Reports the samples of `families` and how their series differ from the previous ones to `sink`.
    ///
    /// # Errors
    /// If the families exceed a limit. Nothing is reported then.
    pub(crate) fn read(
        &mut self,
        families: &[Family],
        limits: &Limits,
        sink: &mut impl Sink,
    ) -> Result<ParseCounts, Failure> {
        check_limits(families, limits)?;
        self.reads += 1;
        let mut count = ParseCounts::default();
        for family in families {
            self.report_metadata(family, sink);
        }
        for sample in families.iter().flat_map(|family| &family.samples) {
            count.samples += 1;
            self.report_sample(sample, &mut count, sink);
        }
        let reads = self.reads;
        // A number is not reused before the next read, because `sink` still associates it with the removed series.
        for (_, entry) in self.series.extract_if(|_, entry| entry.read != reads) {
            sink.series_removed(entry.number);
            self.free_numbers.push(entry.number);
        }
        Ok(count)
    }

    fn report_metadata(&mut self, family: &Family, sink: &mut impl Sink) {
        let Family { name, kind, help, unit, .. } = family;
        let metadata = FamilyMetadata { kind: *kind, help: help.clone(), unit: unit.clone() };
        if self.metadata.get(name).is_some_and(|known| *known == metadata) {
            return;
        }
        sink.metadata(name, Metadata::Kind(*kind));
        if !help.is_empty() {
            sink.metadata(name, Metadata::Help(help));
        }
        if !unit.is_empty() {
            sink.metadata(name, Metadata::Unit(unit));
        }
        self.metadata.insert(name.clone(), metadata);
    }

    fn report_sample(&mut self, sample: &Sample, count: &mut ParseCounts, sink: &mut impl Sink) {
        let timestamp_ms = sample.timestamp.map(Timestamp::ms);
        let key = key_of(sample);
        if let Some(entry) = self.series.get_mut(&key) {
            if entry.read == self.reads && timestamp_ms.is_none() {
                count.duplicates += 1;
                return;
            }
            entry.read = self.reads;
            return sink.sample(entry.number, sample.value, timestamp_ms);
        }
        let number = self.free_numbers.pop().unwrap_or_else(|| {
            self.next_number += 1;
            self.next_number - 1
        });
        count.new_series += 1;
        let labels: Vec<_> = labels(sample).collect();
        // Sources read counters of kernels, drivers and platforms, which were not zero before.
        sink.series_added(number, NewSeries { name: &sample.name, labels: &labels, counted: None });
        sink.sample(number, sample.value, timestamp_ms);
        self.series.insert(key, SeriesEntry { number, read: self.reads });
    }
}

/// The labels of a sample.
pub(crate) fn labels(sample: &Sample) -> impl Iterator<Item = Label<'_>> {
    sample.labels.iter().map(|(name, value)| Label { name: name.into(), value: value.into() })
}

fn key_of(sample: &Sample) -> SeriesKey {
    let mut labels: Vec<_> = sample.labels.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    labels.sort_unstable();
    SeriesKey { name: sample.name.clone(), labels }
}

/// The limits that apply to metrics pages also apply to families: label values may come from other systems.
fn check_limits(families: &[Family], limits: &Limits) -> Result<(), Failure> {
    let samples = || families.iter().flat_map(|family| &family.samples);
    if samples().count() > limits.samples {
        return Err(Failure::SampleLimit);
    }
    let exceeded = |sample: &Sample| {
        if sample.labels.len() > limits.labels {
            Some("label_limit")
        } else if sample.name.len() > limits.name_bytes
            || sample.labels.iter().any(|(name, _)| name.len() > limits.name_bytes)
        {
            Some("label_name_length_limit")
        } else {
            sample
                .labels
                .iter()
                .any(|(_, value)| value.len() > limits.value_bytes)
                .then_some("label_value_length_limit")
        }
    };
    match samples().enumerate().find_map(|(at, sample)| Some((at, exceeded(sample)?))) {
        Some((at, limit)) => Err(Failure::LabelLimit { line: at + 1, limit }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records what is reported.
    #[derive(Default)]
    struct Reports(Vec<String>);

    impl Sink for Reports {
        fn metadata(&mut self, family: &str, metadata: Metadata<'_>) {
            self.0.push(format!("{family} {metadata:?}"));
        }

        fn series_added(&mut self, number: u32, NewSeries { name, labels, .. }: NewSeries<'_>) {
            let labels: Vec<_> = labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
            self.0.push(format!("{number} is {name}{{{}}}", labels.join(",")));
        }

        fn sample(&mut self, number: u32, value: f64, _: Option<i64>) {
            self.0.push(format!("{number}: {value}"));
        }

        fn series_removed(&mut self, number: u32) {
            self.0.push(format!("{number} is removed"));
        }
    }

    fn gauge(samples: &[(&str, f64)]) -> Vec<Family> {
        let sample = |(label, value): &(&str, f64)| Sample {
            name: "g".into(),
            labels: vec![("l".into(), (*label).to_owned())],
            value: *value,
            timestamp: None,
            exemplar: None,
        };
        let samples = samples.iter().map(sample).collect();
        vec![Family { name: "g".into(), kind: Kind::Gauge, help: "Help.".into(), unit: String::new(), samples }]
    }

    #[test]
    fn only_differences_are_reported() {
        let mut diff = FamilyDiff::default();
        let mut read = |samples: &[(&str, f64)]| {
            let mut reports = Reports::default();
            let count = diff.read(&gauge(samples), &Limits::default(), &mut reports).expect("families");
            (reports.0, (count.samples, count.duplicates, count.new_series))
        };
        let (reports, counts) = read(&[("a", 1.0), ("b", 2.0), ("a", 9.0)]);
        assert_eq!(reports, ["g Kind(Gauge)", "g Help(\"Help.\")", "0 is g{l=a}", "0: 1", "1 is g{l=b}", "1: 2"]);
        assert_eq!(counts, (3, 1, 2));
        assert_eq!(read(&[("b", 3.0), ("c", 4.0)]).0, ["1: 3", "2 is g{l=c}", "2: 4", "0 is removed"]);
        assert_eq!(read(&[("b", 3.0), ("c", 4.0), ("d", 5.0)]).0, ["1: 3", "2: 4", "0 is g{l=d}", "0: 5"]);
    }

    #[test]
    fn families_beyond_a_limit_are_refused() {
        let limits = Limits { samples: 1, value_bytes: 3, ..Limits::default() };
        let read = |samples: &[(&str, f64)]| {
            FamilyDiff::default().read(&gauge(samples), &limits, &mut Reports::default()).err()
        };
        assert_eq!(read(&[("abc", 1.0)]), None);
        assert_eq!(read(&[("abcd", 1.0)]), Some(Failure::LabelLimit { line: 1, limit: "label_value_length_limit" }));
        assert_eq!(read(&[("a", 1.0), ("b", 1.0)]), Some(Failure::SampleLimit));
    }
}
