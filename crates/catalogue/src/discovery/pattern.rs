//! A short regular expression for a set of metric names.
use crate::engines::engines;
use crate::{PrefixAliases, Signature};
use std::collections::BTreeSet;

/// A regular expression for exactly these names, and for all names of the engines that have few. It writes common prefixes and frequent endings once, and also the metrics
/// of engines with several prefixes.
pub(super) fn pattern(names: &BTreeSet<String>) -> String {
    let mut rest: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut parts = Vec::new();
    for PrefixAliases { original, others } in engines().iter().filter_map(|engine| engine.prefix_aliases) {
        let own: Vec<&str> = rest.iter().filter_map(|name| name.strip_prefix(original)).collect();
        rest.retain(|name| {
            !std::iter::once(&original)
                .chain(others)
                .any(|other| name.strip_prefix(other).is_some_and(|rest| own.contains(&rest)))
        });
        let prefixes = ordered(std::iter::once(original).chain(others.iter().copied()));
        parts.push(format!("{}{}", group(&prefixes), group(&own)));
    }
    let few = engines().iter().filter(|engine| engine.has_few_names).flat_map(|engine| engine.signatures);
    let few = ordered(few.filter_map(|signature| match signature {
        Signature::Prefix(prefix) => Some(*prefix),
        Signature::Name(_) => None,
    }));
    rest.retain(|name| !few.iter().any(|prefix| name.starts_with(prefix)));
    parts.push(format!("{}.*{NO_BUCKET}", prefix_group(&few)));
    parts.push(group(&rest));
    parts.join("|")
}

/// An end of a name that is not `bucket`. A histogram is known by its count, and its buckets are most of a page.
const NO_BUCKET: &str = "([^t]|[^e]t|[^k]et|[^c]ket|[^u]cket|[^b]ucket)";

/// Endings that many names share, the more specific first.
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

/// Sorted names, by common prefixes or first by ending, whichever is shorter.
fn group(names: &[&str]) -> String {
    let plain = bracketed(&by_prefix(names, &group));
    let mut rest = names.to_vec();
    let mut parts = Vec::new();
    for ending in ENDINGS {
        let own = ordered(rest.iter().filter_map(|name| name.strip_suffix(ending)));
        if own.len() > 1 {
            rest.retain(|name| !name.ends_with(ending));
            parts.push(format!("{}{ending}", prefix_group(&own)));
        }
    }
    parts.extend(by_prefix(&rest, &prefix_group));
    let by_ending = bracketed(&parts);
    if by_ending.len() < plain.len() { by_ending } else { plain }
}

/// Sorted names by common prefixes only, and an ending that all of them share.
fn prefix_group(names: &[&str]) -> String {
    let ending = common_ending(names);
    if ending.is_empty() {
        return bracketed(&by_prefix(names, &prefix_group));
    }
    let stems = ordered(names.iter().filter_map(|name| name.strip_suffix(ending)));
    format!("{}{ending}", bracketed(&by_prefix(&stems, &prefix_group)))
}

/// The longest ending of several names.
fn common_ending<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, others)) = names.split_first().filter(|(_, others)| !others.is_empty()) else { return "" };
    let shared = |other: &&str| first.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    let length = others.iter().map(shared).min().unwrap_or(0);
    // A name that is nothing but the ending stays whole.
    first.get(first.len() - length..).filter(|ending| names.iter().all(|name| name.len() > ending.len())).unwrap_or("")
}

fn bracketed(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// Alternatives for sorted names, one for each first letter; `write` writes what follows the common prefix.
fn by_prefix(names: &[&str], write: &dyn Fn(&[&str]) -> String) -> Vec<String> {
    let mut all = Vec::new();
    let (ends, mut rest) = split_empty(names);
    while let Some(letter) = rest.first().and_then(|name| name.chars().next()) {
        let (alike, others) = rest.split_at(rest.partition_point(|name| name.starts_with(letter)));
        let (Some(first), Some(last)) = (alike.first(), alike.last()) else { break };
        rest = others;
        // A common prefix of the first and the last in order is one of all between them.
        let same = first.chars().zip(last.chars()).take_while(|(one, other)| one == other);
        let (text, _) = first.split_at(same.map(|(letter, _)| letter.len_utf8()).sum());
        let tails: Vec<&str> = alike.iter().filter_map(|name| name.strip_prefix(text)).collect();
        all.push(match split_empty(&tails) {
            (_, []) => text.to_owned(),
            (false, tails) => format!("{text}{}", write(tails)),
            (true, tails) => format!("{text}({})?", by_prefix(tails, write).join("|")),
        });
    }
    // Callers that allow a name to end here have handled the empty rest.
    if ends {
        all.push(String::new());
    }
    all
}

/// Whether the empty name is among sorted names, and the others.
fn split_empty<'a, 'b>(names: &'a [&'b str]) -> (bool, &'a [&'b str]) {
    match names {
        ["", others @ ..] => (true, others),
        others => (false, others),
    }
}

/// These names in order, without the code of a sort.
fn ordered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut set = BTreeSet::new();
    set.extend(names);
    set.into_iter().collect()
}
