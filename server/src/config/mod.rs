//! The settings of `serve`: reads the configuration file, combines it with the flags, and checks both.
pub(crate) mod access;
pub mod authorization;
pub(crate) mod backend;
mod durations;
pub mod file;
pub mod file_sd;
pub mod hosted;
pub mod http_sd;
mod http_watch;
pub(crate) mod insecure;
pub mod kubernetes;
pub mod load;
mod memory;
pub(crate) mod own_metrics;
pub mod permissions;
pub mod reload;
mod remote_write;
pub mod restart;
mod rights;
pub mod secret_file;
mod selector;
pub mod serve_args;
pub mod target;
pub(crate) mod target_list;
mod thresholds;
pub mod web;

pub(crate) use durations::{duration, flag_duration, pace, positive_duration};

use crate::config::file::{File, parse};
use crate::config::file_sd::FileTargets;
use crate::config::http_sd::HttpList;
use crate::config::kubernetes::ClusterSource;
use crate::config::permissions::is_readable_by_all;
use crate::config::serve_args::ServeArgs;
use crate::config::target::TargetEntry;
use crate::config::web::{WebSettings, readable_by_all};
use crate::remote_write::settings::RemoteWriteSettings;
use crate::sources::gpus::GpuSettings;
use crate::sources::host::HostPaths;
use crate::target::{Pace, Target};
use crate::web::backends::Backend;
use crate::web::listen::address::ListenAddress;
use crate::web::listen::certificate::CertificateError;
use catalogue::OwnName;
use findings::Thresholds;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

const DEFAULT_LISTEN: &str = "127.0.0.1:7117";
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
const DEFAULT_GPU_SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
const DEFAULT_NVML: &str = "libnvidia-ml.so.1";

/// Where the head of a Ray cluster lists the metrics pages of its nodes.
/// Source: "Collecting and monitoring metrics" in Ray's documentation.
const RAY_TARGETS: &str = "/tmp/ray/prom_metrics_service_discovery.json";

/// Shorter intervals would keep a machine busy with scraping.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// The default scrape timeout for intervals that are not shorter.
const MAX_DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is wrong with a configuration. Messages never quote the file: a value may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is malformed.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Reading the configuration takes too long.
    #[error("the configuration, or a file that it names, cannot be read within {} seconds; check its storage", limit.as_secs())]
    Slow {
        /// How long it may take.
        limit: Duration,
    },
    /// The process has no thread to read it.
    #[error("the configuration was not read; the process may be out of threads or memory")]
    NotRead,
    /// A setting has an invalid value.
    #[error("{setting}: {problem}")]
    Setting {
        /// The flag or key.
        setting: String,
        /// What is wrong, and what is valid.
        problem: String,
    },
    /// The certificate that the server is to show cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Other machines could reach the server, which is not explicitly allowed.
    #[error(
        "other machines can reach {listen}, and everyone there could read: set read_token_file in the configuration, or \
         user_header for a proxy that signs people in, listen on 127.0.0.1, or add --allow-open-network"
    )]
    OpenNetwork {
        /// The address.
        listen: ListenAddress,
    },
}

/// The settings of `serve`.
#[derive(Debug)]
pub struct Settings {
    /// Where the HTTP server listens, and who may reach it.
    pub web: WebSettings,
    /// The directory for history; none keeps it in memory only.
    pub data_dir: Option<PathBuf>,
    /// The limits of the store.
    pub limits: tsdb::Limits,
    /// The memory that requests and their answers may take together.
    pub request_bytes: u64,
    /// The interval and timeout of scrapes, unless a target has its own.
    pub pace: Pace,
    /// Where this machine's file systems are mounted.
    pub host_paths: HostPaths,
    /// How to measure this machine's GPUs; none if they are not measured.
    pub gpus: Option<GpuSettings>,
    /// Whether to discover inference servers on this machine.
    pub discovery: bool,
    /// The socket of the container runtime whose containers discovery asks; none to ask none.
    pub container_socket: Option<PathBuf>,
    /// What to scrape.
    pub targets: ConfiguredTargets,
    /// Engines that the page queries through this server.
    pub backends: Vec<Arc<Backend>>,
    /// Where all samples are sent too. No two have the same name.
    pub remote_write: Vec<RemoteWriteSettings>,
    /// Metrics of the user's own, and the graphs that they feed.
    pub own_names: Vec<OwnName>,
    /// The thresholds of findings.
    pub thresholds: Thresholds,
    /// What is allowed but dangerous, as sentences for the log.
    pub warnings: Vec<String>,
}

/// The configured targets, and where further ones come from.
#[derive(Debug)]
pub struct ConfiguredTargets {
    /// The targets in the configuration itself. No two have the same URL or the same labels.
    pub fixed: Vec<Arc<Target>>,
    /// The clusters whose pods are targets. The targets with the families about pods are among the fixed ones.
    pub clusters: Vec<ClusterSource>,
    /// The files with further targets.
    pub files: FileTargets,
    /// The lists of further targets at URLs.
    pub lists: Vec<Arc<HttpList>>,
}

impl ConfiguredTargets {
    /// Whether further targets come from files or from lists at URLs.
    pub fn has_lists(&self) -> bool {
        !self.files.is_empty() || !self.lists.is_empty()
    }
}

impl Settings {
    /// Reads the configuration file of `args`, if there is one. Flags override it.
    ///
    /// # Errors
    /// If a file cannot be read, or a setting is invalid.
    pub fn load(args: &ServeArgs) -> Result<Self, ConfigError> {
        let Some(path) = &args.config else { return Self::join(args, File::default()) };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        let file = parse(&text, path)?;
        let readable = file.secret_files(path).into_iter().filter(|path| is_readable_by_all(path));
        let warnings: Vec<String> = readable.map(|path| readable_by_all(&path)).collect();
        let mut settings = Self::join(args, file)?;
        settings.warnings.extend(warnings);
        Ok(settings)
    }

    /// Makes the metrics of the user's own part of the catalogue, once for this process.
    pub fn add_own_names(&self) {
        // They were checked when they were read.
        if !catalogue::add_own_names(&self.own_names).unwrap_or(false) {
            warn!("[[metrics]] came too late for the catalogue");
        }
    }

    fn join(args: &ServeArgs, file: File) -> Result<Self, ConfigError> {
        let (web, mut warnings) = WebSettings::new(args, &file)?;
        let container_socket = file.socket();
        let interval = flag_duration("--scrape-interval", args.scrape_interval.as_deref())?.or(file.scrape_interval);
        let interval = interval.unwrap_or(DEFAULT_INTERVAL);
        let timeout = file.scrape_timeout.unwrap_or(MAX_DEFAULT_TIMEOUT.min(interval));
        let pace = pace("scrape_timeout", interval, timeout)?;
        let retention = flag_duration("--retention", args.retention.as_deref())?.or(file.retention);
        let host_paths = host_paths(args.procfs.clone().or(file.procfs), file.sysfs, file.rootfs);
        let memory_bytes = match (&args.memory_limit, &file.memory_limit) {
            (Some(size), _) => memory::parse_size("--memory-limit", size)?,
            (None, Some(size)) => memory::parse_size("memory_limit", size)?,
            (None, None) => memory::available_bytes(&host_paths),
        };
        let data_dir = match args.in_memory {
            true => None,
            false => Some(args.data_dir.clone().or(file.data_dir).or_else(default_data_dir).ok_or_else(no_data_dir)?),
        };
        let (mut targets, mut clusters) = (Vec::new(), Vec::new());
        for entry in flag_targets(args)?.into_iter().chain(file.targets) {
            let name = format!("target {}", targets.len() + 1);
            insert(&mut targets, &name, Arc::new(entry.resolve(&name, pace)?))?;
        }
        for entry in file.huggingface {
            for target in entry.resolve()? {
                insert(&mut targets, "huggingface", Arc::new(target))?;
            }
        }
        for entry in file.baseten {
            insert(&mut targets, "baseten", Arc::new(entry.resolve()?))?;
        }
        for entry in file.kubernetes {
            for source in entry.resolve(pace)? {
                insert(&mut targets, "kubernetes", Arc::clone(&source.target))?;
                clusters.push(source);
            }
        }
        let has_no_targets = targets.is_empty() && file.file_sd.is_empty() && file.http_sd.is_empty();
        // Discovery may find a configured target under another address, and it would be counted twice.
        let discovery = !args.no_discovery && file.discovery.unwrap_or(has_no_targets);
        let files = FileTargets::new(&file.file_sd, pace)?;
        let files = if discovery { files.with_found(RAY_TARGETS.into()) } else { files };
        let lists =
            file.http_sd.into_iter().map(|entry| entry.resolve(pace).map(Arc::new)).collect::<Result<_, _>>()?;
        let targets = ConfiguredTargets { fixed: targets, clusters, files, lists };
        let remote_write = remote_write::resolve(file.remote_write, data_dir.is_some())?;
        let metrics = file.metrics.into_iter().enumerate();
        let own_names = metrics.map(|(at, entry)| entry.resolve(&format!("metric {}", at + 1)));
        let own_names = own_names.collect::<Result<_, _>>()?;
        let thresholds = thresholds::resolve(&file.findings)?;
        let backends = backend::resolve(file.backends)?;
        warnings.extend(insecure::warnings(&targets, &backends, &remote_write));
        Ok(Self {
            web,
            limits: limits(data_dir.is_some(), retention, file.retention_bytes, memory_bytes),
            request_bytes: memory::request_bytes(memory_bytes),
            data_dir,
            pace,
            host_paths,
            gpus: gpus(args, file.gpus, file.nvml_library, file.gpu_sample_interval),
            discovery,
            container_socket,
            targets,
            backends,
            remote_write,
            own_names,
            thresholds,
            warnings,
        })
    }
}

/// The machine's mount points. If its `/proc` is mounted elsewhere, this process's `/` is not the machine's.
fn host_paths(proc: Option<PathBuf>, sys: Option<PathBuf>, root: Option<PathBuf>) -> HostPaths {
    let root = root.or_else(|| proc.is_none().then(|| "/".into()));
    HostPaths { proc: proc.unwrap_or_else(|| "/proc".into()), sys: sys.unwrap_or_else(|| "/sys".into()), root }
}

fn gpus(
    args: &ServeArgs,
    is_enabled: Option<bool>,
    library: Option<PathBuf>,
    sample_interval: Option<Duration>,
) -> Option<GpuSettings> {
    let library = args.nvml_library.clone().or(library).unwrap_or_else(|| DEFAULT_NVML.into());
    let sample_interval = sample_interval.unwrap_or(DEFAULT_GPU_SAMPLE_INTERVAL);
    (!args.no_gpus && is_enabled.unwrap_or(true)).then_some(GpuSettings { library: library.into(), sample_interval })
}

/// The default directory for history.
/// Source: the XDG Base Directory Specification, "user-specific data files".
pub fn default_data_dir() -> Option<PathBuf> {
    let path = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = path("XDG_DATA_HOME").or_else(|| Some(path("HOME")?.join(".local/share")))?;
    Some(base.join("inferboard"))
}

fn no_data_dir() -> ConfigError {
    setting("--data-dir", "there is no home directory for the history; choose a directory, or use --in-memory".into())
}

fn limits(on_disk: bool, retention: Option<Duration>, size_bytes: Option<u64>, memory_bytes: u64) -> tsdb::Limits {
    let default = if on_disk { tsdb::Options::default().limits } else { tsdb::Limits::default() };
    tsdb::Limits {
        retention_ms: retention.map_or(default.retention_ms, |age| age.as_millis() as i64),
        size_bytes: size_bytes.map_or(default.size_bytes, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        series: memory::series_limit(memory_bytes),
    }
}

/// Adds a target, unless an earlier one has its URL, its labels or its shared name.
fn insert(targets: &mut Vec<Arc<Target>>, name: &str, target: Arc<Target>) -> Result<(), ConfigError> {
    let conflict = |problem| Err(setting(name, problem));
    if targets.iter().any(|other| other.key() == target.key()) {
        return conflict(format!("{} is configured twice; remove one of its entries", target.identity.instance));
    }
    if targets.iter().any(|other| other.identity == target.identity) {
        let problem =
            "its series would have the same labels as another target's; set replica in the configuration file";
        return conflict(problem.into());
    }
    let shared = target.source.shared_name();
    if shared.is_some() && targets.iter().any(|other| other.source.shared_name() == shared) {
        let name = shared.unwrap_or_default();
        return conflict(format!("two endpoints are shared as {name:?}; give one of them another shared_as"));
    }
    targets.push(target);
    Ok(())
}

fn flag_targets(args: &ServeArgs) -> Result<Vec<TargetEntry>, ConfigError> {
    if args.models.len() > 1 && args.models.len() != args.targets.len() || args.models.len() > args.targets.len() {
        let (models, targets) = (args.models.len(), args.targets.len());
        let problem =
            format!("{models} models for {targets} targets; give one for each --target, one for all, or none");
        return Err(setting("--model", problem));
    }
    let models = args.models.iter().cycle().map(Some).chain(std::iter::repeat(None));
    Ok(args.targets.iter().zip(models).map(|(url, model)| TargetEntry::new(url.clone(), model.cloned())).collect())
}

pub(crate) fn setting(setting: &str, problem: String) -> ConfigError {
    ConfigError::Setting { setting: setting.to_owned(), problem }
}

#[cfg(test)]
mod documentation_tests;
#[cfg(test)]
mod tests;
