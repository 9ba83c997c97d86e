//! Prometheus recording rules that precompute the lines of the graphs.
use catalogue::{GRAPHS, Section, query_for};
use std::fmt::Write;

/// The window of rates: more than four scrapes at intervals of one minute, the longest that is common.
const WINDOW: &str = "5m";

/// A Prometheus rules file with a series `inferboard:<graph>` for each graph whose metrics are `present`, by
/// `kept_labels` (such as the model's) and `line`.
pub fn recording_rules(kept_labels: &[&str], present: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::from("# Generated from the catalogue: the lines of each graph.\ngroups:\n");
    for section in Section::ALL {
        let graphs = GRAPHS.iter().filter(|graph| graph.section == section);
        let rules = graphs.filter_map(|graph| Some((graph, query_for(graph, "", WINDOW, kept_labels, present)?)));
        let rules: Vec<_> = rules.collect();
        if rules.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  - name: inferboard-{}\n    interval: 30s\n    rules:", section.id());
        for (graph, query) in rules {
            let record = graph.id.replace('-', "_");
            // A JSON string is a YAML string.
            let query = serde_json::Value::String(query);
            let _ = writeln!(text, "      - record: inferboard:{record}\n        expr: {query}");
        }
    }
    text
}
