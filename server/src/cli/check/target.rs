//! The target that a URL stands for: with its keys in the configuration, and those of `--set`.
use crate::config::insecure::INSECURE;
use crate::config::serve_args::ServeArgs;
use crate::config::target::TargetEntry;
use crate::config::{ConfigError, Settings, file, setting};
use crate::target::Target;
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

/// A target to check.
pub(crate) struct CheckedTarget {
    pub(crate) target: Target,
    /// What is worth knowing of its keys, as sentences.
    pub(crate) warnings: Vec<String>,
}

impl CheckedTarget {
    /// The target at `url`, with the keys that it has in `config`, and those of the lines `set`, which win.
    ///
    /// # Errors
    /// If a file cannot be read, or a key or a value cannot be used.
    pub(crate) fn new(url: &str, config: Option<&Path>, set: &[String]) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let plain = Table::from_iter([("url".to_owned(), Value::String(url.to_owned()))]);
        let mut keys = match config {
            None => plain,
            Some(path) => configured(url, path)?.unwrap_or_else(|| {
                warnings
                    .push(format!("{} has no target with this URL; it is asked without credentials", path.display()));
                plain
            }),
        };
        let lines: Table = set.join("\n").parse().map_err(|error: toml::de::Error| {
            setting("--set", format!("write lines of [[targets]], such as 'sample_limit = 60000': {}", error.message()))
        })?;
        merge(&mut keys, lines);
        let entry = TargetEntry::deserialize(Value::Table(keys));
        let entry = entry.map_err(|error| setting("--set", file::unquoted(error.message())))?;
        let args = ServeArgs { config: config.map(Path::to_owned), allow_open_network: true, ..ServeArgs::default() };
        let target = entry.resolve("the target", Settings::load(&args)?.pace)?;
        if target.source.endpoint().is_some_and(|endpoint| endpoint.access.is_insecure()) {
            warnings.push(INSECURE.to_owned());
        }
        Ok(Self { target, warnings })
    }
}

/// The keys of the target in the file at `path` whose metrics page is at `url`.
fn configured(url: &str, path: &Path) -> Result<Option<Table>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let wanted = TargetEntry::new(url.to_owned(), None).page_url("the target")?;
    let entries = file::parse(&text, path)?.targets;
    let at = entries.iter().position(|entry| entry.page_url("").is_ok_and(|own| own == wanted));
    let tables: Table = text.parse().unwrap_or_default();
    let keys = tables.get("targets").and_then(|targets| targets.get(at?)).and_then(Value::as_table);
    Ok(keys.cloned())
}

/// Sets the keys of `lines` in `keys`. Keys of a table within a table join those that are there.
fn merge(keys: &mut Table, lines: Table) {
    for (key, value) in lines {
        match (keys.get_mut(&key), value) {
            (Some(Value::Table(own)), Value::Table(new)) => merge(own, new),
            (_, value) => {
                keys.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const CONFIG: &str = "scrape_interval = \"7s\"\n[[targets]]\nurl = \"http://other:1\"\n[[targets]]\nurl = \"http://gpu:8000\"\n\
        sample_limit = 7\nbasic_auth = { username = \"u\", password = \"p_CANARY\" }\n";

    fn checked(url: &str, set: &[&str]) -> Result<CheckedTarget, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), CONFIG).expect("a file");
        let set: Vec<String> = set.iter().map(|line| (*line).to_owned()).collect();
        CheckedTarget::new(url, Some(file.path()), &set).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_has_the_keys_of_its_target() {
        let CheckedTarget { target, warnings } = checked("http://gpu:8000/metrics", &[]).expect("a target");
        let access = &target.source.endpoint().expect("a URL").access;
        assert_eq!((access.limits.samples, access.authorization.is_some()), (7, true));
        assert_eq!((target.pace.interval, warnings.len()), (Duration::from_secs(7), 0));
        let CheckedTarget { target, warnings } = checked("http://gpu:9000", &[]).expect("a target");
        assert!(target.source.endpoint().is_some_and(|endpoint| endpoint.access.authorization.is_none()));
        assert!(warnings[0].contains("has no target with this URL"), "{warnings:?}");
    }

    #[test]
    fn lines_win_and_join_tables() {
        let set = ["basic_auth.username = \"w\"", "label_limit = 3"];
        let CheckedTarget { target, .. } = checked("http://gpu:8000", &set).expect("a target");
        let access = &target.source.endpoint().expect("a URL").access;
        assert_eq!((access.limits.samples, access.limits.labels), (7, 3));
        let authorization = format!("{:?}", access.authorization);
        assert!(authorization.contains("\"w\"") && !authorization.contains("CANARY"), "{authorization}");
    }

    #[test]
    fn lines_that_cannot_be_used_are_refused_without_their_values() {
        for (line, expected) in [
            ("sample_limit", "--set: write lines of [[targets]]"),
            ("no_such_key = \"CANARY\"", "--set: unknown field `no_such_key`"),
            ("sample_limit = 0", "the target: sample_limit: 0 is not between 1 and"),
            ("authorization = { credentials = \"CANARY\" }", "the target: set either authorization or basic_auth"),
        ] {
            let error = checked("http://gpu:8000", &[line]).err().expect(line);
            assert!(error.starts_with(expected) && !error.contains("CANARY"), "{error}");
        }
    }
}
