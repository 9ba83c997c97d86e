//! What discovery asks for: every name that a recipe needs, in a query that stays short.
use crate::{
    ScopeLabels,
    engine::bare,
    engines::ENGINES,
    expression::{duration, needed},
    query::START_TIME,
};
use std::{collections::BTreeSet, sync::OnceLock};

/// Every metric name that discovery asks for.
pub fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    // A set made of an array sorts it first, and a sort is four kilobytes of the page for each type.
    names.extend([START_TIME.to_owned(), "up".to_owned()]);
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
    let mut rest: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut parts = Vec::new();
    for (prefix, others) in ENGINES.iter().filter_map(|engine| engine.dialects) {
        let own: Vec<&str> = rest.iter().filter_map(|name| name.strip_prefix(prefix)).collect();
        rest.retain(|name| {
            !std::iter::once(&prefix)
                .chain(others)
                .any(|other| name.strip_prefix(other).is_some_and(|rest| own.contains(&rest)))
        });
        let prefixes = ordered(std::iter::once(prefix).chain(others.iter().copied()));
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

/// The shorter of two ways to write names in their order: by their first letters, or by their endings and then so.
fn group(names: &[&str]) -> String {
    let plain = bracketed(&alternatives(names, &group));
    let mut rest = names.to_vec();
    let mut parts = Vec::new();
    for ending in ENDINGS {
        let own = ordered(rest.iter().filter_map(|name| name.strip_suffix(ending)));
        if own.len() > 1 {
            rest.retain(|name| !name.ends_with(ending));
            parts.push(format!("{}{ending}", plainly(&own)));
        }
    }
    parts.extend(alternatives(&rest, &plainly));
    let by_ending = bracketed(&parts);
    if by_ending.len() < plain.len() { by_ending } else { plain }
}

fn plainly(names: &[&str]) -> String {
    bracketed(&alternatives(names, &plainly))
}

fn bracketed(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// Names in their order by their first letters, what follows written by `write`.
fn alternatives(names: &[&str], write: &dyn Fn(&[&str]) -> String) -> Vec<String> {
    let mut all = Vec::new();
    let (ends, mut rest) = split_empty(names);
    while let Some(letter) = rest.first().and_then(|name| name.chars().next()) {
        let (alike, others) = rest.split_at(rest.partition_point(|name| name.starts_with(letter)));
        let (Some(first), Some(last)) = (alike.first(), alike.last()) else { break };
        rest = others;
        // What the first and the last in order begin with, all between them do.
        let same = first.chars().zip(last.chars()).take_while(|(one, other)| one == other);
        let (text, _) = first.split_at(same.map(|(letter, _)| letter.len_utf8()).sum());
        let tails: Vec<&str> = alike.iter().filter_map(|name| name.strip_prefix(text)).collect();
        all.push(match split_empty(&tails) {
            (_, []) => text.to_owned(),
            (false, tails) => format!("{text}{}", write(tails)),
            (true, tails) => format!("{text}({})?", alternatives(tails, write).join("|")),
        });
    }
    // A name that ends here has been told apart by who called.
    if ends {
        all.push(String::new());
    }
    all
}

/// Whether the empty name is among names in their order, and the others.
fn split_empty<'a, 'b>(names: &'a [&'b str]) -> (bool, &'a [&'b str]) {
    match names {
        ["", others @ ..] => (true, others),
        others => (false, others),
    }
}

/// These in their order, not sorted either.
fn ordered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut set = BTreeSet::new();
    set.extend(names);
    set.into_iter().collect()
}
