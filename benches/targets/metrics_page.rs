//! The metrics page of a target: counters of which a part grows, histograms, and gauges with three decimals that change.
//! What does not differ between targets is kept once for all of them.
use std::fmt::Write as _;

/// One in so many series is a counter of answers, which queries sum up.
const COUNTER_SHARE: usize = 5;

/// One in so many series belongs to a histogram.
const HISTOGRAM_SHARE: usize = 5;

/// The bounds of the buckets of each histogram.
const BOUNDS: [&str; 18] = [
    "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0",
    "20.0", "40.0", "80.0", "+Inf",
];

/// What the metrics pages have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The number of series.
    pub(crate) series: usize,
    /// Bytes that are added to the labels of each series.
    pub(crate) label_bytes: usize,
    /// After so many scrapes all series get another label; 0 for never.
    pub(crate) churn: u64,
}

/// The metrics pages of all targets.
#[derive(Debug)]
pub(crate) struct MetricsPages {
    shape: Shape,
    lines: Vec<Line>,
}

/// A line without what the target and the scrape make of it.
#[derive(Debug)]
enum Line {
    Type(&'static str),
    Sample { name: &'static str, labels: String, value: Value },
}

/// How the value of a series comes about.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// A counter that grows by so many at each scrape, from a start.
    Counter { start: u64, growth: u64 },
    /// A bucket, or the count of observations, which have a rank among each scrape's.
    Bucket { rank: u64 },
    /// The sum of all observations.
    Sum,
    /// A gauge with three decimals, around so many halves.
    Gauge { halves: u64 },
}

impl MetricsPages {
    pub(crate) fn new(shape: Shape) -> Self {
        let counters = shape.series.div_ceil(COUNTER_SHARE);
        let histograms = shape.series / HISTOGRAM_SHARE / (BOUNDS.len() + 2);
        let gauges = shape.series - counters - histograms * (BOUNDS.len() + 2);
        let mut lines = vec![Line::Type("# TYPE answered_total counter\n")];
        for route in 0..counters as u64 {
            let value = Value::Counter { start: 1000 * route, growth: route % 7 };
            lines.push(Line::Sample { name: "answered_total", labels: format!(r#"route="/v1/route{route}""#), value });
        }
        lines.push(Line::Type("# TYPE latency_seconds histogram\n"));
        for route in 0..histograms {
            let route = format!(r#"route="/v1/route{route}""#);
            for (rank, bound) in (1..).zip(BOUNDS) {
                let (labels, value) = (format!(r#"{route},le="{bound}""#), Value::Bucket { rank });
                lines.push(Line::Sample { name: "latency_seconds_bucket", labels, value });
            }
            lines.push(Line::Sample { name: "latency_seconds_sum", labels: route.clone(), value: Value::Sum });
            let value = Value::Bucket { rank: BOUNDS.len() as u64 };
            lines.push(Line::Sample { name: "latency_seconds_count", labels: route, value });
        }
        lines.push(Line::Type("# TYPE level gauge\n"));
        for place in 0..gauges {
            let value = Value::Gauge { halves: 3 * place as u64 };
            lines.push(Line::Sample { name: "level", labels: format!(r#"place="{place}""#), value });
        }
        Self { shape, lines }
    }

    /// The metrics page of a target at its scrape of this number.
    pub(crate) fn text(&self, target: usize, scrape: u64) -> String {
        let mut target_labels = format!(r#"model="model-{}",engine="{target}""#, target % 4);
        if let Some(run) = scrape.checked_div(self.shape.churn) {
            let _ = write!(target_labels, r#",run="{run}""#);
        }
        let line_bytes = 64 + target_labels.len() + self.shape.label_bytes;
        let mut text = String::with_capacity(self.lines.len() * line_bytes);
        for (at, line) in self.lines.iter().enumerate() {
            match line {
                Line::Type(line) => text.push_str(line),
                Line::Sample { name, labels, value } => {
                    for part in [name, "{", &target_labels, ",", labels] {
                        text.push_str(part);
                    }
                    self.push_note(&mut text, target, at);
                    text.push_str("} ");
                    value.push(&mut text, target as u64, scrape);
                    text.push('\n');
                }
            }
        }
        text
    }

    /// A label that no other series has, as long as it takes to add so many bytes.
    fn push_note(&self, text: &mut String, target: usize, line: usize) {
        const AROUND: &str = r#",note="""#;
        let Some(value_bytes) = self.shape.label_bytes.checked_sub(AROUND.len()) else { return };
        let unique = format!("{target}-{line}-");
        text.push_str(r#",note=""#);
        text.extend(unique.chars().cycle().take(value_bytes.max(unique.len())));
        text.push('"');
    }
}

impl Value {
    fn push(self, text: &mut String, target: u64, scrape: u64) {
        let written = match self {
            Self::Counter { start, growth } => write!(text, "{}", start + growth * scrape),
            // A scrape's observations reach up to another bucket at each target.
            Self::Bucket { rank } => write!(text, "{}", rank.min(1 + target % BOUNDS.len() as u64) * scrape),
            Self::Sum => write!(text, "{}.{:03}", scrape * 3, scrape * 37 % 1000),
            Self::Gauge { halves } => {
                let thousandths = 500 * halves + 125 * ((7 * scrape + 3 * halves + target) % 13);
                write!(text, "{}.{:03}", thousandths / 1000, thousandths % 1000)
            }
        };
        // Writing to a string does not fail.
        let _ = written;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::{Format, Limits, for_each_sample};
    use std::collections::BTreeSet;

    /// The series of a metrics page, and the bytes of all labels.
    fn series(shape: Shape, scrape: u64) -> (BTreeSet<String>, usize) {
        let text = MetricsPages::new(shape).text(7, scrape);
        let (mut names, mut bytes) = (BTreeSet::new(), 0);
        for_each_sample(text.as_bytes(), Format::Text, &Limits::default(), &mut |sample| {
            names.insert(format!("{} {:?}", sample.name, sample.labels));
            bytes += sample.labels.iter().map(|label| label.name.len() + label.value.len() + 4).sum::<usize>();
        })
        .expect("a valid page");
        (names, bytes)
    }

    #[test]
    fn a_page_has_as_many_series_and_label_bytes_as_wanted() {
        let shape = Shape { series: 500, label_bytes: 0, churn: 0 };
        let (plain, bytes) = series(shape, 3);
        assert_eq!(plain.len(), 500);
        let (long, long_bytes) = series(Shape { label_bytes: 100, ..shape }, 3);
        assert_eq!((long.len(), long_bytes - bytes), (500, 500 * 100));
    }

    #[test]
    fn series_change_only_with_churn() {
        let shape = Shape { series: 50, label_bytes: 0, churn: 4 };
        assert_eq!(series(shape, 0), series(shape, 3));
        assert!(series(shape, 3).0.is_disjoint(&series(shape, 4).0));
    }
}
