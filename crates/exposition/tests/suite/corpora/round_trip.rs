//! Written pages are read without loss, by this crate and by the Python client.
use super::metrics_pages;
use exposition::{Encoding, Family, Format, Limits, parse, write};
use std::collections::{BTreeMap, BTreeSet};
use test_kit::python;

/// Reads `[[format, page], …]` and prints for each page its samples as `[name, labels, bits of the value]`.
const SAMPLES: &str = r"
import json, struct, sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
read = {'text': parser.text_string_to_metric_families, 'openmetrics': openmetrics.text_string_to_metric_families}
json.dump([[[sample.name, sample.labels, struct.pack('>d', sample.value).hex()]
            for family in read[format](page) for sample in family.samples]
           for format, page in json.load(sys.stdin)], sys.stdout)
";

const ENCODINGS: [(&str, Encoding); 2] = [
    ("text", Encoding { is_openmetrics: false, has_quoted_names: true }),
    ("openmetrics", Encoding { is_openmetrics: true, has_quoted_names: true }),
];

#[test]
fn written_pages_are_read_without_loss() {
    let mut pages = Vec::new();
    let mut expected = Vec::new();
    for (name, families) in families() {
        for (format, encoding) in ENCODINGS {
            let page = page(&name, &families, encoding);
            let reader = if encoding.is_openmetrics { Format::OpenMetrics } else { Format::Text };
            let read = parse(page.as_bytes(), reader, &Limits::default());
            let read = read.unwrap_or_else(|error| panic!("{name} as {format}: {error}"));
            let samples = samples(&families, encoding);
            assert_eq!(self::samples(&read, encoding), samples, "{name} as {format}");
            pages.push((format, page));
            expected.push((name.clone(), format, samples));
        }
    }
    if pages.is_empty() {
        return;
    }
    let input = serde_json::to_vec(&pages).expect("JSON");
    let Some(output) = python::run(SAMPLES, &input) else { return };
    let read: Vec<Vec<SampleKey>> = serde_json::from_slice(&output).expect("JSON");
    for ((name, format, mut expected), mut read) in expected.into_iter().zip(read) {
        if format == "text" {
            // The client makes a counter's samples end in _total, whatever the page says.
            expected.iter_mut().chain(&mut read).for_each(|sample| drop_total(&mut sample.0));
            expected.sort();
        }
        read.sort();
        assert_eq!(read, expected, "{name} as {format}");
    }
}

/// Name, labels and bits of the value.
type SampleKey = (String, BTreeMap<String, String>, String);

/// The families of each page, including hostile ones, and of a few pages of the recorded session, which are similar.
fn families() -> Vec<(String, Vec<Family>)> {
    let (recorded, pages): (Vec<_>, Vec<_>) =
        metrics_pages::captured().unwrap_or_default().into_iter().partition(|(name, _)| name.ends_with(".gz"));
    let hostile = metrics_pages::hostile().unwrap_or_default();
    let pages =
        pages.into_iter().chain(recorded.into_iter().step_by(20)).chain(metrics_pages::node_exporter()).chain(hostile);
    let families = |page: &str| parse(page.as_bytes(), Format::Text, &Limits::default()).expect("a valid page");
    pages.map(|(name, page)| (name, families(&page))).collect()
}

fn page(name: &str, families: &[Family], encoding: Encoding) -> String {
    let mut page = String::new();
    let dropped = write(families, encoding, &mut page);
    assert_eq!(dropped, 0, "{name}");
    page
}

/// The samples, sorted; OpenMetrics keeps only the first of a repeated series.
fn samples(families: &[Family], encoding: Encoding) -> Vec<SampleKey> {
    let mut seen = BTreeSet::new();
    let samples = families.iter().flat_map(|family| &family.samples).map(|sample| {
        let labels: BTreeMap<_, _> = sample.labels.iter().cloned().collect();
        (sample.name.clone(), labels, format!("{:016x}", sample.value.to_bits()))
    });
    let mut samples: Vec<SampleKey> = samples
        .filter(|(name, labels, _)| seen.insert((name.clone(), labels.clone())) || !encoding.is_openmetrics)
        .collect();
    samples.sort();
    samples
}

fn drop_total(name: &mut String) {
    if name.ends_with("_total") {
        name.truncate(name.len() - "_total".len());
    }
}
