//! Behaviour beyond the suites of other projects: shared expressions, limits, interruption, stale markers, order.
use crate::memory_storage::MemoryStorage;
use promql::{
    Error, ErrorKind, Interruption, Labels, Limits, METRIC_NAME, Options, QueryResult, Value, instant, parse, range,
    stale_marker, uninterrupted,
};
use std::cell::Cell;

const MINUTE_MS: i64 = 60_000;

fn series(name: &str, pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs([(METRIC_NAME, name)].into_iter().chain(pairs.iter().copied()))
}

/// A counter histogram with four buckets on three replicas, every 15 s for an hour.
fn fleet() -> MemoryStorage {
    let mut storage = MemoryStorage::default();
    for replica in ["a", "b", "c"] {
        for (bucket, le) in ["0.1", "0.5", "1", "+Inf"].into_iter().enumerate() {
            let labels = series("latency_seconds_bucket", &[("replica", replica), ("le", le)]);
            for tick in 0..240 {
                storage.add(&labels, tick * 15_000, (tick * (bucket as i64 + 1)) as f64);
            }
        }
    }
    storage
}

fn evaluate(storage: &MemoryStorage, query: &str, time_ms: i64) -> Result<QueryResult, Error> {
    evaluate_with(storage, query, time_ms, &Options::default())
}

fn evaluate_with(storage: &MemoryStorage, query: &str, time_ms: i64, options: &Options) -> Result<QueryResult, Error> {
    instant(storage, &parse(query, &options.limits)?, time_ms, options, &uninterrupted)
}

fn values(result: &QueryResult) -> Vec<(String, f64)> {
    let Value::Vector(samples) = &result.value else { panic!("not a vector: {:?}", result.value) };
    samples.iter().map(|sample| (sample.labels.to_string(), sample.value)).collect()
}

fn limited(change: impl FnOnce(&mut Limits)) -> Options {
    let mut options = Options::default();
    change(&mut options.limits);
    options
}

#[test]
fn a_repeated_expression_reads_the_storage_once() -> Result<(), Error> {
    let storage = fleet();
    let inner = "sum by (le) (rate(latency_seconds_bucket[5m]))";
    let quantiles = ["0.5", "0.9", "0.95", "0.99"]
        .map(|q| format!("label_replace(histogram_quantile({q}, {inner}), \"quantile\", \"{q}\", \"\", \"\")"))
        .join(" or ");
    let query = parse(&quantiles, &Limits::default())?;
    let result =
        range(&storage, &query, 10 * MINUTE_MS, 50 * MINUTE_MS, MINUTE_MS, &Options::default(), &uninterrupted)?;
    let Value::Matrix(series) = &result.value else { panic!("not a matrix") };
    assert_eq!(series.len(), 4);
    assert!(series.iter().all(|series| series.samples.len() == 41));
    assert_eq!(storage.selects(), 1);
    Ok(())
}

#[test]
fn equal_expressions_at_other_times_are_not_shared() -> Result<(), Error> {
    let storage = fleet();
    let same = "max(latency_seconds_bucket) - max(latency_seconds_bucket)";
    assert_eq!(values(&evaluate(&storage, same, 30 * MINUTE_MS)?), [("{}".to_owned(), 0.0)]);
    let earlier = "max(latency_seconds_bucket) - max(latency_seconds_bucket offset 1m)";
    assert_eq!(values(&evaluate(&storage, earlier, 30 * MINUTE_MS)?), [("{}".to_owned(), 16.0)]);
    let within = "max_over_time(max(latency_seconds_bucket)[10m:1m]) - max(latency_seconds_bucket)";
    assert_eq!(values(&evaluate(&storage, within, 30 * MINUTE_MS)?), [("{}".to_owned(), 0.0)]);
    Ok(())
}

#[test]
fn each_limit_has_its_own_message() {
    let storage = fleet();
    let time_ms = 30 * MINUTE_MS;
    let quantile = "quantile(0.5, latency_seconds_bucket)";
    for (query, options, kind, says) in [
        ("vector(1)", limited(|l| l.query_bytes = 5), ErrorKind::BadData, "has 9 bytes"),
        ("((((1))))", limited(|l| l.nesting = 3), ErrorKind::BadData, "nested more than 3 levels"),
        ("1+1+1+1", limited(|l| l.operators = 2), ErrorKind::BadData, "more than 2 operators"),
        ("----1", limited(|l| l.operators = 2), ErrorKind::BadData, "more than 2 operators"),
        ("{a=~\"x\",b=~\"y\"}", limited(|l| l.patterns = 1), ErrorKind::BadData, "more than 1 different regular"),
        (quantile, limited(|l| l.samples = 100), ErrorKind::Execution, "more than 100 samples"),
        (quantile, limited(|l| l.memory_bytes = 100), ErrorKind::Execution, "more than 100 bytes"),
        (
            "latency_seconds_bucket[1h]",
            limited(|l| l.memory_bytes = 9000),
            ErrorKind::Execution,
            "more than 9000 bytes",
        ),
        ("count_over_time(vector(1)[1y:1ms])", Options::default(), ErrorKind::Execution, "bytes of memory"),
    ] {
        let Err(error) = evaluate_with(&storage, query, time_ms, &options) else { panic!("{query} succeeds") };
        assert_eq!(error.kind(), kind, "{query}: {error}");
        assert!(error.to_string().contains(says), "{query}: {error}");
    }
}

#[test]
fn an_aggregation_holds_its_groups_but_not_its_series() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    for replica in 0..300 {
        let labels = series("requests_total", &[("replica", &replica.to_string())]);
        (0..100).for_each(|tick| storage.add(&labels, tick * MINUTE_MS, tick as f64));
    }
    // All series at all steps are 240 kB.
    let options = limited(|limits| limits.memory_bytes = 20_000);
    let evaluate_range = |text: &str| {
        let query = parse(text, &options.limits)?;
        range(&storage, &query, 0, 99 * MINUTE_MS, MINUTE_MS, &options, &uninterrupted)
    };
    for aggregation in ["sum", "avg", "max", "count", "stddev"] {
        evaluate_range(&format!("{aggregation}(rate(requests_total[5m]))"))?;
    }
    assert!(matches!(evaluate_range("rate(requests_total[5m])"), Err(Error::TooMuchMemory { .. })));
    assert!(matches!(evaluate_range("quantile(0.5, rate(requests_total[5m]))"), Err(Error::TooMuchMemory { .. })));
    Ok(())
}

#[test]
fn ambiguous_matches_are_errors() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    for (name, replica, value) in [("used", "a", 1.0), ("used", "b", 2.0), ("all", "a", 4.0)] {
        storage.add(&series(name, &[("replica", replica)]), 0, value);
    }
    let labels = |query: &str| evaluate(&storage, query, 0).map(|result| values(&result));
    assert_eq!(labels("used / all")?, [("{replica=\"a\"}".to_owned(), 0.25)]);
    let filled = [("{replica=\"a\"}".to_owned(), 0.25), ("{replica=\"b\"}".to_owned(), 0.2)];
    assert_eq!(labels("used / fill_right (10) all")?, filled);
    let explicit = [("used{replica=\"b\"}".to_owned(), 2.0)];
    assert_eq!(labels("used == on () group_left () (all / 2)")?, explicit);
    for (query, says) in [
        ("used < on () all", "many-to-one matching must be explicit"),
        // Matches that a comparison filters out count too.
        ("used == on () (all / 2)", "many-to-one matching must be explicit"),
        ("used > on () all", "many-to-one matching must be explicit"),
        ("all < on () group_right (replica) used", "grouping labels must ensure unique matches"),
        ("used == on () group_left (replica) (all / 2)", "grouping labels must ensure unique matches"),
        ("used / on () all", "many-to-one matching must be explicit"),
        ("all / on () used", "found duplicate series for the match group {} on the right hand-side"),
        ("used / on () group_left (replica) all", "grouping labels must ensure unique matches"),
        ("rate({__name__=~\"used|all\"}[5m]) or abs({__name__=~\"used|all\"})", "the same labelset"),
    ] {
        let Err(error) = labels(query) else { panic!("{query} succeeds") };
        assert!(error.to_string().contains(says), "{query}: {error}");
        assert_eq!(error.kind(), ErrorKind::Execution);
    }
    Ok(())
}

#[test]
fn new_labels_have_any_name() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    storage.add(&series("used", &[("replica", "a")]), 0, 1.0);
    for name in ["gpu.uuid", "größe", "with space", "0", "__name__"] {
        for query in [
            format!("label_replace(used, {name:?}, \"new\", \"\", \"\")"),
            format!("label_join(used, {name:?}, \"\", \"replica\")"),
            format!("count_values({name:?}, used)"),
        ] {
            let result = evaluate(&storage, &query, 0)?;
            let Value::Vector(samples) = &result.value else { panic!("{query}: no vector") };
            assert!(samples.iter().all(|sample| sample.labels.get(name).is_some()), "{query}: {samples:?}");
            assert_eq!(samples.len(), 1, "{query}");
        }
    }
    for query in
        ["label_replace(used, \"\", \"a\", \"\", \"\")", "label_join(used, \"\", \"\")", "count_values(\"\", used)"]
    {
        let Err(error) = evaluate(&storage, query, 0) else { panic!("{query} succeeds") };
        assert!(error.to_string().contains("label name"), "{query}: {error}");
    }
    Ok(())
}

#[test]
fn the_samples_of_a_query_are_counted() -> Result<(), Error> {
    let storage = fleet();
    let query = parse("sum(rate(latency_seconds_bucket[5m]))", &Limits::default())?;
    let result = instant(&storage, &query, 30 * MINUTE_MS, &Options::default(), &uninterrupted)?;
    // Twelve series with twenty samples in five minutes.
    assert_eq!((result.samples.read, result.samples.loaded), (240, 240));
    let (start_ms, end_ms) = (30 * MINUTE_MS, 31 * MINUTE_MS);
    let result = range(&storage, &query, start_ms, end_ms, MINUTE_MS, &Options::default(), &uninterrupted)?;
    assert_eq!((result.samples.read, result.samples.loaded), (12 * 24, 2 * 240));
    Ok(())
}

#[test]
fn invalid_ranges_are_rejected() -> Result<(), Error> {
    let storage = fleet();
    let query = parse("1", &Limits::default())?;
    let options = Options::default();
    for (start_ms, end_ms, step_ms, says) in [
        (0, 11_000, 1, "11001 points"),
        (0, 10, 0, "step must be above zero"),
        (10, 0, 1, "must not be before"),
        (i64::MIN, i64::MAX, 1, "invalid range"),
    ] {
        let Err(error) = range(&storage, &query, start_ms, end_ms, step_ms, &options, &uninterrupted) else {
            panic!("{start_ms} to {end_ms} by {step_ms} succeeds")
        };
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.kind(), ErrorKind::BadData);
    }
    assert!(range(&storage, &query, 0, 10_999, 1, &options, &uninterrupted).is_ok());
    Ok(())
}

#[test]
fn a_query_stops_when_it_is_interrupted() -> Result<(), Error> {
    let storage = fleet();
    let query = parse("quantile_over_time(0.5, latency_seconds_bucket[1h])", &Limits::default())?;
    for (interruption, kind) in
        [(Interruption::Timeout, ErrorKind::Timeout), (Interruption::Cancelled, ErrorKind::Cancelled)]
    {
        let calls = Cell::new(0);
        let interrupt = || {
            calls.set(calls.get() + 1);
            (calls.get() == 3).then_some(interruption)
        };
        let end_ms = 60 * MINUTE_MS;
        let outcome = range(&storage, &query, 0, end_ms, 1000, &Options::default(), &interrupt);
        assert_eq!(outcome.map_err(|error| error.kind()), Err(kind));
        assert_eq!(calls.get(), 3, "called again after it said to stop");
    }
    Ok(())
}

#[test]
fn stale_markers_end_a_series_and_are_not_samples() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    let labels = series("up", &[("replica", "a")]);
    for (tick, value) in [1.0, 1.0, stale_marker(), 1.0, f64::NAN].into_iter().enumerate() {
        storage.add(&labels, tick as i64 * MINUTE_MS, value);
    }
    storage.add(&series("up", &[("replica", "b")]), 0, 1.0);
    assert_eq!(values(&evaluate(&storage, "sum(up)", MINUTE_MS)?), [("{}".to_owned(), 2.0)]);
    // The marker hides replica a, while b is still within the lookback.
    assert_eq!(values(&evaluate(&storage, "count(up)", 2 * MINUTE_MS)?), [("{}".to_owned(), 1.0)]);
    assert_eq!(values(&evaluate(&storage, "count_over_time(up[3m])", 3 * MINUTE_MS)?)[0].1, 2.0);
    // Any other NaN is a value.
    let count = values(&evaluate(&storage, "count_over_time(up{replica=\"a\"}[5m])", 4 * MINUTE_MS)?);
    assert_eq!(count, [("{replica=\"a\"}".to_owned(), 4.0)]);
    assert!(values(&evaluate(&storage, "up{replica=\"a\"}", 4 * MINUTE_MS)?)[0].1.is_nan());
    // The lookback window excludes its start.
    assert_eq!(values(&evaluate(&storage, "up{replica=\"b\"}", 5 * MINUTE_MS - 1)?).len(), 1);
    assert_eq!(values(&evaluate(&storage, "up{replica=\"b\"}", 5 * MINUTE_MS)?).len(), 0);
    Ok(())
}

#[test]
fn vectors_are_sorted_by_labels_unless_the_query_sorts_them() -> Result<(), Error> {
    let mut storage = MemoryStorage::default();
    for (replica, value) in [("a", 2.0), ("b", f64::NAN), ("c", 1.0), ("d", 3.0)] {
        storage.add(&series("load", &[("replica", replica)]), 0, value);
    }
    let order = |query: &str| -> Result<String, Error> {
        let names = values(&evaluate(&storage, query, 0)?).into_iter().map(|(labels, _)| labels);
        Ok(names.filter_map(|labels| labels.split('"').nth(1).map(str::to_owned)).collect())
    };
    for (query, expected) in [
        ("load", "abcd"),
        ("load > 1", "ad"),
        ("sort(load)", "cadb"),
        ("sort_desc(load)", "dacb"),
        ("topk(3, load)", "dac"),
        ("bottomk(2, load)", "ca"),
        ("topk(3, load) * 2", "dac"),
        ("abs(sort(load))", "cadb"),
    ] {
        assert_eq!(order(query)?, expected, "{query}");
    }
    Ok(())
}

#[test]
fn annotations_report_possible_mistakes() -> Result<(), Error> {
    let storage = fleet();
    let time_ms = 30 * MINUTE_MS;
    let result = evaluate(&storage, "histogram_quantile(2, rate(latency_seconds_bucket[5m]))", time_ms)?;
    assert_eq!(result.warnings, ["PromQL warning: quantile value should be between 0 and 1, got 2"]);
    let result = evaluate(&storage, "histogram_quantile(0.5, sum(rate(latency_seconds_bucket[5m])))", time_ms)?;
    assert_eq!(result.warnings, ["PromQL warning: bucket label \"le\" is missing or has a malformed value of \"\""]);
    let mut gauge = MemoryStorage::default();
    (0..3).for_each(|tick| gauge.add(&series("load", &[]), tick * MINUTE_MS, 1.0));
    let result = evaluate(&gauge, "rate(load[5m])", 2 * MINUTE_MS)?;
    let rule = "name does not end in _total/_sum/_count/_bucket";
    assert_eq!(result.infos, [format!("PromQL info: metric might not be a counter, {rule}: \"load\"")]);
    Ok(())
}

#[test]
fn a_query_lists_its_selectors() -> Result<(), Error> {
    let query = parse("sum(rate(a_total{x=\"1\"}[5m])) / on () b or max_over_time(c[1h:1m])", &Limits::default())?;
    let names: Vec<&str> = query
        .selectors()
        .iter()
        .flat_map(|selector| selector.any_of.iter().flatten())
        .filter(|matcher| matcher.name == METRIC_NAME)
        .map(|matcher| matcher.value.as_str())
        .collect();
    assert_eq!(names, ["a_total", "b", "c"]);
    Ok(())
}
