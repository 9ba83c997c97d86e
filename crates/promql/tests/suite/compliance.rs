//! The queries of PromLabs' compliance tester over its demo data, with results recorded from Prometheus.
use crate::corpora;
use crate::memory_storage::MemoryStorage;
use crate::script;
use flate2::read::GzDecoder;
use promql::{Labels, Limits, Options, Value, parse, range, uninterrupted};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const TOLERANCE: f64 = 1e-5;

/// Queries that the recorded Prometheus 2.42 rejects and Prometheus 3 accepts: they create labels of any UTF-8 name.
const ACCEPTED_SINCE_3: [&str; 2] = [
    "label_replace(demo_num_cpus, \"~invalid\", \"\", \"src\", \"(.*)\")",
    "label_join(demo_num_cpus, \"~invalid\", \"-\", \"instance\")",
];

#[test]
fn results_agree_with_prometheus() {
    let Some(derived) = corpora::derived() else { return };
    let storage = load_demo_data(&gunzip(&derived.join("compliance_demo_data.om.txt.gz")));
    let recorded: Json = serde_json::from_str(&gunzip(&derived.join("promql_compliance_golden.json.gz")))
        .unwrap_or_else(|error| panic!("recorded results: {error}"));
    let milliseconds = |key: &str| recorded[key].as_i64().unwrap_or_default() * 1000;
    let cases: Vec<&Json> = recorded["cases"].as_array().into_iter().flatten().collect();
    let mut failures = Vec::new();
    for case in &cases {
        let query = case["query"].as_str().unwrap_or_default();
        let result = parse(query, &Limits::default()).and_then(|query| {
            let (start_ms, end_ms, step_ms) = (milliseconds("start"), milliseconds("end"), milliseconds("step"));
            range(&storage, &query, start_ms, end_ms, step_ms, &Options::default(), &uninterrupted)
        });
        let should_fail = case["should_fail"].as_bool().unwrap_or_default();
        if should_fail && ACCEPTED_SINCE_3.contains(&query) {
            assert!(result.is_ok(), "{query}: {result:?}");
            continue;
        }
        let outcome = match result {
            Ok(_) if should_fail => Err("is expected to fail".into()),
            Ok(result) => compare(&result.value, &case["result"]),
            Err(_) if should_fail => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = outcome {
            failures.push(format!("{query}\n    {reason}"));
        }
    }
    println!("{} of {} results agree", cases.len() - failures.len(), cases.len());
    assert!(!cases.is_empty(), "no recorded results");
    assert!(failures.is_empty(), "{} results differ:\n{}", failures.len(), failures.join("\n"));
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    GzDecoder::new(file).read_to_string(&mut text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}

/// Loads the demo data: lines of `name{labels} value seconds`.
fn load_demo_data(text: &str) -> MemoryStorage {
    let mut storage = MemoryStorage::default();
    let mut labels_of: BTreeMap<&str, Labels> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.rsplitn(3, ' ');
        let (Some(seconds), Some(value), Some(series)) = (words.next(), words.next(), words.next()) else {
            panic!("malformed line: {line}")
        };
        let labels = labels_of.entry(series).or_insert_with(|| match script::parse_series(series, 0) {
            Ok(parsed) => parsed.labels,
            Err(error) => panic!("{error}"),
        });
        let parse_float = |text: &str| text.parse::<f64>().unwrap_or_else(|error| panic!("{line}: {error}"));
        storage.add(labels, (parse_float(seconds) * 1000.0).round() as i64, parse_float(value));
    }
    storage
}

fn compare(value: &Value, recorded: &Json) -> Result<(), String> {
    let Value::Matrix(series) = value else { return Err(format!("not a matrix: {value:?}")) };
    let recorded: Vec<&Json> = recorded.as_array().into_iter().flatten().collect();
    let expected: BTreeMap<Labels, &Json> = recorded
        .iter()
        .map(|series| {
            let labels = series["metric"].as_object().into_iter().flatten();
            (Labels::from_pairs(labels.filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)))), &series["values"])
        })
        .collect();
    let got: Vec<&Labels> = series.iter().map(|series| &series.labels).collect();
    if !got.iter().copied().eq(expected.keys()) {
        return Err(format!("got series {got:?}, expected {:?}", expected.keys().collect::<Vec<_>>()));
    }
    for (series, (labels, values)) in series.iter().zip(expected) {
        let values: Vec<&Json> = values.as_array().into_iter().flatten().collect();
        if values.len() != series.samples.len() {
            return Err(format!("{labels}: got {} samples, expected {}", series.samples.len(), values.len()));
        }
        for ((time_ms, got), recorded) in series.samples.iter().zip(values) {
            let expected: f64 = recorded[1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
            let close = *got == expected
                || got.is_nan() && expected.is_nan()
                || (got - expected).abs() <= TOLERANCE * expected.abs();
            if recorded[0].as_i64() != Some(time_ms / 1000) || !close {
                return Err(format!("{labels} at {time_ms}: got {got}, expected {recorded}"));
            }
        }
    }
    Ok(())
}
