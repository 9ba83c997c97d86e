//! Fuzzes queries: parsing, printing and evaluation; run by `make nightly`.
#![no_main]
mod few_series;

use few_series::{FewSeries, START_MS};
use promql::{Error, Interruption, Labels, Limits, Options, QueryResult, Value, instant, parse, range};
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::LazyLock;

/// How often an evaluation may check whether to go on.
const MAX_CHECKS: u32 = 2000;

static SERIES: LazyLock<FewSeries> = LazyLock::new(FewSeries::new);

/// Limits that keep one input fast.
fn limits() -> Limits {
    Limits { samples: 100_000, memory_bytes: 32 << 20, pattern_bytes: 1 << 20, ..Limits::default() }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let limits = limits();
    let Ok(query) = parse(text, &limits) else { return };
    let printed = query.to_string();
    // The printed form may be longer, so it may exceed a limit that the text did not.
    match parse(&printed, &limits) {
        Ok(again) => assert_eq!(again.to_string(), printed),
        Err(error) => assert!(!matches!(error, Error::Syntax(_)), "{error}: {printed}"),
    }
    let options = Options { limits, ..Options::default() };
    let checks = Cell::new(0);
    let interrupt = || {
        checks.set(checks.get() + 1);
        (checks.get() > MAX_CHECKS).then_some(Interruption::Timeout)
    };
    check(instant(&*SERIES, &query, START_MS + 300_000, &options, &interrupt));
    checks.set(0);
    check(range(&*SERIES, &query, START_MS, START_MS + 300_000, 20_000, &options, &interrupt));
});

/// No two series of a result have the same labels, and the times of each increase.
fn check(result: Result<QueryResult, Error>) {
    let mut seen: HashSet<Labels> = HashSet::new();
    match result.map(|result| result.value) {
        Ok(Value::Vector(samples)) => {
            samples.into_iter().for_each(|sample| assert!(seen.insert(sample.labels), "a series twice"));
        }
        Ok(Value::Matrix(series)) => {
            for own in series {
                assert!(own.samples.is_sorted_by(|a, b| a.0 < b.0) && !own.samples.is_empty());
                assert!(seen.insert(own.labels), "a series twice");
            }
        }
        _ => {}
    }
}
