//! Which families there must be for the catalogue's queries to have data: read off the queries themselves, so that a
//! new recipe is tested as soon as it is there.
use catalogue::{GRAPHS, QueryContext, Scope, ScopeLabels, drawn_query};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// What a family's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any number.
    Gauge,
    /// What grows until a restart.
    Counter,
    /// Buckets, sum and count.
    Histogram,
}

/// A family that the page reads.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// Its name, a histogram's without `_bucket`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The values of each label besides those of the replica.
    pub(crate) labels: BTreeMap<String, Vec<String>>,
}

/// Labels that come from elsewhere.
const GIVEN: [&str; 7] = ["le", "line", "model", "environment", "deployment", "replica", "instance"];

/// The families behind every graph.
pub(crate) fn families() -> Vec<Family> {
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let ask = QueryContext { scope: &scope, labels: &labels, window_ms: 60_000 };
    let mut families = BTreeMap::new();
    for query in GRAPHS.iter().filter_map(|graph| drawn_query(graph, &|_| true, &ask)) {
        read(&query, &mut families);
    }
    let histograms: BTreeSet<String> = of_kind(&families, Kind::Histogram);
    let part = |name: &str| {
        ["_sum", "_count"].iter().any(|end| name.strip_suffix(end).is_some_and(|base| histograms.contains(base)))
    };
    families.into_values().filter(|family| family.kind == Kind::Histogram || !part(&family.name)).collect()
}

fn of_kind(families: &BTreeMap<String, Family>, kind: Kind) -> BTreeSet<String> {
    families.values().filter(|family| family.kind == kind).map(|family| family.name.clone()).collect()
}

/// Adds the families of one query.
fn read(query: &str, families: &mut BTreeMap<String, Family>) {
    // A name, what encloses it, and the matchers behind it; names that PromQL itself has are followed by neither.
    let selector = Regex::new(r"(\w+\()?([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}]*)\}|\[)").expect("a pattern");
    let matcher = Regex::new(r#"(\w+)\s*(?:=~|!=|!~|=)\s*"([^"]*)""#).expect("a pattern");
    let replaced = Regex::new(r#""(\w+)", "\(?(?:\.\*|\[1-5\])"#).expect("a pattern");
    let grouped = Regex::new(r"by \(([^)]*)\)").expect("a pattern");
    let mut shared: BTreeSet<&str> =
        replaced.captures_iter(query).filter_map(|found| Some(found.get(1)?.as_str())).collect();
    shared.extend(
        grouped.captures_iter(query).filter_map(|found| found.get(1)).flat_map(|list| list.as_str().split(", ")),
    );
    for found in selector.captures_iter(query) {
        let group = |n| found.get(n).map_or("", |text| text.as_str());
        let (function, name, matchers) = (group(1), group(2), group(3));
        let (name, kind) = match name.strip_suffix("_bucket") {
            Some(base) => (base, Kind::Histogram),
            None if ["rate(", "increase(", "irate("].contains(&function) => (name, Kind::Counter),
            None => (name, Kind::Gauge),
        };
        let family = families.entry(name.to_owned()).or_insert_with(|| Family {
            name: name.to_owned(),
            kind,
            labels: BTreeMap::new(),
        });
        if family.kind == Kind::Gauge {
            family.kind = kind;
        }
        for found in matcher.captures_iter(matchers) {
            let (label, value) = (&found[1], &found[2]);
            for value in value.split('|').chain(["other"]).filter(|value| !value.is_empty()).take(3) {
                family.add(label, value);
            }
        }
        for label in shared.iter().filter(|label| !label.is_empty()) {
            let values: &[&str] =
                if label.contains("status") || label.contains("code") { &["200", "404", "5xx"] } else { &["a", "b"] };
            values.iter().for_each(|value| family.add(label, value));
        }
    }
}

impl Family {
    fn add(&mut self, label: &str, value: &str) {
        if GIVEN.contains(&label) || self.labels.len() >= 3 && !self.labels.contains_key(label) {
            return;
        }
        let values = self.labels.entry(label.to_owned()).or_default();
        if values.len() < 3 && !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
}
