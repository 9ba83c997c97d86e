//! Lists of targets in Prometheus's JSON form, which other programs write to files or serve at URLs.
use crate::config::access::{self, table_of_targets};
use crate::config::target::{ReplicaEntry, TargetEntry};
use crate::config::{ConfigError, positive_duration, setting};
use crate::target::access::Access;
use crate::target::{Endpoint, Pace, Source, Target};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How many targets one list may have.
const MAX_TARGETS: usize = 10_000;

table_of_targets! {
    /// The table `scrape`: how the targets of a list are scraped.
    #[derive(Clone, Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields, expecting = "a table with the keys of requests and limits")]
    pub(crate) struct ScrapeEntry {}
}

/// How the targets of a list are scraped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListRules {
    /// Their pace, unless they have their own.
    pub(crate) pace: Pace,
    /// How they are requested, and what of their answers is accepted.
    pub(crate) access: Arc<Access>,
}

/// `[{"targets": ["host:port"], "labels": {"name": "value"}}]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl ListRules {
    /// The rules of `scrape`, for the lists of `name`, which error messages name.
    pub(crate) fn new(name: &str, pace: Pace, scrape: &ScrapeEntry) -> Result<Self, ConfigError> {
        let access = access::resolve(&format!("{name}: scrape"), "Bearer", scrape.request(), scrape.page())?;
        Ok(Self { pace, access: Arc::new(access) })
    }

    /// The targets in `text`. Error messages call the list `name`.
    ///
    /// # Errors
    /// If the text or a target in it is invalid.
    pub(crate) fn parse(&self, name: &str, text: &str) -> Result<Vec<Target>, ConfigError> {
        let groups: Vec<Group> = serde_json::from_str(text).map_err(|error| ConfigError::Syntax {
            path: PathBuf::from(name),
            line: error.line(),
            column: error.column(),
            message: "expected a list of {\"targets\": [\"host:port\"], \"labels\": {\"name\": \"value\"}}".into(),
        })?;
        let count: usize = groups.iter().map(|group| group.targets.len()).sum();
        if count > MAX_TARGETS {
            return Err(setting(name, format!("{count} targets are more than {MAX_TARGETS}; split the list")));
        }
        let mut targets = Vec::with_capacity(count);
        for group in groups {
            for address in &group.targets {
                let name = format!("{name}: target {}", targets.len() + 1);
                let target = entry(&name, address, group.labels.clone())?.resolve(&name, self.pace)?;
                targets.push(self.requested(target));
            }
        }
        Ok(targets)
    }

    /// The target, requested as those of the list are.
    fn requested(&self, target: Target) -> Target {
        match target.source {
            Source::Http(Endpoint { url, .. }) => {
                Target { source: Source::Http(Endpoint { url, access: Arc::clone(&self.access) }), ..target }
            }
            source => Target { source, ..target },
        }
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
        let rules = ListRules::new("file_sd", pace, &ScrapeEntry::default()).expect("rules");
        rules.parse("targets.json", text).map_err(|error| error.to_string())
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

    #[test]
    fn a_list_may_not_be_endless() {
        let list = |count: usize| {
            let targets: Vec<String> = (0..count).map(|number| format!("\"a:{number}\"")).collect();
            format!("[{{\"targets\": [{}]}}]", targets.join(","))
        };
        assert_eq!(parse(&list(MAX_TARGETS)).expect("a list").len(), MAX_TARGETS);
        let error = parse(&list(MAX_TARGETS + 1)).expect_err("too many");
        assert!(error.starts_with("targets.json: 10001 targets are more than 10000"), "{error}");
    }
}
