//! The catalogue for others: its documents, Grafana dashboards and Prometheus recording rules, as text; no I/O.
//!
//! The functions that ask metrics take which are there: all that a store knows, or [`catalogue::is_original`] for a
//! server that is not known yet.
mod contract;
mod coverage;
mod grafana;
mod rules;

pub use contract::contract;
pub use coverage::coverage;
pub use grafana::grafana_dashboard;
pub use rules::recording_rules;

/// A cell of a Markdown table: bars would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
