//! What discovery asks for: every name that a recipe needs, in a query that stays short.
use crate::{
    ScopeLabels,
    engine::bare,
    engines::ENGINES,
    expression::{duration, needed},
    query::START_TIME,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

/// Every metric name that discovery asks for.
pub fn names() -> BTreeSet<String> {
    let mut names = set([START_TIME.to_owned(), "up".to_owned()]);
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
    static PATTERN: OnceLock<String> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| pattern(&names()));
    format!("group by (__name__, {by}) (last_over_time({{__name__=~\"{pattern}\"}}[{}]))", duration(span_ms))
}

/// A regular expression for exactly these names, in which common beginnings and usual endings are written once, and so
/// are engines' metrics that go by several prefixes.
fn pattern(names: &BTreeSet<String>) -> String {
    let mut rest = names.clone();
    let mut parts = Vec::new();
    for (prefix, others) in ENGINES.iter().filter_map(|engine| engine.dialects) {
        let own = set(rest.iter().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned));
        rest.retain(|name| {
            !std::iter::once(&prefix)
                .chain(others)
                .any(|other| name.strip_prefix(other).is_some_and(|rest| own.contains(rest)))
        });
        let prefixes = set(std::iter::once(prefix).chain(others.iter().copied()).map(str::to_owned));
        parts.push(format!("{}{}", group(&prefixes), group(&own)));
    }
    parts.push(group(&rest));
    parts.join("|")
}

/// Endings that many names share.
const ENDINGS: [&str; 8] = [
    "_tokens_total",
    "_time_seconds_count",
    "_seconds_count",
    "_bytes_total",
    "_total",
    "_seconds",
    "_bytes",
    "_count",
];

/// The shorter of two ways to write a set of names: by their first letters, or by their endings and then so.
fn group(names: &BTreeSet<String>) -> String {
    let plain = bracketed(&alternatives(names, &group));
    let mut rest = names.clone();
    let mut parts = Vec::new();
    for ending in ENDINGS {
        let own = set(rest.iter().filter_map(|name| name.strip_suffix(ending)).map(str::to_owned));
        if own.len() > 1 {
            rest.retain(|name| !name.ends_with(ending));
            parts.push(format!("{}{ending}", bracketed(&alternatives(&own, &plainly))));
        }
    }
    if !rest.is_empty() {
        parts.extend(alternatives(&rest, &plainly));
    }
    let by_ending = bracketed(&parts);
    if by_ending.len() < plain.len() { by_ending } else { plain }
}

fn plainly(names: &BTreeSet<String>) -> String {
    bracketed(&alternatives(names, &plainly))
}

fn bracketed(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// The names by their first letters, what follows written by `write`.
fn alternatives(names: &BTreeSet<String>, write: &dyn Fn(&BTreeSet<String>) -> String) -> Vec<String> {
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
            rests = set(rests.iter().map(|rest| rest[next.len_utf8()..].to_owned()));
        }
        let may_end = rests.remove("");
        match (rests.is_empty(), may_end) {
            (true, _) => text,
            (false, false) => format!("{text}{}", write(&rests)),
            (false, true) => format!("{text}({})?", alternatives(&rests, write).join("|")),
        }
    };
    // A name that ends here has been told apart by who called.
    let ends = names.contains("");
    let mut all: Vec<String> = by_first.iter().map(alternative).collect();
    if ends {
        all.push(String::new());
    }
    all
}

/// The set of these. To collect it would sort them first, and a sort is four kilobytes of the page for each type.
fn set(names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let mut set = BTreeSet::new();
    set.extend(names);
    set
}

fn shared_first(rests: &BTreeSet<String>) -> Option<char> {
    let first = rests.first()?.chars().next()?;
    rests.iter().all(|rest| rest.starts_with(first)).then_some(first)
}
