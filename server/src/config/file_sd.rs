//! `file_sd`: targets from JSON files of Prometheus's file discovery, which other programs write.
use crate::config::target::{ReplicaEntry, TargetEntry};
use crate::config::{ConfigError, positive_duration, setting};
use crate::target::{Pace, Target};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files that name targets.
#[derive(Clone, Debug)]
pub struct FileTargets {
    /// Glob patterns of paths.
    patterns: Arc<[String]>,
    /// The default pace of their targets.
    pace: Pace,
}

/// `[{"targets": ["host:port"], "labels": {"name": "value"}}]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl FileTargets {
    /// The files that match `patterns`. `pace` is the default for their targets.
    ///
    /// # Errors
    /// If a pattern is invalid.
    pub(crate) fn new(patterns: Vec<String>, pace: Pace) -> Result<Self, ConfigError> {
        for pattern in &patterns {
            glob::Pattern::new(pattern).map_err(|error| setting("file_sd", format!("{pattern:?}: {error}")))?;
        }
        Ok(Self { patterns: patterns.into(), pace })
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The files that exist now, in order of their names. This reads folders, whose storage may hang.
    pub fn paths(&self) -> Vec<PathBuf> {
        let matches = self.patterns.iter().filter_map(|pattern| glob::glob(pattern).ok());
        let mut paths: Vec<_> = matches.flatten().filter_map(Result::ok).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// The targets in `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// If the text or a target in it is invalid.
    pub fn parse(&self, path: &Path, text: &str) -> Result<Vec<Target>, ConfigError> {
        let groups: Vec<Group> = serde_json::from_str(text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            line: error.line(),
            column: error.column(),
            message: "expected a list of {\"targets\": [\"host:port\"], \"labels\": {\"name\": \"value\"}}".into(),
        })?;
        let mut targets = Vec::new();
        for group in groups {
            for address in &group.targets {
                let name = format!("{}: target {}", path.display(), targets.len() + 1);
                targets.push(entry(&name, address, group.labels.clone())?.resolve(&name, self.pace)?);
            }
        }
        Ok(targets)
    }
}

/// The entry of one address. Labels that begin with two underscores say how to scrape it.
fn entry(name: &str, address: &str, mut labels: BTreeMap<String, String>) -> Result<TargetEntry, ConfigError> {
    let scheme = labels.remove("__scheme__").unwrap_or_else(|| "http".into());
    let mut duration = |label: &str| {
        let text = labels.remove(label);
        let duration = text.map(|text| positive_duration(&text)).transpose();
        duration.map_err(|problem| setting(&format!("{name}: {label}"), problem))
    };
    let (scrape_interval, scrape_timeout) = (duration("__scrape_interval__")?, duration("__scrape_timeout__")?);
    let is_replica = match labels.remove("__replica__").as_deref() {
        None => None,
        Some("true") => Some(ReplicaEntry::Is(true)),
        Some("false") => Some(ReplicaEntry::Is(false)),
        Some(other) => {
            let problem = format!("{other:?} is neither true nor false");
            return Err(setting(&format!("{name}: __replica__"), problem));
        }
    };
    let replica = labels.remove("replica").map(ReplicaEntry::Name);
    let mut entry = TargetEntry {
        metrics_path: labels.remove("__metrics_path__"),
        job: labels.remove("job"),
        instance: labels.remove("instance"),
        model: labels.remove("model"),
        environment: labels.remove("environment"),
        deployment: labels.remove("deployment"),
        replica: is_replica
            .filter(|is_replica| replica.is_none() || *is_replica == ReplicaEntry::Is(false))
            .or(replica),
        scrape_interval,
        scrape_timeout,
        ..TargetEntry::new(format!("{scheme}://{address}"), None)
    };
    labels.retain(|label, _| !label.starts_with("__"));
    entry.labels = labels;
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn parse(text: &str) -> Result<Vec<Target>, String> {
        let pace = Pace { interval: Duration::from_secs(5), timeout: Duration::from_secs(5) };
        let files = FileTargets::new(Vec::new(), pace).expect("no pattern");
        files.parse(Path::new("targets.json"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn labels_identify_a_target_and_say_how_to_scrape_it() {
        let targets = parse(
            r#"[{"targets": ["gpu-1:8000", "gpu-2:8000"], "labels": {"model": "m", "team": "t", "job": "j",
                "__metrics_path__": "/prometheus/metrics", "__scheme__": "https", "__scrape_interval__": "30s",
                "__meta_rack": "7"}}, {"targets": ["gpu-3:1"]}]"#,
        )
        .expect("targets");
        let keys: Vec<_> = targets.iter().map(Target::key).collect();
        let path = "/prometheus/metrics";
        assert_eq!(
            keys,
            [format!("https://gpu-1:8000{path}"), format!("https://gpu-2:8000{path}"), "http://gpu-3:1/metrics".into()]
        );
        let identity = &targets[0].identity;
        assert_eq!((identity.model.as_deref(), identity.job.as_deref()), (Some("m"), Some("j")));
        assert_eq!(identity.replica.as_deref(), Some("gpu-1:8000"));
        assert_eq!(identity.labels, [("team".to_owned(), "t".to_owned())]);
        assert_eq!(targets[0].pace.interval, Duration::from_secs(30));
    }

    #[test]
    fn a_target_can_say_that_it_is_no_replica() {
        let replica = |labels: &str| {
            let targets = parse(&format!("[{{\"targets\": [\"a:1\"], \"labels\": {{{labels}}}}}]")).expect("a target");
            (targets[0].identity.replica.clone(), targets[0].identity.is_certainly_replica)
        };
        assert_eq!(replica("\"__replica__\": \"false\""), (None, false));
        assert_eq!(replica("\"__replica__\": \"false\", \"replica\": \"r\""), (None, false));
        assert_eq!(replica("\"__replica__\": \"true\""), (Some("a:1".into()), true));
        assert_eq!(replica("\"replica\": \"r\""), (Some("r".into()), true));
    }

    #[test]
    fn errors_name_the_file_and_the_target() {
        for (text, expected) in [
            ("[{\"targets\": [\"a:1\"]},\n {\"target\": []}]", "targets.json:2:10: expected a list of"),
            ("[{\"targets\": [\"a b:1\"]}]", "targets.json: target 1: the URL is invalid"),
            (
                "[{\"targets\": [\"a:1\"], \"labels\": {\"__scrape_interval__\": \"0s\"}}]",
                "targets.json: target 1: __scrape_interval__: \"0s\" is not a positive duration",
            ),
            (
                "[{\"targets\": [\"a:1\"], \"labels\": {\"__replica__\": \"no\"}}]",
                "targets.json: target 1: __replica__: \"no\" is neither true nor false",
            ),
            (
                "[{\"targets\": [\"a:1\"], \"labels\": {\"a-b\": \"c\"}}]",
                "targets.json: target 1: labels: \"a-b\" is not a valid label name",
            ),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
