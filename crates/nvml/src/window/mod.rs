//! The samples of the last interval, and the families that they aggregate to.
use crate::identity::Labels;
use crate::metric::{Aggregation, Metric, Reading};
use catalogue::GPU_METRICS;
use catalogue::contract::GpuFault;
use exposition::{Family, Kind, Sample};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

const COLLECTOR_UP: &str = "gpu_collector_up";

/// The samples of the last interval. Its memory is bounded, however long it is used.
#[derive(Debug)]
pub struct Window {
    length: Duration,
    samples: VecDeque<TimedSample>,
}

/// The readings of all GPUs at one time.
#[derive(Debug)]
struct TimedSample {
    /// On any monotonic clock.
    time: Duration,
    readings: Vec<Reading>,
}

impl Window {
    /// A window over the samples of the last `length`. If that is the scrape interval and the time between two samples
    /// together, every sample is in the window of some scrape.
    pub fn new(length: Duration) -> Self {
        Self { length, samples: VecDeque::new() }
    }

    /// Adds a sample taken at `time`, and removes those that are then too old.
    pub fn push(&mut self, time: Duration, mut readings: Vec<Reading>) {
        while self.samples.front().is_some_and(|first| first.time + self.length <= time) {
            self.samples.pop_front();
        }
        if let Some(previous) = self.samples.back() {
            share_labels(&previous.readings, &mut readings);
        }
        self.samples.push_back(TimedSample { time, readings });
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether it holds no samples.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The series of the newest sample, as means and peaks over the window, with `gpu_collector_up`.
    pub fn families(&self) -> Vec<Family> {
        let mut series: BTreeMap<(&'static str, &Labels), Aggregate> = BTreeMap::new();
        for reading in self.samples.back().into_iter().flat_map(|sample| &sample.readings) {
            series.insert((reading.metric.name, &reading.labels), Aggregate::new(reading.metric));
        }
        for reading in self.samples.iter().flat_map(|sample| &sample.readings) {
            if let Some(aggregate) = series.get_mut(&(reading.metric.name, &reading.labels)) {
                aggregate.add(reading.value);
            }
        }
        let mut samples: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
        for ((name, labels), aggregate) in &series {
            samples.entry(name).or_default().push(sample(name, labels, aggregate.value()));
            if let Aggregation::MeanAndPeak(name) = aggregate.metric.aggregation {
                samples.entry(name).or_default().push(sample(name, labels, aggregate.peak));
            }
        }
        let mut families = up_families(None);
        families.extend(samples.into_iter().map(|(name, samples)| family(name, samples)));
        families
    }
}

/// Makes equal labels of two successive samples share their memory.
fn share_labels(previous: &[Reading], readings: &mut [Reading]) {
    // Successive samples have mostly the same series in the same order, so the search starts at the last match.
    let mut at = 0;
    for reading in readings {
        let offset = previous[at..].iter().take(64).position(|previous| previous.labels == reading.labels);
        if let Some(offset) = offset {
            at += offset;
            reading.labels = Arc::clone(&previous[at].labels);
        }
    }
}

/// The values of one series over the window.
struct Aggregate {
    metric: &'static Metric,
    count: f64,
    mean: f64,
    peak: f64,
    last: f64,
}

impl Aggregate {
    fn new(metric: &'static Metric) -> Self {
        Self { metric, count: 0.0, mean: 0.0, peak: f64::NEG_INFINITY, last: f64::NAN }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        // Unlike a sum, this gives equal values exactly their value as the mean.
        self.mean += (value - self.mean) / self.count;
        self.peak = self.peak.max(value);
        self.last = value;
    }

    fn value(&self) -> f64 {
        match self.metric.aggregation {
            Aggregation::Last => self.last,
            Aggregation::Mean | Aggregation::MeanAndPeak(_) => self.mean,
        }
    }
}

/// The families of a collector that does not measure: `gpu_collector_up`, with the fault as its reason.
pub fn fault_families(fault: GpuFault) -> Vec<Family> {
    up_families(Some(fault))
}

fn up_families(fault: Option<GpuFault>) -> Vec<Family> {
    let labels: Vec<_> = fault.map(|fault| ("reason", fault.id().to_owned())).into_iter().collect();
    vec![family(COLLECTOR_UP, vec![sample(COLLECTOR_UP, &labels, f64::from(u8::from(fault.is_none())))])]
}

/// A family with the type and help of the catalogue.
fn family(name: &str, samples: Vec<Sample>) -> Family {
    let metric = GPU_METRICS.iter().find(|metric| metric.name == name);
    Family {
        name: name.to_owned(),
        kind: metric.and_then(|metric| Kind::from_name(metric.kind)).unwrap_or_default(),
        help: metric.map(|metric| metric.meaning.to_owned()).unwrap_or_default(),
        unit: String::new(),
        samples,
    }
}

fn sample(name: &str, labels: &[(&'static str, String)], value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Sample { name: name.to_owned(), labels, value, timestamp: None, exemplar: None }
}

#[cfg(test)]
mod tests;
