//! The companion as a process: the built binary, by default on a free port.
use crate::process::run;
use crate::{Api, FixtureError, Process, Result};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};
use tempfile::TempDir;

/// A running `inferboard-server`.
#[derive(Debug)]
pub struct Companion {
    process: Process,
    url: String,
    /// Holds the history unless the arguments name another folder; deleted on drop.
    _home: TempDir,
}

impl Companion {
    /// Starts the companion on a free port of loopback with additional arguments.
    ///
    /// # Errors
    /// When it cannot be built or does not start.
    pub async fn start(arguments: &[impl AsRef<OsStr>]) -> Result<Self> {
        Self::start_at(0, arguments).await
    }

    /// Starts the companion with this configuration, without discovery.
    ///
    /// # Errors
    /// When it cannot be built or does not start.
    pub async fn configured(configuration: &str) -> Result<Self> {
        Self::configured_at(0, configuration).await
    }

    /// Starts the companion on this port of loopback with this configuration, without discovery.
    ///
    /// # Errors
    /// When it cannot be built or does not start.
    pub async fn configured_at(port: u16, configuration: &str) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a temporary folder"))?;
        let file = folder.path().join("inferboard.toml");
        fs::write(&file, configuration).map_err(FixtureError::io("cannot write the configuration"))?;
        // The folder may be deleted afterwards: once the companion listens, it has read the file.
        Self::start_at(port, &["--no-discovery", "--config", &file.display().to_string()]).await
    }

    /// Starts the companion on this port of loopback, or on a free one if that is 0.
    ///
    /// # Errors
    /// When it cannot be built or does not start.
    pub async fn start_at(port: u16, arguments: &[impl AsRef<OsStr>]) -> Result<Self> {
        let home = tempfile::tempdir().map_err(FixtureError::io("cannot create a temporary folder"))?;
        let mut command = Command::new(binary()?);
        command.env("XDG_DATA_HOME", home.path());
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).args(arguments);
        let mut process = Process::start("inferboard-server", command)?;
        let url = process.word_after("Inferboard is at ", Duration::from_secs(60)).await?;
        Ok(Self { process, url: url.trim_end_matches('/').to_owned(), _home: home })
    }

    /// Runs a command that prints and exits, such as `export prometheus-config`; its output.
    ///
    /// # Errors
    /// When it cannot be built or fails.
    pub fn printed(arguments: &[impl AsRef<OsStr>]) -> Result<String> {
        let mut command = Command::new(binary()?);
        command.args(arguments);
        run("inferboard-server", command)
    }

    /// The path of the program.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn program() -> Result<&'static PathBuf> {
        binary()
    }

    /// The URL without a trailing slash, such as `http://127.0.0.1:7117`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let port = self.url.rsplit(':').next().and_then(|rest| rest.split('/').next());
        port.and_then(|port| port.parse().ok()).unwrap_or(0)
    }

    /// A client of its API.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// The process, for example to pause it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Stops the companion with SIGTERM, as a service manager does.
    ///
    /// # Errors
    /// When it does not exit in time.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop()
    }
}

/// The binary that `INFERBOARD_SERVER` names, by default the one that cargo builds for this profile.
fn binary() -> Result<&'static PathBuf> {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    if let Some(binary) = BINARY.get() {
        return Ok(binary);
    }
    let binary = match env::var_os("INFERBOARD_SERVER") {
        Some(path) => path.into(),
        None => build()?,
    };
    Ok(BINARY.get_or_init(|| binary))
}

fn build() -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        // With the features of the whole workspace, so that the build of `cargo test --workspace` is reused.
        .args(["build", "--quiet", "--workspace", "--bin", "inferboard-server"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .map_err(FixtureError::io("cannot start cargo"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .find(|executable| executable.file_stem().is_some_and(|stem| stem == "inferboard-server"))
        .ok_or_else(|| FixtureError::Program {
            program: "cargo build -p inferboard-server",
            what: "built no binary".into(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
}
