//! Captured metrics pages of real servers are all read, with the same result as the Python client's.
use super::client_python::python_name;
use super::metrics_pages;
use exposition::{Family, Format, Limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use test_kit::python;

/// Reads `[[name, text], …]` and prints `{name: {family: [type, samples]}}`. The client returns the
/// later pieces of a family as families of one sample each, named like the sample; the script merges them again.
const SUMMARY: &str = r"
import json, sys
from prometheus_client.parser import text_string_to_metric_families
pages = {}
for name, text in json.load(sys.stdin):
    families = pages[name] = {}
    parsed = list(text_string_to_metric_families(text))
    types = {}
    for family in parsed:
        types.setdefault(family.name, family.type)
    for family in parsed:
        stem, _, suffix = family.name.rpartition('_')
        parts = {'histogram': ('bucket', 'sum', 'count'), 'summary': ('sum', 'count'), 'counter': ('total',)}.get(
            types.get(stem), ())
        owner = stem if family.type == 'unknown' and suffix in parts else family.name
        families.setdefault(owner, [types[owner], 0])[1] += len(family.samples)
json.dump(pages, sys.stdout)
";

#[test]
fn captured_pages_are_read() {
    let Some(pages) = metrics_pages::captured() else { return };
    for (name, page) in &pages {
        let families = read(name, page);
        let samples: usize = families.iter().map(|family| family.samples.len()).sum();
        println!("{name}: {} families, {samples} samples", families.len());
        assert!(samples > 5, "{name} has {samples} samples");
    }
}

#[test]
fn captured_pages_are_read_as_the_python_client_reads_them() {
    let Some(pages) = metrics_pages::captured() else { return };
    let input = serde_json::to_vec(&pages).expect("JSON");
    let Some(output) = python::run(SUMMARY, &input) else { return };
    let expected: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_slice(&output).expect("JSON");
    for (name, page) in &pages {
        let mut summary = BTreeMap::new();
        for family in read(name, page) {
            let (_, samples) = summary.entry(python_name(&family).to_owned()).or_insert((family.kind.as_str(), 0));
            *samples += family.samples.len();
        }
        for (family, expected) in &expected[name] {
            assert_eq!(json!(summary.get(family)), *expected, "{name}: {family}");
        }
        assert_eq!(summary.len(), expected[name].len(), "{name}");
    }
}

fn read(name: &str, page: &str) -> Vec<Family> {
    exposition::parse(page.as_bytes(), Format::Text, &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}
