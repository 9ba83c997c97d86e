//! Prometheus's parser tests: accepted and rejected queries, and their printed form.
use crate::corpora;
use promql::{Error, Limits, parse};
use regex::Regex;
use serde_json::Value as Json;

/// The cases of a file.
fn cases(file: &str) -> Vec<Json> {
    let Some(derived) = corpora::derived() else { return Vec::new() };
    let Json::Array(cases) = corpora::json(&derived.join(file)) else { panic!("{file} is not a list") };
    cases
}

fn report(what: &str, failures: &[String], all: usize, unsupported: usize) {
    println!("{what}: {} of {all} as expected, {unsupported} rejected as unsupported", all - failures.len());
    assert!(failures.is_empty(), "{what}:\n{}", failures.join("\n"));
}

#[test]
fn queries_are_accepted_or_rejected() {
    let (mut failures, mut unsupported) = (Vec::new(), 0);
    let cases = cases("promql_parse_cases.json");
    for case in &cases {
        let Some(input) = case["input"].as_str() else { continue };
        let should_parse = case["should_parse"] == true;
        match parse(input, &Limits::default()) {
            Err(Error::Unsupported(_)) if should_parse => unsupported += 1,
            outcome if outcome.is_ok() != should_parse => failures.push(format!("{input:?}: {outcome:?}")),
            _ => {}
        }
    }
    report("parse", &failures, cases.len(), unsupported);
}

#[test]
fn lexical_errors_are_rejected() {
    let cases = cases("promql_lex_cases.json");
    let failures: Vec<String> = cases
        .iter()
        .filter(|case| case["lex_fails"] == true)
        .filter_map(|case| case["input"].as_str())
        .filter(|input| parse(input, &Limits::default()).is_ok())
        .map(str::to_owned)
        .collect();
    report("lex", &failures, cases.len(), 0);
}

#[test]
fn queries_print_as_in_prometheus() {
    let (mut failures, mut unsupported) = (Vec::new(), 0);
    let cases = cases("promql_printer_cases.json");
    for case in &cases {
        let Some(input) = case["input"].as_str() else { continue };
        let expected = case["out"].as_str().filter(|out| !out.is_empty()).unwrap_or(input);
        match parse(input, &Limits::default()) {
            Err(Error::Unsupported(_)) => unsupported += 1,
            Ok(query) if query.to_string() == expected => {}
            outcome => failures.push(format!("{input:?}: {:?}, expected {expected:?}", outcome.map(|q| q.to_string()))),
        }
    }
    report("print", &failures, cases.len(), unsupported);
}

#[test]
fn regular_expressions_match_whole_values() {
    let Some(derived) = corpora::derived() else { return };
    let cases = corpora::json(&derived.join("prometheus_regex_matcher_cases.json"));
    let texts = |key: &str| -> Vec<String> {
        let inputs = cases[key].as_array().into_iter().flatten();
        inputs.filter_map(|case| case["input"].as_str()).map(str::to_owned).collect()
    };
    let values = texts("values");
    let limits = Limits { query_bytes: 1 << 20, ..Limits::default() };
    for source in texts("regexes") {
        let query =
            format!("x{{label=~\"{}\"}}", source.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
        let excerpt: String = source.chars().take(60).collect();
        let (Ok(parsed), Ok(expected)) = (parse(&query, &limits), Regex::new(&format!("^(?s:{source})$"))) else {
            panic!("{excerpt:?} is rejected");
        };
        let matchers = &parsed.selectors()[0].any_of[0];
        let matcher = matchers.iter().find(|matcher| matcher.name == "label");
        for value in &values {
            let matches = matcher.is_some_and(|matcher| matcher.matches(value));
            assert_eq!(matches, expected.is_match(value), "{excerpt:?} and {value:?}");
        }
    }
}

#[test]
fn errors_name_unsupported_syntax() {
    for (text, expected) in [
        ("x[5m + 1m]", "arithmetic in a duration"),
        ("x[step()]", "step in a duration"),
        ("x offset -(5m)", "arithmetic in a duration"),
        ("x[5m] anchored", "anchored"),
        ("smoothed", "smoothed"),
        ("limitk(3, x)", "the aggregation limitk"),
        ("mad_over_time(x[5m])", "the function mad_over_time"),
        ("histogram_quantiles(x, \"q\", 0.5)", "the function histogram_quantiles"),
    ] {
        let outcome = parse(text, &Limits::default());
        assert!(matches!(&outcome, Err(Error::Unsupported(what)) if what.starts_with(expected)), "{text}: {outcome:?}");
    }
    assert!(parse("{anchored=\"x\", \"smoothed\"}", &Limits::default()).is_ok());
}

#[test]
fn plain_selectors_are_distinguished_from_queries() {
    let is_selector = |text: &str| parse(text, &Limits::default()).expect(text).as_selector().is_some();
    for text in ["up", "{job=\"a\"}", "up{job!~\"a|b\"}", "{job=\"a\" or job=\"b\"}"] {
        assert!(is_selector(text), "{text}");
    }
    for text in ["up[1m]", "up offset 1m", "up @ 5", "(up)", "-up", "sum(up)", "1", "up[1m:]"] {
        assert!(!is_selector(text), "{text}");
    }
}
