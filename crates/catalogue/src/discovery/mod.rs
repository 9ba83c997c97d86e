//! The queries that discover which metrics are present: every name that a recipe needs, in as short a text as possible.
mod pattern;

use crate::ScopeLabels;
use crate::contract::names::{OWN_MACHINE, PROCESS_START_TIME, REPLICA_MODEL, TARGET_ROLE};
use crate::engines::engines;
use crate::metric_name::bare_name;
use crate::promql_text::duration;
use crate::query::{MAX_QUERY_BYTES, NeededNames, PAGE_LABEL, needed};
use crate::scope::one_of;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Every metric name that discovery queries.
pub fn metric_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // Building a set from an array sorts it first, and each type that is sorted adds four kilobytes to the page.
    names.extend([PROCESS_START_TIME, "up", REPLICA_MODEL, TARGET_ROLE, OWN_MACHINE].map(str::to_owned));
    for engine in engines() {
        for NeededNames { names: needed, suffix } in engine.recipes.iter().flat_map(needed) {
            let spellings = needed.iter().flat_map(|name| engine.spellings(bare_name(name)));
            names.extend(spellings.map(|name| format!("{name}{suffix}")));
        }
    }
    names
}

/// The instant queries of discovery. They are about keys: the combinations of scope labels on a metrics page. The names of
/// every key would be an answer that grows with names times replicas, so that names are counted, and only a few keys are
/// asked for theirs.
#[derive(Clone, Debug)]
pub struct DiscoveryQueries<'a> {
    /// The backend's names for the parts of a scope.
    pub labels: &'a ScopeLabels,
    /// How far back from its time a query looks, in milliseconds.
    pub range_ms: i64,
}

impl DiscoveryQueries<'_> {
    /// How many keys of each model, environment and deployment have a metric: by name.
    pub fn names(&self) -> String {
        let [model, environment, deployment, _] = self.labels.all();
        format!("count by (__name__, {model}, {environment}, {deployment}) ({})", self.all_names())
    }

    /// How many metric names each key has.
    pub fn keys(&self) -> String {
        format!("count by ({}) ({})", self.key_labels(), self.all_names())
    }

    /// The metric names of each key.
    pub fn all_names(&self) -> String {
        static PATTERN: OnceLock<String> = OnceLock::new();
        let pattern = PATTERN.get_or_init(|| pattern::pattern(&metric_names()));
        self.selected(&format!("__name__=~\"{pattern}\""))
    }

    /// Which of these metric names the keys with one of these values of `instance` and one of these replicas have; an
    /// empty text is for keys without the label. None if the query would be too long.
    pub fn names_of(&self, names: &[String], instances: &[String], replicas: &[String]) -> Option<String> {
        let [names, instances, replicas] = [names, instances, replicas].map(one_of);
        let replica = &self.labels.replica;
        let query = self.selected(&format!("__name__=~{names},{PAGE_LABEL}=~{instances},{replica}=~{replicas}"));
        (query.len() <= MAX_QUERY_BYTES).then_some(query)
    }

    fn selected(&self, matchers: &str) -> String {
        let (by, range) = (self.key_labels(), duration(self.range_ms));
        format!("group by (__name__, {by}) (last_over_time({{{matchers}}}[{range}]))")
    }

    /// The labels that tell keys apart.
    fn key_labels(&self) -> String {
        let page = Some(PAGE_LABEL).filter(|page| !self.labels.all().contains(page));
        self.labels.all().into_iter().chain(page).collect::<Vec<_>>().join(", ")
    }
}
