//! What to run: the configuration file and the flags, checked and joined.
use crate::cli::ServeArgs;
use crate::scrape::{Authorization, Identity, Pace, Source, Target, instance_of};
use crate::secret::Secret;
use reqwest::Url;
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEFAULT_LISTEN: &str = "127.0.0.1:7117";
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A configuration that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be. The text at that place is not quoted: it may hold a secret.
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
    /// A setting has a value that cannot be used.
    #[error("{setting}: {problem}")]
    Setting {
        /// The flag or key.
        setting: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// Others could reach the server, and nobody said that they may.
    #[error(
        "{listen} can be reached from the network and there is no login: listen on 127.0.0.1, or add --allow-open-network"
    )]
    OpenNetwork {
        /// The address.
        listen: SocketAddr,
    },
}

/// All that `serve` needs to know.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Names besides loopback under which the page may be opened.
    pub allowed_hosts: Vec<String>,
    /// How long samples are kept, in milliseconds.
    pub retention_ms: i64,
    /// How often, and how long at most, this machine and what is found on it are scraped.
    pub pace: Pace,
    /// Where this machine's `/proc` is.
    pub procfs: PathBuf,
    /// Whether to look for inference servers on this machine.
    pub discovery: bool,
    /// What to scrape.
    pub targets: Vec<Target>,
}

/// The configuration file, in Prometheus's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    listen: Option<String>,
    allow_open_network: bool,
    allowed_hosts: Vec<String>,
    #[serde(deserialize_with = "duration")]
    retention: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    scrape_timeout: Option<Duration>,
    procfs: Option<PathBuf>,
    discovery: Option<bool>,
    targets: Vec<TargetEntry>,
}

/// One `[[targets]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TargetEntry {
    url: String,
    metrics_path: Option<String>,
    job: Option<String>,
    model: Option<String>,
    environment: Option<String>,
    deployment: Option<String>,
    replica: Option<String>,
    #[serde(deserialize_with = "duration")]
    scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    scrape_timeout: Option<Duration>,
    authorization: Option<AuthorizationEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with credentials or credentials_file")]
struct AuthorizationEntry {
    #[serde(rename = "type")]
    scheme: Option<String>,
    credentials: Option<Secret>,
    credentials_file: Option<PathBuf>,
}

impl Settings {
    /// Reads the file that `args` names, if any, and lets the flags win over it.
    ///
    /// # Errors
    /// When a file cannot be read or a value cannot be used.
    pub fn load(args: &ServeArgs) -> Result<Self, ConfigError> {
        let file = match &args.config {
            None => File::default(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
                parse(&text, path)?
            }
        };
        Self::join(args, file)
    }

    fn join(args: &ServeArgs, file: File) -> Result<Self, ConfigError> {
        let listen = args.listen.as_ref().or(file.listen.as_ref()).map_or(DEFAULT_LISTEN, String::as_str);
        let listen: SocketAddr = listen
            .parse()
            .map_err(|_| setting("listen", format!("{listen:?} is no address and port, such as {DEFAULT_LISTEN}")))?;
        if !listen.ip().is_loopback() && !args.allow_open_network && !file.allow_open_network {
            return Err(ConfigError::OpenNetwork { listen });
        }
        let interval = flag_duration("--scrape-interval", args.scrape_interval.as_deref())?.or(file.scrape_interval);
        let interval = interval.unwrap_or(DEFAULT_INTERVAL);
        let timeout = file.scrape_timeout.unwrap_or(LONGEST_DEFAULT_TIMEOUT.min(interval));
        let pace = pace("scrape_timeout", interval, timeout)?;
        let retention = flag_duration("--retention", args.retention.as_deref())?.or(file.retention);
        let mut targets = Vec::new();
        for entry in flag_targets(args)?.into_iter().chain(file.targets) {
            let target = entry.resolve(targets.len() + 1, pace)?;
            if targets.iter().any(|known: &Target| known.key() == target.key()) {
                let problem = format!("{} is scraped already: name each URL once", target.identity.instance);
                return Err(setting(&format!("target {}", targets.len() + 1), problem));
            }
            targets.push(target);
        }
        Ok(Self {
            listen,
            allowed_hosts: args.allowed_hosts.iter().chain(&file.allowed_hosts).cloned().collect(),
            retention_ms: retention.map_or(store::Limits::default().retention_ms, |kept| kept.as_millis() as i64),
            pace,
            procfs: args.procfs.clone().or(file.procfs).unwrap_or_else(|| "/proc".into()),
            // A configured target on this machine may be named otherwise than discovery would, and be counted twice.
            discovery: !args.no_discovery && file.discovery.unwrap_or(targets.is_empty()),
            targets,
        })
    }
}

fn parse(text: &str, path: &Path) -> Result<File, ConfigError> {
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

fn flag_targets(args: &ServeArgs) -> Result<Vec<TargetEntry>, ConfigError> {
    if args.models.len() > 1 && args.models.len() != args.targets.len() || args.models.len() > args.targets.len() {
        let (models, targets) = (args.models.len(), args.targets.len());
        let problem =
            format!("{models} models for {targets} targets: give one for each --target, one for all, or none");
        return Err(setting("--model", problem));
    }
    let models = args.models.iter().cycle().map(Some).chain(std::iter::repeat(None));
    Ok(args
        .targets
        .iter()
        .zip(models)
        .map(|(url, model)| TargetEntry { url: url.clone(), model: model.cloned(), ..TargetEntry::default() })
        .collect())
}

impl TargetEntry {
    /// The target, where it is the `number`th one and `default` is the pace of those that do not say.
    fn resolve(self, number: usize, default: Pace) -> Result<Target, ConfigError> {
        let problem = |problem: String| setting(&format!("target {number}"), problem);
        // The URL is not quoted: a token may be part of it.
        let mut url: Url = self.url.parse().map_err(|error| problem(format!("the URL cannot be read: {error}")))?;
        let Some(instance) = instance_of(&url).filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(problem("the URL must begin with http:// or https:// and name a host".into()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(problem("the URL holds a password: use authorization instead".into()));
        }
        if let Some(path) = self.metrics_path {
            url.set_path(&path);
        } else if url.path() == "/" {
            url.set_path("/metrics");
        }
        let interval = self.scrape_interval.unwrap_or(default.interval);
        let timeout = self.scrape_timeout.unwrap_or(default.timeout.min(interval));
        let authorization = self.authorization.map(|entry| entry.resolve(number)).transpose()?;
        Ok(Target {
            source: Source::Http { url, authorization },
            identity: Identity {
                job: self.job,
                model: self.model,
                environment: self.environment,
                deployment: self.deployment,
                replica: Some(self.replica.unwrap_or_else(|| instance.clone())),
                instance,
            },
            pace: pace(&format!("target {number}: scrape_timeout"), interval, timeout)?,
        })
    }
}

impl AuthorizationEntry {
    fn resolve(self, number: usize) -> Result<Authorization, ConfigError> {
        let scheme = self.scheme.unwrap_or_else(|| "Bearer".into());
        match (self.credentials, self.credentials_file) {
            (Some(credentials), None) => Ok(Authorization::fixed(scheme, credentials)),
            (None, Some(path)) => {
                Authorization::from_file(scheme, path.clone()).map_err(|source| ConfigError::Read { path, source })
            }
            _ => Err(setting(
                &format!("target {number}: authorization"),
                "give either credentials or credentials_file".into(),
            )),
        }
    }
}

fn pace(name: &str, interval: Duration, timeout: Duration) -> Result<Pace, ConfigError> {
    if timeout > interval {
        return Err(setting(name, format!("{timeout:?} is longer than the interval of {interval:?}")));
    }
    Ok(Pace { interval, timeout })
}

fn setting(setting: &str, problem: String) -> ConfigError {
    ConfigError::Setting { setting: setting.to_owned(), problem }
}

fn flag_duration(flag: &str, text: Option<&str>) -> Result<Option<Duration>, ConfigError> {
    text.map(positive_duration).transpose().map_err(|problem| setting(flag, problem))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    positive_duration(&text).map(Some).map_err(serde::de::Error::custom)
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration_ms = promapi::parse_duration_ms(text).map_err(|error| error.to_string())?;
    match u64::try_from(duration_ms) {
        Ok(duration_ms) if duration_ms > 0 => Ok(Duration::from_millis(duration_ms)),
        _ => Err(format!("{text:?} is not more than zero")),
    }
}

#[cfg(test)]
mod tests;
