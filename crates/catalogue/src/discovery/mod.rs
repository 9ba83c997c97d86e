//! The query that discovers which metrics are present: every name that a recipe needs, in as short a text as possible.
mod pattern;

use crate::ScopeLabels;
use crate::contract::names::{OWN_MACHINE, PROCESS_START_TIME, REPLICA_MODEL, TARGET_ROLE};
use crate::engines::ENGINES;
use crate::metric_name::bare_name;
use crate::promql_text::duration;
use crate::query::{NeededNames, needed};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Every metric name that discovery queries.
pub fn metric_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // Building a set from an array sorts it first, and each type that is sorted adds four kilobytes to the page.
    names.extend([PROCESS_START_TIME, "up", REPLICA_MODEL, TARGET_ROLE, OWN_MACHINE].map(str::to_owned));
    for engine in ENGINES {
        for NeededNames { names: needed, suffix } in engine.recipes.iter().flat_map(needed) {
            let spellings = needed.iter().flat_map(|name| engine.spellings(bare_name(name)));
            names.extend(spellings.map(|name| format!("{name}{suffix}")));
        }
    }
    names
}

/// An instant query for the metric names of each scope on each metrics page in the `range_ms` before its time.
pub fn discovery_query(labels: &ScopeLabels, range_ms: i64) -> String {
    let page = Some("instance").filter(|page| !labels.all().contains(page));
    let by = labels.all().into_iter().chain(page).collect::<Vec<_>>().join(", ");
    static PATTERN: OnceLock<String> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| pattern::pattern(&metric_names()));
    format!("group by (__name__, {by}) (last_over_time({{__name__=~\"{pattern}\"}}[{}]))", duration(range_ms))
}
