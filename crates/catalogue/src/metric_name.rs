//! What a recipe writes for a metric: its name, the matchers that it carries, and the conversion of its values.

/// The name of a metric without matchers and conversion.
pub fn bare_name(name: &str) -> &str {
    name.find(['{', ' ']).map_or(name, |at| &name[..at])
}

/// The matchers that a name carries, without braces; empty if it has none.
pub(crate) fn matchers_of(name: &str) -> &str {
    let braced = name.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
    braced.map_or("", |(matchers, _)| matchers)
}

/// The conversion that a name carries, see [`crate::Names`]; empty if it has none.
pub(crate) fn conversion_of(name: &str) -> &str {
    let rest = name.rsplit_once('}').map_or(name, |(_, rest)| rest);
    rest.split_once(' ').map_or("", |(_, conversion)| conversion)
}

/// The family of a sample: its name without the ending that a part of a histogram or summary has.
pub fn family_of(sample: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|ending| sample.strip_suffix(ending)).unwrap_or(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_matchers_and_a_conversion() {
        for (written, name, matchers, conversion) in [
            ("a", "a", "", ""),
            ("a{b=\"c\"}", "a", "b=\"c\"", ""),
            ("a * 0.01", "a", "", "* 0.01"),
            ("a{b=~\"c d}\"} percent", "a", "b=~\"c d}\"", "percent"),
        ] {
            assert_eq!(
                (bare_name(written), matchers_of(written), conversion_of(written)),
                (name, matchers, conversion)
            );
        }
    }
}
