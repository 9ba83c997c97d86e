//! Fuzzes the selectors of a request, one on each line, as in `match[]`; run by `make nightly`.
#![no_main]
mod few_series;

use few_series::FewSeries;
use promql::{Limits, Options, parse, parse_selectors, uninterrupted};
use std::sync::LazyLock;

static SERIES: LazyLock<FewSeries> = LazyLock::new(FewSeries::new);

libfuzzer_sys::fuzz_target!(|text: &str| {
    let limits = Limits { pattern_bytes: 1 << 20, ..Limits::default() };
    let options = Options { limits: limits.clone(), ..Options::default() };
    let together = parse_selectors(text.lines(), &options, &uninterrupted);
    let single: Vec<_> = text.lines().map(|line| parse_selectors([line], &options, &uninterrupted)).collect();
    let Ok(together) = together else { return };
    // What is allowed together is allowed line by line, and selects the same.
    for labels in SERIES.labels() {
        let any = single.iter().any(|one| one.as_ref().expect("a part of what is allowed").selector.matches(labels));
        assert_eq!(together.selector.matches(labels), any, "{labels}");
    }
    for line in text.lines() {
        let query = parse(line, &limits).expect("a selector is a query");
        assert!(query.as_selector().is_some(), "{line}");
    }
});
