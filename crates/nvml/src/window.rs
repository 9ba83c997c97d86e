//! The samples of an interval, and the page that they make.
use crate::metric::{Fold, Metric, Reading};
use catalogue::GPU_METRICS;
use catalogue::contract::GpuFault;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const COLLECTOR_UP: &str = "gpu_collector_up";

/// The samples of the last interval: however long it runs, it holds no more than that.
#[derive(Debug)]
pub struct Window {
    span: Duration,
    /// Each with the time it was taken, on any clock that does not go back.
    samples: VecDeque<(Duration, Vec<Reading>)>,
}

impl Window {
    /// A window over the samples of the last `span`. Give it the time between two readers' looks and one sample more, so
    /// that no sample falls between two looks.
    pub fn new(span: Duration) -> Self {
        Self { span, samples: VecDeque::new() }
    }

    /// Adds a sample taken at `time`, and lets go of those that are too old by then.
    pub fn push(&mut self, time: Duration, mut readings: Vec<Reading>) {
        while self.samples.front().is_some_and(|(first, _)| *first + self.span <= time) {
            self.samples.pop_front();
        }
        if let Some((_, before)) = self.samples.back() {
            share_labels(before, &mut readings);
        }
        self.samples.push_back((time, readings));
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// What the newest sample tells, as means and peaks over the window: a series that the newest no longer has is gone.
    pub fn page(&self) -> String {
        let mut series: BTreeMap<(&'static str, &str), Folded> = BTreeMap::new();
        for reading in self.samples.back().into_iter().flat_map(|(_, readings)| readings) {
            series.insert((reading.metric.name, &reading.labels), Folded::new(reading.metric));
        }
        for reading in self.samples.iter().flat_map(|(_, readings)| readings) {
            if let Some(folded) = series.get_mut(&(reading.metric.name, &*reading.labels)) {
                folded.add(reading.value);
            }
        }
        let mut families: BTreeMap<&'static str, Vec<(&str, f64)>> = BTreeMap::new();
        for ((name, labels), folded) in &series {
            families.entry(name).or_default().push((labels, folded.value()));
            if let Fold::MeanAndPeak(name) = folded.metric.fold {
                families.entry(name).or_default().push((labels, folded.peak));
            }
        }
        let mut page = up_page(None);
        for (name, samples) in families {
            write_family(&mut page, name, samples);
        }
        page
    }
}

/// Lets equal labels of two samples share their memory.
fn share_labels(before: &[Reading], readings: &mut [Reading]) {
    // Two samples differ little: mostly the same series follow each other.
    let mut at = 0;
    for reading in readings {
        let found = before[at..].iter().take(64).position(|known| known.labels == reading.labels);
        if let Some(found) = found {
            at += found;
            reading.labels = Arc::clone(&before[at].labels);
        }
    }
}

/// One series over the window.
struct Folded {
    metric: &'static Metric,
    count: f64,
    sum: f64,
    peak: f64,
    last: f64,
}

impl Folded {
    fn new(metric: &'static Metric) -> Self {
        Self { metric, count: 0.0, sum: 0.0, peak: f64::NEG_INFINITY, last: f64::NAN }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.peak = self.peak.max(value);
        self.last = value;
    }

    fn value(&self) -> f64 {
        match self.metric.fold {
            Fold::Last => self.last,
            Fold::Mean | Fold::MeanAndPeak(_) => self.sum / self.count,
        }
    }
}

/// The page that tells whether cards are measured, and nothing else.
pub(crate) fn up_page(fault: Option<GpuFault>) -> String {
    let mut page = String::new();
    let labels = fault.map(|fault| format!("reason=\"{}\"", fault.id())).unwrap_or_default();
    write_family(&mut page, COLLECTOR_UP, vec![(&labels, f64::from(u8::from(fault.is_none())))]);
    page
}

fn write_family(page: &mut String, name: &str, samples: Vec<(&str, f64)>) {
    let known = GPU_METRICS.iter().find(|metric| metric.name == name);
    // Writing to a string cannot fail.
    if let Some(metric) = known {
        let _ = write!(page, "# HELP {name} {}\n# TYPE {name} {}\n", metric.meaning, metric.kind);
    }
    for (labels, value) in samples {
        let _ = match labels {
            "" => writeln!(page, "{name} {value}"),
            labels => writeln!(page, "{name}{{{labels}}} {value}"),
        };
    }
}

#[cfg(test)]
mod tests;
