//! What discovery asks for: every name that a recipe needs, in a query that stays short.
use crate::{
    ScopeLabels,
    engine::bare,
    engines::ENGINES,
    expression::{duration, needed},
    query::START_TIME,
};
use std::collections::{BTreeMap, BTreeSet};

/// Every metric name that discovery asks for.
pub fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::from([START_TIME.to_owned(), "up".to_owned()]);
    for engine in ENGINES {
        for (needed, suffix) in engine.recipes.iter().flat_map(needed) {
            let spellings = needed.iter().flat_map(|name| engine.spellings(bare(name)));
            names.extend(spellings.map(|name| format!("{name}{suffix}")));
        }
    }
    names
}

/// One instant query for what is there, over the `span_ms` before its time: metric names by scope.
pub fn discovery_query(labels: &ScopeLabels, span_ms: i64) -> String {
    let by = labels.all().join(", ");
    let pattern = pattern(&names());
    format!("group by (__name__, {by}) (last_over_time({{__name__=~\"{pattern}\"}}[{}]))", duration(span_ms))
}

/// A regular expression for exactly these names, in which common beginnings are written once, and so are engines'
/// metrics that go by several prefixes.
fn pattern(names: &BTreeSet<String>) -> String {
    let mut rest = names.clone();
    let mut parts = Vec::new();
    for (prefix, others) in ENGINES.iter().filter_map(|engine| engine.dialects) {
        let own: BTreeSet<String> = rest.iter().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect();
        rest.retain(|name| !std::iter::once(&prefix).chain(others).any(|other| {
            name.strip_prefix(other).is_some_and(|rest| own.contains(rest))
        }));
        let prefixes = std::iter::once(prefix).chain(others.iter().copied()).map(str::to_owned).collect();
        parts.push(format!("{}{}", group(&prefixes), group(&own)));
    }
    parts.push(alternatives(&rest).join("|"));
    parts.join("|")
}

fn group(names: &BTreeSet<String>) -> String {
    match &alternatives(names)[..] {
        [only] => only.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// The names by their first letters, each group continued in the same way.
fn alternatives(names: &BTreeSet<String>) -> Vec<String> {
    let mut by_first: BTreeMap<char, BTreeSet<String>> = BTreeMap::new();
    for name in names {
        if let Some(first) = name.chars().next() {
            by_first.entry(first).or_default().insert(name[first.len_utf8()..].to_owned());
        }
    }
    let alternative = |(first, rests): (&char, &BTreeSet<String>)| {
        let mut text = String::from(*first);
        let mut rests = rests.clone();
        // As far as all go on alike.
        while let Some(next) = shared_first(&rests) {
            text.push(next);
            rests = rests.iter().map(|rest| rest[next.len_utf8()..].to_owned()).collect();
        }
        let may_end = rests.remove("");
        match (rests.is_empty(), may_end) {
            (true, _) => text,
            (false, false) => format!("{text}{}", group(&rests)),
            (false, true) => format!("{text}({})?", alternatives(&rests).join("|")),
        }
    };
    by_first.iter().map(alternative).collect()
}

fn shared_first(rests: &BTreeSet<String>) -> Option<char> {
    let first = rests.first()?.chars().next()?;
    rests.iter().all(|rest| rest.starts_with(first)).then_some(first)
}
