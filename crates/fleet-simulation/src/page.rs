//! Metrics pages: what series one has, and their values at a moment.
use crate::histogram::Histogram;
pub use exposition::Kind;
use exposition::{Encoding, Family, Sample};
use std::sync::Arc;

/// The series of a metrics page, or of a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// The families, in the page's order.
    pub families: Vec<FamilySchema>,
    /// The series of all families, in order.
    pub series: Vec<SeriesSchema>,
}

/// A family of a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilySchema {
    /// The name in its metadata.
    pub name: String,
    /// The type.
    pub kind: Kind,
    /// The help text.
    pub help: String,
    /// The index of its first series.
    pub first: usize,
}

/// A series of a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSchema {
    /// The full name, including the suffix.
    pub name: String,
    /// Names and values of the labels.
    pub labels: Vec<(String, String)>,
}

/// A part of a metrics page: series and their values, in the same order.
#[derive(Clone, Debug)]
pub struct PagePart {
    /// The series; the same object as long as they do not change.
    pub schema: Arc<Schema>,
    /// Their values.
    pub values: Vec<f64>,
}

/// The families of some parts, those of one name joined.
pub fn families(parts: &[PagePart]) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for PagePart { schema, values } in parts {
        for (index, own) in schema.families.iter().enumerate() {
            let end = schema.families.get(index + 1).map_or(schema.series.len(), |next| next.first);
            let samples = schema.series[own.first..end].iter().zip(&values[own.first..end]);
            let samples = samples.map(|(series, value)| Sample {
                name: series.name.clone(),
                labels: series.labels.clone(),
                value: *value,
                timestamp: None,
                exemplar: None,
            });
            match families.iter_mut().find(|family| family.name == own.name) {
                Some(family) => family.samples.extend(samples),
                None => families.push(Family {
                    name: own.name.clone(),
                    kind: own.kind,
                    help: own.help.clone(),
                    unit: String::new(),
                    samples: samples.collect(),
                }),
            }
        }
    }
    families
}

/// The text of some parts, in the Prometheus format.
pub fn text(parts: &[PagePart]) -> String {
    let mut page = String::new();
    exposition::write(&families(parts), Encoding::TEXT, &mut page);
    page
}

/// Something that a metrics page, or a part of one, is about.
pub(crate) trait PageSource {
    /// Writes its series, which are the same whenever its schema is.
    fn write(&self, page: &mut impl PageSink);

    /// Its part of a page. The schema is made once and kept in `known`.
    fn part(&self, known: &mut Option<Arc<Schema>>) -> PagePart {
        let schema = known.get_or_insert_with(|| {
            let mut schema = Schema::default();
            self.write(&mut schema);
            Arc::new(schema)
        });
        let mut values = Vec::with_capacity(schema.series.len());
        self.write(&mut values);
        PagePart { schema: Arc::clone(schema), values }
    }
}

/// What a dialect writes a page to.
pub(crate) trait PageSink {
    /// Begins a family.
    fn family(&mut self, name: &str, kind: Kind, help: &str);

    /// Adds a sample to the last family; `suffix` follows the family's name.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64);

    /// Adds the samples of a histogram to the last family.
    fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram);

    /// Adds a family with one sample.
    fn single(&mut self, name: &str, kind: Kind, help: &str, labels: &[(&str, &str)], value: f64) {
        self.family(name, kind, help);
        self.sample("", labels, value);
    }

    /// Adds a gauge.
    fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.single(name, Kind::Gauge, help, labels, value);
    }

    /// Adds a counter.
    fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.single(name, Kind::Counter, help, labels, value);
    }

    /// Adds a family with one histogram.
    fn distribution(&mut self, name: &str, help: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        self.family(name, Kind::Histogram, help);
        self.histogram(labels, histogram);
    }
}

impl PageSink for Schema {
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let first = self.series.len();
        self.families.push(FamilySchema { name: name.to_owned(), kind, help: help.to_owned(), first });
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], _: f64) {
        let family = self.families.last().map_or("", |family| &family.name);
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.push(SeriesSchema { name: format!("{family}{suffix}"), labels });
    }

    fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let bounds = histogram.bounds.iter().map(|bound| format!("{bound:?}"));
        for bound in bounds.chain(["+Inf".to_owned()]) {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", &*bound)]).collect();
            self.sample("_bucket", &labels, 0.0);
        }
        self.sample("_count", labels, 0.0);
        self.sample("_sum", labels, 0.0);
    }
}

/// Takes the values of a page, in the order of its schema.
impl PageSink for Vec<f64> {
    fn family(&mut self, _: &str, _: Kind, _: &str) {}

    fn sample(&mut self, _: &str, _: &[(&str, &str)], value: f64) {
        self.push(value);
    }

    fn histogram(&mut self, _: &[(&str, &str)], histogram: &Histogram) {
        histogram.cumulative(|count| self.push(count));
        self.push(histogram.count());
        self.push(histogram.sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(sink: &mut impl PageSink, value: f64) {
        sink.gauge("running", "Requests.", &[("engine", "0")], value);
        let mut latency = Histogram::new(&Arc::from([0.5, 1.0]));
        latency.observe(0.7, 1.0);
        sink.distribution("latency_seconds", "Latency.", &[("engine", "0")], &latency);
    }

    #[test]
    fn values_are_in_the_order_of_the_schema() {
        let (mut schema, mut values) = (Schema::default(), Vec::new());
        page(&mut schema, 0.0);
        page(&mut values, 3.0);
        let part = PagePart { schema: Arc::new(schema), values };
        let text = text(&[part.clone(), part]);
        for line in [
            "# TYPE latency_seconds histogram",
            "running{engine=\"0\"} 3.0",
            "latency_seconds_bucket{engine=\"0\",le=\"1.0\"} 1.0",
            "latency_seconds_bucket{engine=\"0\",le=\"+Inf\"} 1.0",
            "latency_seconds_sum{engine=\"0\"} 0.7",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in {text}");
        }
        assert_eq!(text.matches("# TYPE running").count(), 1, "parts share their families");
    }
}
