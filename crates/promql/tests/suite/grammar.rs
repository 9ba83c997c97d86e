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
        ("x </ 3", "the operator </"),
        ("limitk(3, x)", "the aggregation limitk"),
        ("mad_over_time(x[5m])", "the function mad_over_time"),
        ("histogram_quantiles(x, \"q\", 0.5)", "the function histogram_quantiles"),
    ] {
        let outcome = parse(text, &Limits::default());
        assert!(matches!(&outcome, Err(Error::Unsupported(what)) if what.starts_with(expected)), "{text}: {outcome:?}");
    }
}

#[test]
fn errors_name_the_place_and_what_is_wrong_there() {
    for (text, expected) in [
        ("sum(", "1:5: parse error: unexpected end of input in query, expected an expression"),
        ("a +\n  b)", "2:4: parse error: unexpected \")\" in query, expected an operator"),
        ("x[5m", "1:5: parse error: unexpected end of input in range selector, expected \"]\""),
        ("x[-5m]", "1:3: parse error: duration must be greater than 0"),
        ("x[5m / 0]", "1:6: parse error: division by zero"),
        ("x offset foo", "1:10: parse error: unexpected \"foo\" in duration, expected number, duration"),
        ("rate(x)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("é", "1:1: parse error: unexpected character: 'é'"),
        ("\"é\" + x{a=b}", "1:11: parse error: unexpected \"b\" in label matching, expected string"),
        ("x offset 5m [5m]", "1:13: parse error: no offset modifiers allowed before range"),
        ("sum(x) anchored", "1:8: parse error: anchored modifier is only supported for selectors"),
        ("x[5m:1m] smoothed", "1:10: parse error: smoothed modifier is only supported for selectors"),
        ("x[5m] anchored smoothed", "1:16: parse error: anchored and smoothed modifiers cannot be used together"),
    ] {
        let Err(error) = parse(text, &Limits::default()) else { panic!("{text} is accepted") };
        let message = error.to_string();
        assert!(message.starts_with(&format!("invalid query: {expected}")), "{text}: {message}");
    }
}

#[test]
fn modifiers_and_clauses_are_metric_names_where_a_name_is_expected() {
    for text in [
        "anchored",
        "smoothed{a=\"x\"}",
        "{anchored=\"x\",\"quoted name\"}",
        "a + fill",
        "offset offset 5m",
        "sum(sum)",
        "by",
    ] {
        let query = parse(text, &Limits::default());
        assert_eq!(query.map(|query| query.to_string()).ok().as_deref(), Some(text));
    }
}

#[test]
fn plain_selectors_are_distinguished_from_queries() {
    let is_selector = |text: &str| parse(text, &Limits::default()).expect(text).as_selector().is_some();
    for text in ["up", "{job=\"a\"}", "up{job!~\"a|b\"}", "{job=\"a\" or job=\"b\"}"] {
        assert!(is_selector(text), "{text}");
    }
    for text in
        ["up[1m]", "up offset 1m", "up @ 5", "(up)", "-up", "sum(up)", "1", "up[1m:]", "up anchored", "up smoothed"]
    {
        assert!(!is_selector(text), "{text}");
    }
}
