//! The findings that PromQL can say, as Prometheus alerting rules over the series of the recording rules.
use crate::entries::ENTRIES;
use crate::entry::{Entry, Severity};
use crate::thresholds::Thresholds;
use std::fmt::Write;

/// A Prometheus rules file with an alert for each finding that PromQL can say. It reads the series of the recording rules,
/// which have the label `model_label` and `line`.
pub fn alerting_rules(model_label: &str, thresholds: &Thresholds) -> String {
    let mut text = String::from(
        "# Generated from the findings. They need the recording rules: inferboard-server export recording-rules.\n\
         groups:\n  - name: inferboard-findings\n    rules:\n",
    );
    for entry in ENTRIES.iter().filter(|entry| !entry.alert.is_empty()) {
        let minutes = thresholds.of(entry).get("minutes");
        // What looks back over a time by itself need not last.
        let minutes = if minutes.is_finite() && !entry.alert.contains('[') { minutes.ceil() } else { 0.0 };
        let severity = match entry.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Notice => "info",
        };
        let _ = writeln!(
            text,
            "      - alert: Inferboard{}\n        expr: {:?}\n        for: {minutes:.0}m\n        labels:\n          \
             severity: {severity}\n          finding: {}\n        annotations:\n          summary: {:?}\n          \
             description: {:?}",
            camel_case(entry.id),
            expression(entry, model_label, thresholds),
            entry.id,
            entry.title,
            format!("{} {}", entry.cause, entry.remedy),
        );
    }
    text
}

/// The query of an entry: `$by` is the label of the model, `$name` a threshold, and `graph[line]` within `{{}}` a series
/// of the recording rules.
fn expression(entry: &Entry, model_label: &str, thresholds: &Thresholds) -> String {
    let mut query = entry.alert.replace("$by", model_label);
    for threshold in entry.thresholds {
        let value = thresholds.of(entry).get(threshold.name);
        query = query.replace(&format!("${}", threshold.name), &value.to_string());
    }
    let mut written = String::new();
    let mut rest = query.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        let (series, end) = after.split_once("}}").unwrap_or((after, ""));
        let (graph, line) = series.split_once('/').unwrap_or((series, ".*"));
        // Where several engines draw a line, its name goes on with that of the engine.
        let _ = write!(written, "{before}inferboard:{}{{line=~'({line})( · .*)?'}}", graph.replace('-', "_"));
        rest = end;
    }
    written + rest
}

fn camel_case(id: &str) -> String {
    let upper = |word: &str| word.get(..1).map(|first| first.to_uppercase() + &word[1..]).unwrap_or_default();
    id.split('-').map(upper).collect()
}
