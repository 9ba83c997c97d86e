//! The parts of a metric's name.

/// A metric without the matchers that a recipe may write behind its name.
pub fn bare_name(name: &str) -> &str {
    name.split_once('{').map_or(name, |(bare, _)| bare)
}

/// The family of a sample: its name without the ending that a part of a histogram or summary has.
pub fn family_of(sample: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|ending| sample.strip_suffix(ending)).unwrap_or(sample)
}
