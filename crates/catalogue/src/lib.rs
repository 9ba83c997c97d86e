//! What to draw: sections, graphs, the engines whose metrics feed them, and the queries they become; no I/O.
//!
//! A new graph is an entry in `graphs`. A new engine is a constant in `engines` with its signatures and a recipe for each
//! line that its metrics draw. Names and label values that the companion and the page share are in [`contract`].
#![warn(clippy::disallowed_methods)]

// First, as its macro is used by others.
#[macro_use]
mod recipe;

mod buckets;
pub mod contract;
mod detection;
mod discovery;
mod engine;
mod engines;
mod graph;
mod graphs;
mod known;
mod layer;
mod metric_name;
mod missing;
mod own_names;
mod promql_text;
mod query;
mod scope;
mod status;
mod unit;

pub use buckets::{Bound, bound, is_same_bound};
pub use detection::{detect, engine_of, is_original, role_of, unclaimed, version_of};
pub use discovery::{DiscoveryQueries, metric_names};
pub use engine::{Engine, HealthEndpoint, ModelApi, PrefixAliases, Signature, VersionLabel};
pub use engines::{ENGINES, EngineRecipe, GPU_METRICS, GpuMetric, PROBE_PATHS, engine, engines, recipes};
pub use graph::{Colours, Detail, DrawStyle, Graph, Line, LineRole, Section, Summary, is_line_of, line_name};
pub use graphs::{GRAPHS, graph};
pub use known::{KnownSeries, Machines};
pub use layer::Layer;
pub use metric_name::{bare_name, family_of};
pub use missing::{GPU_FAULTS_QUERY, MissingReason, ScopeStatus, missing_reason};
pub use own_names::{OWN_NAMES, OwnName, OwnNameError, OwnType, add_own_names, known_recipes, mappable, own_recipes};
pub use query::{
    ALL_LINE, BOUND_LABEL, BucketSource, BucketsQuery, BucketsUse, COUNTING_QUERY, ChangingQuery, Counting, GONE,
    HistoryStart, LATE_LINE, LOWER_BOUND, Overview, PERCENTILES, Peaks, QueryContext, REST_LINE, ReplicaQueries,
    TargetQueries, UPPER_BOUND, Window, WindowKind, buckets_query, detailed_query, drawn_query, events_query,
    failures_query, fed_by, has_data, highest_details_query, highest_lines_query, intervals_query,
    machines_overview_query, oldest_over, overview_query, query_for, read_names, recent_scrapes_query,
    replica_figures_query, replica_queries, sample_counts_query, start_times_query, summary_query,
    target_intervals_query,
};
pub use recipe::{Aggregation, Names, Recipe, Recipes, Shape};
pub use scope::{Scope, ScopeLabels};
pub use status::status_name;
pub use unit::Unit;

/// The label that holds the name of the line in every drawn series.
pub const LINE_LABEL: &str = "line";
