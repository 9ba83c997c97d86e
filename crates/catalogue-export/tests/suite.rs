//! The generated texts as their readers take them: checked-in documents, Grafana's JSON, promtool.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
use catalogue::{
    BucketsUse, DiscoveryQueries, GRAPHS, QueryContext, Scope, ScopeLabels, buckets_query, detailed_query, drawn_query,
    is_original, start_times_query, summary_query,
};
use catalogue_export::{coverage, grafana_dashboard, metrics, recording_rules};
use promql::{Labels, Options, Samples, Selector, Storage, StorageError, uninterrupted};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

/// `UPDATE_SNAPSHOTS=1` rewrites them.
#[test]
fn documents_are_up_to_date() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, text) in [("coverage.md", coverage()), ("metrics.md", metrics())] {
        let path = docs.join(name);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::write(&path, &text).expect("a document");
        }
        assert!(
            fs::read_to_string(&path).is_ok_and(|own| own == text),
            "docs/{name} is out of date: set UPDATE_SNAPSHOTS=1"
        );
        let tables = text.split("\n\n").filter(|block| block.starts_with('|'));
        for table in tables {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let widths: BTreeSet<usize> = table.lines().map(bars).collect();
            assert_eq!(widths.len(), 1, "{name}: {table}");
        }
    }
}

#[test]
fn the_companion_and_promtool_accept_the_recording_rules() {
    let everything = recording_rules(&["model"], &is_original);
    assert_eq!(everything.matches("- record: ").count(), GRAPHS.len());
    let vllm = recording_rules(&["model", "environment"], &|name| name.starts_with("vllm:"));
    let alone = recording_rules(&[], &is_original);
    for rules in [everything, vllm, alone] {
        for line in rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
            let query: String = serde_json::from_str(line).expect("a string");
            evaluate(&query);
        }
        check(&rules);
    }
}

#[test]
fn the_companion_answers_every_query_of_the_dashboard() {
    let dashboard: Value = serde_json::from_str(&grafana_dashboard("model", &is_original)).expect("JSON");
    let mut ids = BTreeSet::new();
    let mut titles = Vec::new();
    let mut rules = String::from("groups:\n  - name: panels\n    rules:\n");
    let rows = dashboard["panels"].as_array().expect("panels");
    let collapsed = rows.iter().filter_map(|row| row["panels"].as_array()).flatten();
    for panel in rows.iter().chain(collapsed) {
        assert!(ids.insert(panel["id"].as_u64()), "{}", panel["title"]);
        if panel["type"] == "row" {
            continue;
        }
        titles.push(panel["title"].as_str().expect("a title"));
        let query = panel["targets"][0]["expr"].as_str().expect("a query");
        let query = query.replace("$__rate_interval", "1m").replace("$model", ".*");
        evaluate(&query);
        rules += &format!("      - record: panel{}\n        expr: {}\n", panel["id"], Value::String(query));
    }
    assert_eq!(titles, {
        let shown = rows.iter().filter(|panel| panel["type"] != "row").count();
        assert_eq!(shown, GRAPHS.iter().filter(|graph| graph.is_shown).count());
        let in_order = GRAPHS.iter().filter(|graph| graph.is_shown);
        in_order.chain(GRAPHS.iter().filter(|graph| !graph.is_shown)).map(|graph| graph.title).collect::<Vec<_>>()
    });
    check(&rules);
}

/// The page's queries: graphs, details, summaries, buckets and discovery.
#[test]
fn the_companion_and_promtool_accept_the_queries_of_the_page() {
    let scope = Scope {
        model: Some("a \"b\" \\ c".into()),
        environment: Some("p.q|r".into()),
        replica: Some("x".into()),
        ..Scope::default()
    };
    let labels = ScopeLabels { replica: "pod".into(), ..ScopeLabels::default() };
    let context = QueryContext::of_moments(&scope, &labels, 61_500);
    let discovery = DiscoveryQueries { labels: &labels, range_ms: 3_600_000 };
    let pages = ["10.0.0.1:8000".to_owned(), String::new()];
    let mut queries = vec![discovery.names(), discovery.keys(), discovery.all_names()];
    queries.extend(discovery.names_of(&["up".to_owned(), "vllm:cache_config_info".to_owned()], &pages, &pages));
    queries.push(start_times_query(&context));
    for graph in GRAPHS {
        let own = [
            drawn_query(graph, &is_original, &context),
            detailed_query(graph, &is_original, &context),
            summary_query(graph, &is_original, &context, 3_600_000),
        ];
        queries.extend(own.into_iter().flatten());
        for purpose in [BucketsUse::HeatMap, BucketsUse::Shares, BucketsUse::Ends] {
            queries.extend(buckets_query(graph, &is_original, &context, purpose).map(|buckets| buckets.query));
        }
    }
    let mut rules = String::from("groups:\n  - name: page\n    rules:\n");
    for (at, query) in queries.into_iter().enumerate() {
        evaluate(&query);
        rules += &format!("      - record: query{at}\n        expr: {}\n", Value::String(query));
    }
    check(&rules);
}

/// Parses a query within the limits of the companion, and evaluates it at once and over a range, without samples.
fn evaluate(query: &str) {
    let options = Options::default();
    let parsed = promql::parse(query, &options.limits).unwrap_or_else(|error| panic!("{error}: {query}"));
    let instant = promql::instant(&NoSamples, &parsed, 0, &options, &uninterrupted);
    instant.unwrap_or_else(|error| panic!("{error}: {query}"));
    let range = promql::range(&NoSamples, &parsed, 0, 60_000, 15_000, &options, &uninterrupted);
    range.unwrap_or_else(|error| panic!("{error}: {query}"));
}

/// A storage without samples.
struct NoSamples;

impl Storage for NoSamples {
    fn select(
        &self,
        _: &Selector,
        _: i64,
        _: i64,
        _: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Runs `promtool check rules`, if Prometheus is installed.
fn check(rules: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yml");
    fs::write(&path, rules).expect("a file");
    match Command::new("promtool").arg("check").arg("rules").arg(&path).output() {
        Err(_) => println!("skipped: promtool is not installed"),
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{message}");
        }
    }
}
