//! Recording rules: what the graphs draw, computed once for all who look.
use catalogue::{GRAPHS, Section, query_for};
use std::fmt::Write;

/// Window of rates: four scrapes of a minute, the longest interval that is usual.
const WINDOW: &str = "5m";

/// A Prometheus rules file: for each graph whose metrics are `present` a series `inferboard:<graph>`, by the labels `by`
/// (such as the model's) and `line`.
pub fn recording_rules(by: &[&str], present: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::from("# Generated from the catalogue of graphs: what each draws, by line.\ngroups:\n");
    for section in Section::ALL {
        let graphs = GRAPHS.iter().filter(|graph| graph.section == section);
        let asked = graphs.filter_map(|graph| Some((graph, query_for(graph, "", WINDOW, by, present)?)));
        let rules: Vec<_> = asked.collect();
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
