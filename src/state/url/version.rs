//! Versions of links: links of earlier versions are upgraded one version at a time, so they work forever.
//!
//! To change what a parameter means, increase [`VERSION`] and add an upgrade for links of the version before.

/// The names and values of a link's query part.
pub(super) type Parameters = Vec<(String, String)>;

/// The version of the links that this page writes.
pub(super) const VERSION: usize = 2;

/// The parameter with the version. Links of version 1 have none.
pub(super) const VERSION_PARAMETER: &str = "v";

/// The upgrades by the version that they start from: the first turns version 1 into version 2.
const UPGRADES: [fn(&mut Parameters); VERSION - 1] = [upgrade_to_2];

/// The parameters of a query part in the current version. A link of a later version is read as if it were current.
pub(super) fn parameters(query: &str) -> Parameters {
    let mut parameters = split(query);
    for upgrade in &UPGRADES[version_of(&parameters).min(VERSION) - 1..] {
        upgrade(&mut parameters);
    }
    parameters
}

/// Whether a query part is of a later version than this page writes.
pub fn is_of_later_version(query: &str) -> bool {
    version_of(&split(query)) > VERSION
}

fn split(query: &str) -> Parameters {
    form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect()
}

/// The version of a link, from 1.
fn version_of(parameters: &Parameters) -> usize {
    let version = parameters.iter().find(|(name, _)| name == VERSION_PARAMETER);
    version.and_then(|(_, version)| version.parse().ok()).unwrap_or(1).max(1)
}

fn upgrade_to_2(parameters: &mut Parameters) {
    rename_target_to_threshold(parameters);
    rename_lines_of_previous_period(parameters);
}

/// Version 2 calls the lines of the previous period `NAME (previous)` instead of `NAME before`.
fn rename_lines_of_previous_period(parameters: &mut Parameters) {
    let compares = |value: &str, card: &str| {
        let mut words = value.split('.');
        words.next() == Some(card) && words.any(|word| word == "compare")
    };
    for at in 0..parameters.len() {
        let value = parameters[at].1.as_str();
        let Some((card, _)) = value.split_once('.').filter(|(_, rest)| {
            let is_filter = rest.starts_with("hide.") || rest.starts_with("only.");
            is_filter && parameters[at].0 == "card" && rest.ends_with(" before")
        }) else {
            continue;
        };
        if parameters.iter().any(|(name, other)| name == "card" && compares(other, card)) {
            let renamed = value.strip_suffix(" before").map(|name| format!("{name} (previous)"));
            parameters[at].1 = renamed.unwrap_or_default();
        }
    }
}

/// Version 2 calls the latency threshold of a card `threshold` instead of `target`: `card=ID.threshold.VALUE`.
fn rename_target_to_threshold(parameters: &mut Parameters) {
    for (_, value) in parameters.iter_mut().filter(|(name, _)| name == "card") {
        let mut parts: Vec<&str> = value.split('.').collect();
        // What follows one of these words is a name, and may contain any word.
        let word = parts.iter().skip(1).position(|part| ["target", "compare-with", "hide", "only"].contains(part));
        if let Some(word) = word.and_then(|at| parts.get_mut(at + 1)).filter(|word| **word == "target") {
            *word = "threshold";
            *value = parts.join(".");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::url::{decode, encode};

    /// Links of version 1, and the same links in the current version. None may be removed: they are in other people's
    /// documents and pages.
    const VERSION_1: [(&str, &str); 42] = [
        ("", ""),
        // Scope and section.
        ("model=llama-3.1-8b", "model=llama-3.1-8b"),
        ("?model=m&environment=production&deployment=d.1", "model=m&environment=production&deployment=d.1"),
        ("replica=10.0.0.1%3A8000", "replica=10.0.0.1%3A8000"),
        ("section=requests", "section=requests"),
        ("section=engine", "section=engine"),
        ("section=hardware", "section=hardware"),
        ("section=replicas", "section=replicas"),
        ("section=async", "section=async"),
        // Time.
        ("from=now-1h", "from=now-1h"),
        ("from=now-15m", ""),
        ("from=1795000000000&to=1795000060000", "from=1795000000000&to=1795000060000"),
        ("every=30s", "every=30s"),
        ("refresh=off", "refresh=off"),
        ("zone=utc", "zone=utc"),
        ("zone=Europe%2FBerlin", "zone=Europe%2FBerlin"),
        ("rate=minute", "rate=minute"),
        // The table of replicas.
        ("sort=since", "sort=since"),
        ("sort=-restarts&find=a%26b&states=failed%2Cpending", "sort=-restarts&find=a%26b&states=failed%2Cpending"),
        // Cards.
        ("card=volume.details", "card=volume.details"),
        ("card=cpu.log", "card=cpu.log"),
        ("card=cpu.stacked", "card=cpu.stacked"),
        ("card=cpu.compare", "card=cpu.compare"),
        ("card=cpu.statistics", "card=cpu.statistics"),
        ("card=end-to-end-latency.heat-map", "card=end-to-end-latency.heat-map"),
        ("card=volume.details.table&card=cpu.log", "card=cpu.log&card=volume.details.table"),
        ("card=cpu.compare-with.blue.1", "card=cpu.compare-with.blue.1"),
        ("card=cpu.hide.10.0.0.1&card=cpu.hide.10.0.0.2", "card=cpu.hide.10.0.0.1&card=cpu.hide.10.0.0.2"),
        ("card=cpu.only.10.0.0.1", "card=cpu.only.10.0.0.1"),
        ("card=end-to-end-latency.target.0.5", "card=end-to-end-latency.threshold.0.5"),
        (
            "card=end-to-end-latency.details.target.2.5",
            "card=end-to-end-latency.details&card=end-to-end-latency.threshold.2.5",
        ),
        (
            "card=cpu.stacked.compare&card=cpu.hide.all+before",
            "card=cpu.stacked.compare&card=cpu.hide.all+%28previous%29",
        ),
        ("card=cpu.hide.all+before", "card=cpu.hide.all+before"),
        ("card=cpu.hide.target", "card=cpu.hide.target"),
        ("card=cpu.hide.a.target.1", "card=cpu.hide.a.target.1"),
        ("card=cpu.compare-with.target", "card=cpu.compare-with.target"),
        // Embeds.
        ("embed=all", "embed=all"),
        ("embed=cpu&theme=dark", "embed=cpu&theme=dark"),
        ("embed=cpu&theme=auto&from=now-1h", "embed=cpu&from=now-1h"),
        (
            "embed=all&parent=https%3A%2F%2Fa.example&parent=http%3A%2F%2Flocalhost%3A1",
            "embed=all&parent=https%3A%2F%2Fa.example&parent=http%3A%2F%2Flocalhost%3A1",
        ),
        (
            "embed=end-to-end-latency&card=end-to-end-latency.target.0.5",
            "embed=end-to-end-latency&card=end-to-end-latency.threshold.0.5",
        ),
        // Not a parameter.
        ("target=1&v=1", ""),
    ];

    #[test]
    fn links_of_version_1_open_the_same_view() {
        for (old, current) in VERSION_1 {
            let current = if current.is_empty() { String::new() } else { format!("{current}&v=2") };
            assert_eq!(encode(&decode(old)), current, "{old}");
            assert_eq!(encode(&decode(&current)), current, "the current link is stable");
        }
    }

    #[test]
    fn a_word_of_version_1_means_nothing_in_version_2() {
        assert_eq!(encode(&decode("card=end-to-end-latency.target.0.5&v=2")), "");
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let link = "from=now-1h&shape=round&v=3";
        assert!(is_of_later_version(link) && !is_of_later_version("from=now-1h&v=2") && !is_of_later_version(""));
        assert_eq!(encode(&decode(link)), "from=now-1h&v=2");
    }

    #[test]
    fn an_invalid_version_is_the_first() {
        for version in ["", "x", "0", "-1", "99999999999999999999999"] {
            let link = format!("card=end-to-end-latency.target.0.5&v={version}");
            assert!(encode(&decode(&link)).starts_with("card=end-to-end-latency.threshold.0.5"), "{version}");
            assert!(!is_of_later_version(&link), "{version}");
        }
    }
}
