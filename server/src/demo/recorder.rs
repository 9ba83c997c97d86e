//! Records what a simulated target answered in the past, as series to import: those that scraping it would have stored.
use crate::demo::identity::identity;
use crate::scrape::engine_detection::DetectedEngines;
use crate::target::extra_sample::ExtraSample;
use crate::target::failure::Failure;
use crate::target::labels::TargetLabels;
use catalogue::contract::names;
use exposition::Label;
use fleet_simulation::{Answer, Kind, PagePart, Schema, Target, TargetKind};
use promql::{Labels, is_stale, stale_marker};
use std::collections::HashMap;
use std::sync::Arc;
use tsdb::ImportSeries;

/// How long scrapes take: a refused connection, one that times out, and a page with each of its samples, in seconds.
const REFUSED_S: f64 = 0.001;
const TIMEOUT_S: f64 = 10.0;
const PAGE_S: f64 = 0.003;
const SAMPLE_S: f64 = 4e-6;

/// Records one target.
pub(crate) struct Recorder {
    labels: TargetLabels,
    kind: TargetKind,
    series: Vec<ImportSeries>,
    indices: HashMap<Labels, usize>,
    detected: DetectedEngines,
    /// The parts of its page at the last scrape.
    parts: Vec<ActivePart>,
    /// The series about its engines, with their values.
    engines: Vec<(usize, f64)>,
    /// The series of the current failure.
    failed: Option<(Failure, usize)>,
    previous_ms: Option<i64>,
    /// The last scrape with a page, or else the first one; and whether there was a page.
    known_since_ms: Option<i64>,
    has_page: bool,
}

/// A part of the last page, and where its series are.
struct ActivePart {
    schema: Arc<Schema>,
    series: Vec<usize>,
}

impl Recorder {
    /// A recorder of a target whose address was last scraped at `last_ms`, Unix milliseconds, for this target or another.
    pub(crate) fn new(target: &Target, last_ms: Option<i64>) -> Self {
        Self {
            labels: identity(target).own_labels(),
            kind: target.kind,
            series: Vec::new(),
            indices: HashMap::new(),
            detected: DetectedEngines::default(),
            parts: Vec::new(),
            engines: Vec::new(),
            failed: None,
            previous_ms: last_ms,
            known_since_ms: last_ms,
            has_page: false,
        }
    }

    /// Records a scrape at `time_ms`, Unix milliseconds.
    pub(crate) fn record(&mut self, time_ms: i64, answer: &Answer) {
        let (parts, failure, mut duration_s) = match answer {
            Answer::Page(parts) => (&parts[..], None, PAGE_S),
            Answer::ConnectionRefused => (&[][..], Some(Failure::Connect), REFUSED_S),
            Answer::Timeout => (&[][..], Some(Failure::Timeout), TIMEOUT_S),
        };
        let (mut samples, mut added) = (0, 0);
        for part in parts {
            added += self.add_part(time_ms, part);
            samples += part.values.len();
        }
        self.end_parts(time_ms, parts);
        duration_s += samples as f64 * SAMPLE_S;
        self.write_engines(time_ms);
        for (name, value) in [
            ("up", f64::from(failure.is_none())),
            ("scrape_duration_seconds", duration_s),
            ("scrape_samples_scraped", samples as f64),
            ("scrape_series_added", added as f64),
        ] {
            self.push_extra(time_ms, name, &[], value);
        }
        if self.kind == TargetKind::Replica {
            self.push_extra(time_ms, names::REPLICA_MODEL, &[], 1.0);
        }
        if let Some((_, series)) = self.failed.take_if(|(known, _)| Some(*known) != failure) {
            self.push(series, time_ms, stale_marker());
        }
        if let Some(failure) = failure {
            let labels = self.labels.of_extra(names::SCRAPE_FAILED, [("reason", failure.reason().id())]);
            let series = self.index_of(labels);
            self.failed = Some((failure, series));
            self.push(series, time_ms, 1.0);
        }
        self.previous_ms = Some(time_ms);
        if !parts.is_empty() || self.known_since_ms.is_none() {
            self.known_since_ms = Some(time_ms);
        }
        self.has_page |= !parts.is_empty();
    }

    /// Ends all series at `time_ms`: the target is gone.
    pub(crate) fn end(&mut self, time_ms: i64) {
        let previous_ms = self.previous_ms;
        for series in &mut self.series {
            if series.samples.last().is_some_and(|(last_ms, value)| Some(*last_ms) == previous_ms && !is_stale(*value))
            {
                series.samples.push((time_ms, stale_marker()));
            }
        }
        self.parts.clear();
    }

    /// Takes what has been recorded.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = ImportSeries> {
        self.series.iter_mut().filter_map(|series| {
            // The next part will be about as long, unless the series has ended.
            let room = Vec::with_capacity(series.samples.len());
            let samples = std::mem::replace(&mut series.samples, room);
            (!samples.is_empty()).then(|| ImportSeries { labels: series.labels.clone(), samples })
        })
    }

    /// Marks the series of parts that are not on the page any more as stale, unless another part has them.
    fn end_parts(&mut self, time_ms: i64, parts: &[PagePart]) {
        let is_gone = |own: &mut ActivePart| !parts.iter().any(|part| Arc::ptr_eq(&part.schema, &own.schema));
        let gone: Vec<ActivePart> = self.parts.extract_if(.., is_gone).collect();
        if gone.is_empty() {
            return;
        }
        for index in gone.iter().flat_map(|part| &part.series) {
            let samples = &mut self.series[*index].samples;
            if samples.last().is_none_or(|(last_ms, _)| *last_ms < time_ms) {
                samples.push((time_ms, stale_marker()));
            }
        }
        if self.parts.is_empty() {
            // The next page may be that of another version.
            self.detected = DetectedEngines::default();
        }
    }

    /// Records the values of a part; returns how many of its series are new.
    fn add_part(&mut self, time_ms: i64, PagePart { schema, values }: &PagePart) -> usize {
        let known = self.parts.iter().position(|part| Arc::ptr_eq(&part.schema, schema));
        let mut added = 0;
        let at = known.unwrap_or_else(|| {
            let series = self.register(schema, values, &mut added);
            self.parts.push(ActivePart { schema: Arc::clone(schema), series });
            self.parts.len() - 1
        });
        let Self { parts, series, .. } = self;
        for (index, value) in parts[at].series.iter().zip(values) {
            series[*index].samples.push((time_ms, *value));
        }
        added
    }

    /// Registers the series of a part that the previous page lacked, and counts those that no other part of it had.
    /// Counters among these were zero then.
    fn register(&mut self, schema: &Schema, values: &[f64], added: &mut usize) -> Vec<usize> {
        let zero_ms = self.previous_ms.filter(|_| self.began_at_zero(schema, values));
        let mut indices = Vec::with_capacity(schema.series.len());
        for (number, family) in schema.families.iter().enumerate() {
            let end = schema.families.get(number + 1).map_or(schema.series.len(), |next| next.first);
            let counts = matches!(family.kind, Kind::Counter | Kind::Histogram | Kind::Summary);
            for (series, value) in schema.series[family.first..end].iter().zip(&values[family.first..end]) {
                let exposed: Vec<Label<'_>> = series
                    .labels
                    .iter()
                    .map(|(name, value)| Label { name: name.as_str().into(), value: value.as_str().into() })
                    .collect();
                let name = self.labels.page_name(&series.name).into_owned();
                let labels = self.labels.of_sample(&name, &exposed);
                self.detected.observe(&labels);
                let has_quantile = series.labels.iter().any(|(name, _)| name == "quantile");
                let index = self.index_of(labels);
                indices.push(index);
                let samples = &mut self.series[index].samples;
                let last = samples.last().copied().filter(|(last_ms, _)| Some(*last_ms) == self.previous_ms);
                if last.is_some_and(|(_, value)| !is_stale(value)) {
                    continue;
                }
                *added += 1;
                if let Some(zero_ms) = zero_ms.filter(|_| counts && !has_quantile && *value > 0.0) {
                    samples.push((zero_ms + i64::from(last.is_some()), 0.0));
                }
            }
        }
        indices
    }

    /// Whether the counters of a new part were zero at the previous scrape, as `scrape::newborn` finds it.
    fn began_at_zero(&self, schema: &Schema, values: &[f64]) -> bool {
        let start = schema.series.iter().position(|series| series.name == names::PROCESS_START_TIME);
        let start_ms = start.and_then(|index| values.get(index)).map(|start_s| start_s * 1000.0);
        let has_restarted = start_ms.zip(self.known_since_ms).is_some_and(|(start_ms, ms)| start_ms > ms as f64);
        // The counters of a machine are older than its exporter.
        self.kind != TargetKind::Machine && (self.has_page || has_restarted)
    }

    /// Records the series about detected engines, which go on while the target is down.
    fn write_engines(&mut self, time_ms: i64) {
        if let Some(samples) = self.detected.take_changed() {
            let previous = std::mem::take(&mut self.engines);
            for ExtraSample { name, labels, value } in samples {
                let labels = labels.iter().map(|(name, value)| (*name, value.as_str()));
                let index = self.index_of(self.labels.of_extra(name, labels));
                self.engines.push((index, value));
            }
            for (index, _) in previous {
                if !self.engines.iter().any(|(own, _)| *own == index) {
                    self.push(index, time_ms, stale_marker());
                }
            }
        }
        let Self { engines, series, .. } = self;
        for (index, value) in engines {
            series[*index].samples.push((time_ms, *value));
        }
    }

    fn push_extra(&mut self, time_ms: i64, name: &str, labels: &[(&str, &str)], value: f64) {
        let index = self.index_of(self.labels.of_extra(name, labels.iter().copied()));
        self.push(index, time_ms, value);
    }

    fn push(&mut self, index: usize, time_ms: i64, value: f64) {
        self.series[index].samples.push((time_ms, value));
    }

    fn index_of(&mut self, labels: Labels) -> usize {
        *self.indices.entry(labels).or_insert_with_key(|labels| {
            self.series.push(ImportSeries { labels: labels.clone(), samples: Vec::new() });
            self.series.len() - 1
        })
    }
}
