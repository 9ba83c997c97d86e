//! The keys of the configuration file.
use crate::config::hosted::{BasetenEntry, HuggingFaceEntry};
use crate::config::kubernetes::KubernetesEntry;
use crate::config::target::TargetEntry;
use crate::config::{ConfigError, duration};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration file. Keys that Prometheus has too have its names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) listen: Option<String>,
    pub(crate) allow_open_network: bool,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) frame_ancestors: Option<Vec<String>>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) data_dir: Option<PathBuf>,
    #[serde(deserialize_with = "duration")]
    pub(crate) retention: Option<Duration>,
    pub(crate) retention_bytes: Option<u64>,
    pub(crate) memory_limit: Option<String>,
    #[serde(deserialize_with = "duration")]
    pub(crate) scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(crate) scrape_timeout: Option<Duration>,
    pub(crate) procfs: Option<PathBuf>,
    pub(crate) sysfs: Option<PathBuf>,
    pub(crate) rootfs: Option<PathBuf>,
    pub(crate) gpus: Option<bool>,
    #[serde(deserialize_with = "duration")]
    pub(crate) gpu_sample_interval: Option<Duration>,
    pub(crate) nvml_library: Option<PathBuf>,
    pub(crate) discovery: Option<bool>,
    pub(crate) file_sd: Vec<String>,
    pub(crate) targets: Vec<TargetEntry>,
    pub(crate) huggingface: Vec<HuggingFaceEntry>,
    pub(crate) baseten: Vec<BasetenEntry>,
    pub(crate) kubernetes: Vec<KubernetesEntry>,
}

impl File {
    /// The files with credentials, each once: the configuration itself, at `config`, and those that it names.
    pub(crate) fn secret_files(&self, config: &Path) -> BTreeSet<PathBuf> {
        let authorizations = (self.targets.iter().map(|entry| &entry.authorization))
            .chain(self.huggingface.iter().map(|entry| &entry.authorization))
            .chain(self.baseten.iter().map(|entry| &entry.authorization))
            .chain(self.kubernetes.iter().map(|entry| &entry.authorization));
        authorizations.flatten().filter_map(|entry| entry.secret_file(config)).map(Path::to_owned).collect()
    }
}

/// Parses `text`. Error messages name `path`.
pub(crate) fn parse(text: &str, path: &Path) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ConfigError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1,
            message: unquoted(error.message()),
        }
    })
}

/// An error message without the invalid value, which may be a secret.
fn unquoted(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((value, expected)) if value.starts_with("invalid ") => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}
