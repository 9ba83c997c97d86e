//! The configuration file: its shape.
use super::hosted::{BasetenEntry, HuggingFaceEntry};
use super::kubernetes::KubernetesEntry;
use super::target::TargetEntry;
use super::{ConfigError, duration};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration file, in Prometheus's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) allow_open_network: bool,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) frame_ancestors: Option<Vec<String>>,
    pub(super) cors_origins: Vec<String>,
    pub(super) data_dir: Option<PathBuf>,
    #[serde(deserialize_with = "duration")]
    pub(super) retention: Option<Duration>,
    pub(super) retention_bytes: Option<u64>,
    #[serde(deserialize_with = "duration")]
    pub(super) scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(super) scrape_timeout: Option<Duration>,
    pub(super) procfs: Option<PathBuf>,
    pub(super) sysfs: Option<PathBuf>,
    pub(super) rootfs: Option<PathBuf>,
    pub(super) gpus: Option<bool>,
    #[serde(deserialize_with = "duration")]
    pub(super) gpu_sample_interval: Option<Duration>,
    pub(super) nvml_library: Option<PathBuf>,
    pub(super) discovery: Option<bool>,
    pub(super) file_sd: Vec<String>,
    pub(super) targets: Vec<TargetEntry>,
    pub(super) huggingface: Vec<HuggingFaceEntry>,
    pub(super) baseten: Vec<BasetenEntry>,
    pub(super) kubernetes: Vec<KubernetesEntry>,
}

/// Reads the text of the file at `path`.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, ConfigError> {
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

/// The message without the value it found where another type was due.
fn unquoted(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}
