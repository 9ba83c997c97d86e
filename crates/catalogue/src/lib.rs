//! What to draw: sections, graphs, their recipes over engines' metrics, and the queries they become; no I/O.
mod ask;
mod graph;
mod graphs;
mod query;
mod unit;

pub use ask::{Ask, Scope, ScopeLabels};
pub use graph::{Colours, Engine, Graph, Line, Look, Recipe, Role, Section, Shape, Summary};
pub use graphs::GRAPHS;
pub use query::{
    PERCENTILES, discovery_query, drawn_query, graph, has_data, interval_query, names, start_times_query, summary_query,
};
pub use unit::Unit;

/// The label under which every drawn series carries the name of its line.
pub const LINE_LABEL: &str = "line";
