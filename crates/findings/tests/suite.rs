//! The table of findings, beside the catalogue and the documentation.
use catalogue::{QueryContext, Scope, ScopeLabels, graph, metric_names};
use findings::{Column, ENTRIES, Evidence, Thresholds, alerting_rules, document, find, queries};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn findings_name_graphs_and_lines_that_exist() {
    let mut ids = BTreeSet::new();
    for entry in ENTRIES {
        assert!(ids.insert(entry.id), "{} is there twice", entry.id);
        assert!(graph(entry.graph).is_some(), "{}: {}", entry.id, entry.graph);
        for need in entry.needs {
            let graph = graph(need.graph).unwrap_or_else(|| unreachable!("{}: {}", entry.id, need.graph));
            let known: BTreeSet<&str> = graph.lines.iter().map(|line| line.name).collect();
            for line in need.lines {
                assert!(known.contains(line), "{}: {} has no line {line:?}: {known:?}", entry.id, need.graph);
            }
        }
        for sentence in [entry.cause, entry.remedy] {
            assert!(sentence.ends_with('.') && sentence.len() < 120, "{sentence}");
        }
        assert!(entry.explains.iter().all(|id| ENTRIES.iter().any(|entry| entry.id == *id)), "{}", entry.id);
    }
}

#[test]
fn one_query_is_asked_for_each_graph() {
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let all = metric_names();
    let queries = queries(&|name| all.contains(name), &QueryContext::of_moments(&scope, &labels, 60_000));
    let keys: BTreeSet<_> = queries.iter().map(|query| (query.graph, query.is_detailed)).collect();
    assert_eq!(keys.len(), queries.len());
    assert!(queries.len() >= 10, "{queries:?}");
}

#[test]
fn nothing_is_said_without_evidence() {
    let report = find(&Evidence::new(0, 60_000, 100), &Thresholds::default());
    assert!(report.findings.is_empty());
    assert_eq!(report.unknown.len(), ENTRIES.len());
    // Holes are no evidence either.
    let mut evidence = Evidence::new(0, 60_000, 100);
    evidence.add("restart-reasons", false, vec![Column { line: "Error".into(), values: vec![f64::NAN; 100] }]);
    assert_eq!(find(&evidence, &Thresholds::default()).unknown.len(), ENTRIES.len());
}

#[test]
fn thresholds_decide() {
    let mut evidence = Evidence::new(0, 60_000, 30);
    let column = |line: &str, value: f64| vec![Column { line: line.into(), values: vec![value; 30] }];
    evidence.add("error-share", false, column("server errors", 0.04));
    evidence.add("volume", false, column("2xx", 10.0));
    let mut thresholds = Thresholds::default();
    assert!(find(&evidence, &thresholds).findings.is_empty());
    thresholds.set("errors.share", 0.03).expect("a threshold");
    let report = find(&evidence, &thresholds);
    assert_eq!(report.findings[0].entry.id, "errors");
    assert!(report.findings[0].goes_on && report.findings[0].from_ms == 0);
    // 4 % of ten requests per second for half an hour.
    assert!(report.findings[0].numbers.contains("about 720 in all"), "{}", report.findings[0].numbers);
}

#[test]
fn the_documentation_lists_all() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/findings.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, document()).expect("a document");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, document(), "UPDATE_SNAPSHOTS=1 cargo test -p findings writes docs/findings.md");
}

#[test]
fn alerts_are_valid_promql_over_the_recording_rules() {
    let rules = alerting_rules("model_name", &Thresholds::default());
    let mut count = 0;
    for line in rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
        count += 1;
        // A text in Rust's notation is one in YAML's.
        let query = line.trim_matches('"').replace("\\\"", "\"");
        let parsed = promql::parse(&query, &promql::Limits::default());
        let parsed = parsed.unwrap_or_else(|error| unreachable!("{query}: {error}"));
        assert!(!query.contains('$') && query.contains("model_name"), "{query}");
        for selector in parsed.selectors() {
            let name = selector.any_of.iter().flatten().find(|matcher| matcher.name == "__name__");
            let name =
                name.map(|matcher| matcher.value.replace("inferboard:", "").replace('_', "-")).unwrap_or_default();
            assert!(graph(&name).is_some(), "{name} in {query}");
        }
    }
    assert_eq!(count, ENTRIES.iter().filter(|entry| !entry.alert.is_empty()).count());
    assert!(count >= 8 && rules.contains("alert: InferboardKvCacheFull"), "{rules}");
}
