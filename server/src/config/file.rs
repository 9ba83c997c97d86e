//! The keys of the configuration file.
use crate::config::backend::BackendEntry;
use crate::config::file_sd::FileEntry;
use crate::config::hosted::{BasetenEntry, HuggingFaceEntry};
use crate::config::http_sd::HttpEntry;
use crate::config::kubernetes::KubernetesEntry;
use crate::config::own_metrics::MetricEntry;
use crate::config::remote_write::RemoteWriteEntry;
use crate::config::target::TargetEntry;
use crate::config::thresholds::FindingsTable;
use crate::config::{ConfigError, duration};
use crate::web::access::UserRole;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where Docker's daemon listens, which runs all the time. Podman's service would be started by each request.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// The configuration file. Keys that Prometheus has too have its names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) listen: Option<String>,
    pub(crate) socket_mode: Option<String>,
    pub(crate) tls_cert_file: Option<PathBuf>,
    pub(crate) tls_key_file: Option<PathBuf>,
    pub(crate) base_path: Option<String>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) user_header: Option<String>,
    pub(crate) user_role: Option<UserRole>,
    pub(crate) allow_open_network: bool,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) frame_ancestors: Option<Vec<String>>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) read_token_file: Option<PathBuf>,
    pub(crate) write_token_file: Option<PathBuf>,
    pub(crate) metrics_token_file: Option<PathBuf>,
    pub(crate) write_on_loopback: Option<bool>,
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
    pub(crate) container_socket: Option<SocketEntry>,
    pub(crate) file_sd: Vec<FileEntry>,
    pub(crate) http_sd: Vec<HttpEntry>,
    pub(crate) targets: Vec<TargetEntry>,
    pub(crate) huggingface: Vec<HuggingFaceEntry>,
    pub(crate) baseten: Vec<BasetenEntry>,
    pub(crate) kubernetes: Vec<KubernetesEntry>,
    pub(crate) backends: Vec<BackendEntry>,
    pub(crate) remote_write: Vec<RemoteWriteEntry>,
    pub(crate) metrics: Vec<MetricEntry>,
    pub(crate) findings: FindingsTable,
}

/// `container_socket`: where it is, or whether to use Docker's.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected the path of a socket, or false for none")]
pub(crate) enum SocketEntry {
    /// Whether to use Docker's.
    Is(bool),
    /// The path.
    Path(PathBuf),
}

impl File {
    /// The socket of the container runtime that is asked; none to ask none.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        match &self.container_socket {
            None | Some(SocketEntry::Is(true)) => Some(DOCKER_SOCKET.into()),
            Some(SocketEntry::Is(false)) => None,
            Some(SocketEntry::Path(path)) => Some(path.clone()),
        }
    }

    /// The files with credentials, each once: the configuration itself, at `config`, and those that it names.
    pub(crate) fn secret_files(&self, config: &Path) -> BTreeSet<PathBuf> {
        let requests = (self.targets.iter().map(TargetEntry::request))
            .chain(self.huggingface.iter().map(HuggingFaceEntry::request))
            .chain(self.baseten.iter().map(BasetenEntry::request))
            .chain(self.kubernetes.iter().map(KubernetesEntry::request))
            .chain(self.backends.iter().map(BackendEntry::request))
            .chain(self.remote_write.iter().map(RemoteWriteEntry::request))
            .chain(self.file_sd.iter().map(|entry| entry.scrape.request()))
            .chain(self.http_sd.iter().flat_map(|entry| [entry.request(), entry.scrape.request()]));
        let of_targets = requests.flat_map(|entry| entry.secret_files(config));
        let tokens = [&self.read_token_file, &self.write_token_file, &self.metrics_token_file];
        of_targets.chain(tokens.into_iter().flatten().cloned()).collect()
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
pub(crate) fn unquoted(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((value, expected)) if value.starts_with("invalid ") => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}
