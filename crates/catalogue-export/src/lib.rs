//! The catalogue as text for others: documents, Grafana dashboards and Prometheus recording rules; no I/O.
//!
//! Functions that write queries take which metrics are present: those of a store, or [`catalogue::is_original`] for a
//! server that has not been seen.
mod coverage;
mod grafana;
mod metrics;
mod rules;

pub use coverage::coverage;
pub use grafana::grafana_dashboard;
pub use metrics::metrics;
pub use rules::recording_rules;

/// The text of a cell of a Markdown table, in which a bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
