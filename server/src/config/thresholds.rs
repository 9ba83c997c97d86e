//! `[findings]`: the thresholds from which on a finding is reported.
use crate::config::{ConfigError, setting};
use findings::Thresholds;
use std::collections::BTreeMap;

/// `[findings]`: the thresholds of each finding, by the finding's id.
pub(crate) type FindingsTable = BTreeMap<String, BTreeMap<String, f64>>;

/// The thresholds.
///
/// # Errors
/// If there is none of a name, or its value is not positive.
pub(crate) fn resolve(table: &FindingsTable) -> Result<Thresholds, ConfigError> {
    let mut thresholds = Thresholds::default();
    for (finding, own) in table {
        for (name, value) in own {
            let name = format!("{finding}.{name}");
            thresholds.set(&name, *value).map_err(|error| setting("findings", error.to_string()))?;
        }
    }
    Ok(thresholds)
}

#[cfg(test)]
mod tests {
    use crate::config::file::parse;
    use crate::config::thresholds::resolve;
    use std::path::Path;

    #[test]
    fn thresholds_are_those_of_known_findings() {
        let of = |text: &str| resolve(&parse(text, Path::new("f")).expect("a file").findings);
        let set = of("[findings]\nerrors.requests = 50\n[findings.kv-cache-full]\nshare = 0.8\n").expect("thresholds");
        let wanted = [("errors.requests".to_owned(), 50.0), ("kv-cache-full.share".to_owned(), 0.8)];
        assert_eq!(set.configured().collect::<Vec<_>>(), wanted);
        for (text, expected) in [
            ("[findings]\nerrors.hours = 1", "there is no threshold \"errors.hours\""),
            ("[findings]\nnone.share = 1", "there is no threshold \"none.share\""),
            ("[findings]\nerrors.share = 0", "errors.share must be a positive number"),
            ("[findings]\nerrors.share = nan", "errors.share must be a positive number"),
        ] {
            let error = of(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
