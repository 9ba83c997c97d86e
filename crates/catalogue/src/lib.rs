//! What to draw: sections, graphs, the engines whose metrics feed them, and the queries they become; no I/O.
//!
//! A new graph is an entry in `graphs`. A new engine is a constant in `engines` with how it is recognised and a line for
//! each graph that its metrics feed.
mod absence;
mod ask;
mod buckets;
mod discovery;
mod engine;
mod engines;
mod expression;
mod fleet;
mod graph;
mod graphs;
mod query;
mod recipe;
mod status;
mod unit;

pub use absence::{Absence, Facts, GPU_FAULTS_QUERY, absence};
pub use ask::{Ask, Scope, ScopeLabels};
pub use buckets::{Bound, bound};
pub use discovery::{discovery_query, names};
pub use engine::{Engine, Layer, Sign, detect, engine_of, is_original, unclaimed, version_of};
pub use engines::{ENGINES, GPU_METRICS, GpuMetric, engine, recipes};
pub use fleet::{FleetQueries, ReplicaState, fleet_queries, table_queries};
pub use graph::{Colours, Detail, Graph, Line, Look, Role, Section, Summary, line_name};
pub use graphs::{GRAPHS, graph};
pub use query::{
    PERCENTILES, buckets_query, detailed_query, drawn_query, events_query, fed_by, has_data, interval_query, query_for,
    start_times_query, summary_query,
};
pub use recipe::{Fold, Names, Recipe, Shape};
pub use status::status_name;
pub use unit::Unit;

/// The label under which every drawn series carries the name of its line.
pub const LINE_LABEL: &str = "line";
