//! The families that the catalogue's queries need. They are derived from the queries, so that the test covers new
//! recipes without a change.
use catalogue::{GRAPHS, QueryContext, Scope, ScopeLabels, drawn_query};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any values.
    Gauge,
    /// Values that grow until a restart.
    Counter,
    /// Buckets, sum and count.
    Histogram,
}

/// A family that the page queries.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// The name; that of a histogram is without `_bucket`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The values of each label except the labels of the replica.
    pub(crate) labels: BTreeMap<String, Vec<String>>,
}

/// Labels that do not belong to a family: those of the replica, of buckets and of results.
const OTHER_LABELS: [&str; 7] = ["le", "line", "model", "environment", "deployment", "replica", "instance"];

/// The families of all graphs.
pub(crate) fn families() -> Vec<Family> {
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let context = QueryContext::of_moments(&scope, &labels, 60_000);
    let mut families = BTreeMap::new();
    for query in GRAPHS.iter().filter_map(|graph| drawn_query(graph, &|_| true, &context)) {
        add_families(&query, &mut families);
    }
    let histograms: BTreeSet<String> = of_kind(&families, Kind::Histogram);
    let is_part = |name: &str| {
        ["_sum", "_count"].iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|base| histograms.contains(base)))
    };
    families.into_values().filter(|family| family.kind == Kind::Histogram || !is_part(&family.name)).collect()
}

fn of_kind(families: &BTreeMap<String, Family>, kind: Kind) -> BTreeSet<String> {
    families.values().filter(|family| family.kind == kind).map(|family| family.name.clone()).collect()
}

/// Adds the families of one query.
fn add_families(query: &str, families: &mut BTreeMap<String, Family>) {
    // An optional function, a name, and matchers or a window, which distinguish metric names from names of PromQL.
    let selector = Regex::new(r"(\w+\()?([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}]*)\}|\[)").expect("a pattern");
    let matcher = Regex::new(r#"(\w+)\s*(?:=~|!=|!~|=)\s*"([^"]*)""#).expect("a pattern");
    let replaced = Regex::new(r#""(\w+)", "\(?(?:\.\*|\[1-5\])"#).expect("a pattern");
    let grouped = Regex::new(r"by \(([^)]*)\)").expect("a pattern");
    let mut shared: BTreeSet<&str> =
        replaced.captures_iter(query).filter_map(|captures| Some(captures.get(1)?.as_str())).collect();
    shared.extend(
        grouped.captures_iter(query).filter_map(|captures| captures.get(1)).flat_map(|list| list.as_str().split(", ")),
    );
    for captures in selector.captures_iter(query) {
        let group = |n| captures.get(n).map_or("", |text| text.as_str());
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
        for captures in matcher.captures_iter(matchers) {
            let (label, value) = (&captures[1], &captures[2]);
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
        if OTHER_LABELS.contains(&label) || self.labels.len() >= 3 && !self.labels.contains_key(label) {
            return;
        }
        let values = self.labels.entry(label.to_owned()).or_default();
        if values.len() < 3 && !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
}
