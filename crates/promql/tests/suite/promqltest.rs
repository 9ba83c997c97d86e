//! Prometheus's test scripts (`promqltest`): every evaluation of stable features with floats only must pass.
use crate::corpora;
use crate::memory_storage::MemoryStorage;
use crate::script::{self, Command, Eval, EvalTime, Expected, SeriesDescription};
use promql::{Labels, Limits, Options, QueryResult, Value, instant, parse, range, uninterrupted};
use std::collections::{BTreeMap, HashMap};
use std::fs;

type Outcome = Result<(), String>;

/// Values by labels and time.
type Table = BTreeMap<Labels, BTreeMap<i64, f64>>;

#[test]
fn stable_evaluations_pass() {
    let folder = corpora::folder("PROMQLTEST_DIR", "data/prometheus-3.16.0/promql/promqltest/testdata");
    let (Some(folder), Some(derived)) = (folder, corpora::derived()) else { return };
    let manifest = corpora::json(&derived.join("promqltest_manifest_3.16.0.json"));
    let tags: HashMap<(&str, u64), String> = manifest
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let tags = entry["tags"].as_array()?.iter().filter_map(|tag| tag.as_str()).collect::<Vec<_>>();
            Some(((entry["file"].as_str()?, entry["line"].as_u64()?), tags.join("+")))
        })
        .collect();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut files: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "test")) {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (eval, outcome) in outcomes(&text).unwrap_or_else(|error| panic!("{file}: {error}")) {
            let tag = tags.get(&(file, eval.line as u64)).cloned().unwrap_or_else(|| "not in the manifest".into());
            let count = counts.entry(tag.clone()).or_default();
            count.1 += 1;
            match outcome {
                Ok(()) => count.0 += 1,
                Err(reason) if tag.is_empty() => {
                    failures.push(format!("{file}:{} {}\n    {reason}", eval.line, eval.query));
                }
                Err(_) => {}
            }
        }
    }
    for (tag, (passed, all)) in &counts {
        println!("{passed} of {all} pass: {}", if tag.is_empty() { "stable, floats only" } else { tag });
    }
    assert!(failures.is_empty(), "{} stable evaluations fail:\n{}", failures.len(), failures.join("\n"));
    assert!(counts.contains_key(""), "the scripts have no stable evaluation");
}

/// Each evaluation of a script with its outcome.
fn outcomes(text: &str) -> Result<Vec<(Eval, Outcome)>, String> {
    let mut storage = MemoryStorage::default();
    let mut outcomes = Vec::new();
    for command in script::commands(text)? {
        match command {
            Command::Clear => storage.clear(),
            Command::Load(series) => series.iter().for_each(|series| load(&mut storage, series)),
            Command::Eval(eval) => {
                let outcome = check(&storage, &eval);
                outcomes.push((eval, outcome));
            }
        }
    }
    Ok(outcomes)
}

fn load(storage: &mut MemoryStorage, series: &SeriesDescription) {
    for (index, value) in series.values.iter().enumerate() {
        if let Some(value) = value {
            storage.add(&series.labels, index as i64 * series.interval_ms, *value);
        }
    }
}

fn check(storage: &MemoryStorage, eval: &Eval) -> Outcome {
    if let Expected::Series(series) | Expected::Matrix { series, .. } = &eval.expected
        && series.iter().any(|series| series.has_histograms)
    {
        return Err("expects native histograms".into());
    }
    let (options, limits) = (Options::default(), Limits::default());
    let query = match parse(&eval.query, &limits) {
        Ok(query) => query,
        Err(error) => return if eval.fails { Ok(()) } else { Err(error.to_string()) },
    };
    let evaluate_range = |start_ms, end_ms, step_ms| {
        range(storage, &query, start_ms, end_ms, step_ms, &options, &uninterrupted).map_err(|error| error.to_string())
    };
    let time_ms = match eval.time {
        EvalTime::Range { start_ms, end_ms, step_ms } => {
            let result = match evaluate_range(start_ms, end_ms, step_ms) {
                Ok(_) if eval.fails => return Err("is expected to fail".into()),
                Ok(result) => result,
                Err(error) => return if eval.fails { Ok(()) } else { Err(error) },
            };
            return compare(&table(&result, None), &expected_table(&eval.expected, start_ms)?);
        }
        EvalTime::At(time_ms) => time_ms,
    };
    let result = match instant(storage, &query, time_ms, &options, &uninterrupted) {
        Ok(_) if eval.fails => return Err("is expected to fail".into()),
        Ok(result) => result,
        Err(error) => return if eval.fails { Ok(()) } else { Err(error.to_string()) },
    };
    match (&eval.expected, &result.value) {
        (Expected::Text(text), Value::String { value, .. }) => {
            return if text == value { Ok(()) } else { Err(format!("got {value:?}")) };
        }
        (Expected::Scalar(expected), Value::Scalar { value, .. }) => equal(*expected, *value)?,
        (Expected::Matrix { start_ms, .. }, Value::Matrix(_)) => {
            return compare(&table(&result, None), &expected_table(&eval.expected, *start_ms)?);
        }
        (Expected::Series(expected), Value::Vector(samples)) => {
            if eval.ordered && !samples.iter().map(|s| &s.labels).eq(expected.iter().map(|s| &s.labels)) {
                return Err(format!("order: {:?}", samples.iter().map(|s| s.labels.to_string()).collect::<Vec<_>>()));
            }
            compare(&table(&result, None), &expected_table(&eval.expected, time_ms)?)?;
        }
        (expected, value) => return Err(format!("expected {expected:?}, got {value:?}")),
    }
    if depends_on_range(&eval.query) || eval.ordered {
        return Ok(());
    }
    let result =
        evaluate_range(time_ms - 60_000, time_ms + 60_000, 60_000).map_err(|error| format!("in a range: {error}"))?;
    compare(&table(&result, Some(time_ms)), &expected_table(&eval.expected, time_ms)?)
        .map_err(|reason| format!("as the middle step of a range: {reason}"))
}

/// Whether the result depends on the start, end or step of the query.
fn depends_on_range(query: &str) -> bool {
    ["start()", "end()", "step()", "range()"].iter().any(|function| query.contains(function))
}

fn table(result: &QueryResult, only_ms: Option<i64>) -> Table {
    let mut table = Table::new();
    let mut add = |labels: &Labels, time_ms: i64, value: f64| {
        if only_ms.is_none_or(|only| only == time_ms) {
            table.entry(labels.clone()).or_default().insert(time_ms, value);
        }
    };
    match &result.value {
        Value::Vector(samples) => samples.iter().for_each(|s| add(&s.labels, s.time_ms, s.value)),
        Value::Matrix(series) => {
            series.iter().for_each(|s| s.samples.iter().for_each(|(time_ms, value)| add(&s.labels, *time_ms, *value)));
        }
        Value::Scalar { .. } | Value::String { .. } => {}
    }
    table
}

fn expected_table(expected: &Expected, start_ms: i64) -> Result<Table, String> {
    let (series, step_ms) = match expected {
        Expected::Scalar(value) => return Ok(Table::from([(Labels::default(), BTreeMap::from([(start_ms, *value)]))])),
        Expected::Text(_) => return Err("expects a string".into()),
        Expected::Series(series) => (series, None),
        Expected::Matrix { step_ms, series, .. } => (series, Some(*step_ms)),
    };
    let mut table = Table::new();
    for series in series {
        let step_ms = step_ms.unwrap_or(series.interval_ms);
        for (index, value) in series.values.iter().enumerate() {
            if let Some(value) = value {
                let time_ms = start_ms + index as i64 * step_ms;
                table.entry(series.labels.clone()).or_default().insert(time_ms, *value);
            }
        }
    }
    Ok(table)
}

fn compare(got: &Table, expected: &Table) -> Outcome {
    if !got.keys().eq(expected.keys()) {
        let names = |table: &Table| table.keys().map(ToString::to_string).collect::<Vec<_>>();
        return Err(format!("got series {:?}, expected {:?}", names(got), names(expected)));
    }
    for (labels, expected) in expected {
        let got = &got[labels];
        if !got.keys().eq(expected.keys()) {
            return Err(format!("{labels}: got {got:?}, expected {expected:?}"));
        }
        for (time_ms, expected) in expected {
            equal(*expected, got[time_ms]).map_err(|reason| format!("{labels} at {time_ms}: {reason}"))?;
        }
    }
    Ok(())
}

/// Compares with a relative tolerance of 1e-6, like `util/almost` of Prometheus.
fn equal(expected: f64, got: f64) -> Outcome {
    let close = if expected.is_nan() || got.is_nan() {
        expected.is_nan() && got.is_nan()
    } else {
        let (difference, magnitude) = ((expected - got).abs(), expected.abs() + got.abs());
        expected == got
            || if expected == 0.0 || got == 0.0 || magnitude < f64::MIN_POSITIVE {
                difference < 1e-6 * f64::MIN_POSITIVE
            } else {
                difference / magnitude.min(f64::MAX) < 1e-6
            }
    };
    if close { Ok(()) } else { Err(format!("got {got}, expected {expected}")) }
}
