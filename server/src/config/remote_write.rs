//! `[[remote_write]]`: the receivers to which all samples are sent too.
use crate::config::access::table_with_request_keys;
use crate::config::target::{check_label_name, http_url};
use crate::config::{ConfigError, duration, memory, setting};
use crate::remote_write::settings::{MessageVersion, QueueSettings, RemoteWriteSettings};
use crate::target::{Endpoint, instance_of};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a receiver may take to answer. Source: `DefaultRemoteWriteConfig` in Prometheus's `config/config.go`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of the queue is kept on disk, or in memory, while a receiver does not answer.
const DEFAULT_DISK_BYTES: u64 = 1 << 30;
const DEFAULT_MEMORY_BYTES: u64 = 64 << 20;
const MIN_QUEUE_BYTES: u64 = 64 << 10;

/// The largest values that are accepted. More would take memory that the history needs.
const MAX_SHARDS: usize = 200;
const MAX_SAMPLES_PER_SEND: usize = 50_000;

table_with_request_keys! {
    /// One `[[remote_write]]`, with the keys of Prometheus's `remote_write`.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub(crate) struct RemoteWriteEntry {
        url: String,
        name: Option<String>,
        protobuf_message: Option<String>,
        external_labels: BTreeMap<String, String>,
        #[serde(deserialize_with = "duration")]
        remote_timeout: Option<Duration>,
        queue_config: QueueEntry,
    }
}

/// `queue_config`, with keys of Prometheus's table and `max_bytes`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table with max_bytes, max_shards or max_samples_per_send")]
pub(crate) struct QueueEntry {
    max_bytes: Option<String>,
    max_shards: Option<usize>,
    max_samples_per_send: Option<usize>,
    #[serde(deserialize_with = "duration")]
    batch_send_deadline: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    min_backoff: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    max_backoff: Option<Duration>,
}

/// The receivers of all entries. `on_disk` says whether their queues are there.
///
/// # Errors
/// If a value is invalid, or two have the same name.
pub(crate) fn resolve(entries: Vec<RemoteWriteEntry>, on_disk: bool) -> Result<Vec<RemoteWriteSettings>, ConfigError> {
    let mut all: Vec<RemoteWriteSettings> = Vec::with_capacity(entries.len());
    for entry in entries {
        let remote = entry.resolve(on_disk)?;
        if all.iter().any(|other| other.name == remote.name) {
            let problem = format!("two are called {:?}; give one of them another name", remote.name);
            return Err(setting("remote_write", problem));
        }
        all.push(remote);
    }
    Ok(all)
}

impl RemoteWriteEntry {
    fn resolve(self, on_disk: bool) -> Result<RemoteWriteSettings, ConfigError> {
        if self.url.is_empty() {
            return Err(setting("remote_write", "set url, such as http://mimir.example/api/v1/push".into()));
        }
        let url = http_url("remote_write", &self.url)?;
        let own_name = self.name.clone().filter(|name| !name.is_empty());
        let name = own_name.unwrap_or_else(|| instance_of(&url).unwrap_or_default());
        let key = format!("remote_write {name}");
        let access = self.request().resolve(&key, "Bearer")?;
        if access.route.tls.is_some() && url.scheme() == "http" {
            let problem = "it has no effect on a URL that begins with http://; write https://, or remove it";
            return Err(setting(&format!("{key}: tls_config"), problem.into()));
        }
        for label in self.external_labels.keys() {
            check_label_name(label).map_err(|problem| setting(&format!("{key}: external_labels"), problem))?;
        }
        Ok(RemoteWriteSettings {
            endpoint: Endpoint { url, access: Arc::new(access) },
            message: message(&key, self.protobuf_message.as_deref())?,
            external_labels: self.external_labels.into_iter().collect(),
            timeout: self.remote_timeout.unwrap_or(DEFAULT_TIMEOUT),
            queue: self.queue_config.resolve(&format!("{key}: queue_config"), on_disk)?,
            name,
        })
    }
}

impl QueueEntry {
    /// The settings of a queue. Error messages call it `key`.
    fn resolve(self, key: &str, on_disk: bool) -> Result<QueueSettings, ConfigError> {
        let default = QueueSettings::default();
        let max_bytes = match &self.max_bytes {
            Some(size) => memory::parse_size(&format!("{key}: max_bytes"), size)?,
            None if on_disk => DEFAULT_DISK_BYTES,
            None => DEFAULT_MEMORY_BYTES,
        };
        if max_bytes < MIN_QUEUE_BYTES {
            return Err(setting(&format!("{key}: max_bytes"), "it is less than 64KiB".into()));
        }
        let within = |name: &str, number: Option<usize>, default: usize, max: usize| match number.unwrap_or(default) {
            number if (1..=max).contains(&number) => Ok(number),
            number => Err(setting(&format!("{key}: {name}"), format!("{number} is not from 1 to {max}"))),
        };
        let min_backoff = self.min_backoff.unwrap_or(default.min_backoff);
        let max_backoff = self.max_backoff.unwrap_or(default.max_backoff.max(min_backoff));
        if min_backoff > max_backoff {
            let problem = format!("{min_backoff:?} is longer than max_backoff, {max_backoff:?}");
            return Err(setting(&format!("{key}: min_backoff"), problem));
        }
        Ok(QueueSettings {
            max_bytes,
            max_shards: within("max_shards", self.max_shards, default.max_shards, MAX_SHARDS)?,
            max_samples_per_send: within(
                "max_samples_per_send",
                self.max_samples_per_send,
                default.max_samples_per_send,
                MAX_SAMPLES_PER_SEND,
            )?,
            batch_send_deadline: self.batch_send_deadline.unwrap_or(default.batch_send_deadline),
            min_backoff,
            max_backoff,
        })
    }
}

/// The message that is sent: that of Remote-Write 1.0, unless the configuration says otherwise.
fn message(key: &str, name: Option<&str>) -> Result<MessageVersion, ConfigError> {
    let Some(name) = name else { return Ok(MessageVersion::V1) };
    let known = [MessageVersion::V1, MessageVersion::V2].into_iter().find(|message| message.name() == name);
    known.ok_or_else(|| {
        let names = [MessageVersion::V1, MessageVersion::V2].map(|message| format!("{:?}", message.name()));
        setting(&format!("{key}: protobuf_message"), format!("{name:?} is not {}", names.join(" or ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::parse;
    use std::path::Path;

    fn settings(text: &str) -> Result<Vec<RemoteWriteSettings>, String> {
        let file = parse(text, Path::new("f")).map_err(|error| error.to_string())?;
        resolve(file.remote_write, true).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_suffices() {
        let all = settings("[[remote_write]]\nurl = \"http://mimir:9009/api/v1/push\"").expect("settings");
        let remote = &all[0];
        assert_eq!((remote.name.as_str(), remote.message), ("mimir:9009", MessageVersion::V1));
        assert_eq!((remote.timeout, remote.queue.max_bytes), (DEFAULT_TIMEOUT, DEFAULT_DISK_BYTES));
        let in_memory = QueueEntry::default().resolve("q", false).expect("settings");
        assert_eq!(in_memory.max_bytes, DEFAULT_MEMORY_BYTES);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (keys, expected) in [
            ("", "remote_write: set url"),
            ("url = \"ftp://a\"", "remote_write: the URL must begin with http"),
            ("url = \"http://u:CANARY@a/\"", "remote_write: the URL contains a user name or password"),
            ("url = \"http://a/\"\nprotobuf_message = \"v2\"", "a:80: protobuf_message: \"v2\" is not \"prometheus."),
            ("url = \"http://a/\"\nexternal_labels = { __a = \"b\" }", "external_labels: \"__a\" is reserved"),
            ("url = \"http://a/\"\nqueue_config = { max_shards = 0 }", "max_shards: 0 is not from 1 to 200"),
            ("url = \"http://a/\"\nqueue_config = { max_bytes = \"1KiB\" }", "max_bytes: it is less than 64KiB"),
            (
                "url = \"http://a/\"\nqueue_config = { min_backoff = \"9s\", max_backoff = \"1s\" }",
                "min_backoff: 9s is",
            ),
            (
                "url = \"http://a/\"\nhttp_headers = { Content-Type = { values = [\"x\"] } }",
                "Content-Type: the companion sets",
            ),
            ("url = \"http://a/\"\n[[remote_write]]\nurl = \"http://a/b\"", "two are called \"a:80\""),
        ] {
            let error = settings(&format!("[[remote_write]]\n{keys}")).expect_err(keys);
            assert!(error.contains(expected) && !error.contains("CANARY"), "{error}");
        }
    }
}
