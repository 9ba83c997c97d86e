//! The companion as a process: the built binary on a free port.
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
    /// Its history, where the arguments name no other place; goes when it goes.
    _home: TempDir,
}

impl Companion {
    /// Starts it at a free port of loopback with these arguments besides.
    ///
    /// # Errors
    /// When it cannot be built or does not come up.
    pub async fn start(arguments: &[impl AsRef<OsStr>]) -> Result<Self> {
        Self::start_at(0, arguments).await
    }

    /// Starts it with a configuration file of this text, and looks for no engines.
    ///
    /// # Errors
    /// When it cannot be built or does not come up.
    pub async fn configured(configuration: &str) -> Result<Self> {
        Self::configured_at(0, configuration).await
    }

    /// Starts it at this port of loopback with a configuration file of this text, and looks for no engines.
    ///
    /// # Errors
    /// When it cannot be built or does not come up.
    pub async fn configured_at(port: u16, configuration: &str) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot make a temporary folder"))?;
        let file = folder.path().join("inferboard.toml");
        fs::write(&file, configuration).map_err(FixtureError::io("cannot write the configuration"))?;
        // Once it listens, it has read the file.
        Self::start_at(port, &["--no-discovery", "--config", &file.display().to_string()]).await
    }

    /// Starts it at this port of loopback.
    ///
    /// # Errors
    /// When it cannot be built or does not come up.
    pub async fn start_at(port: u16, arguments: &[impl AsRef<OsStr>]) -> Result<Self> {
        let home = tempfile::tempdir().map_err(FixtureError::io("cannot make a temporary folder"))?;
        let mut command = Command::new(binary()?);
        command.env("XDG_DATA_HOME", home.path());
        command.arg("--listen").arg(format!("127.0.0.1:{port}")).args(arguments);
        let mut process = Process::start("inferboard-server", command)?;
        let url = process.word_after("Inferboard is at ", Duration::from_secs(60)).await?;
        Ok(Self { process, url: url.trim_end_matches('/').to_owned(), _home: home })
    }

    /// What a command that prints and ends gives, such as `export prometheus-config`.
    ///
    /// # Errors
    /// When it cannot be built or fails.
    pub fn printed(arguments: &[impl AsRef<OsStr>]) -> Result<String> {
        let mut command = Command::new(binary()?);
        command.args(arguments);
        run("inferboard-server", command)
    }

    /// Its address without a slash at the end, such as `http://127.0.0.1:7117`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0)
    }

    /// Its API.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }

    /// The process, such as to make it stand still.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Ends it as a service manager would.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop()
    }
}

/// The binary that `INFERBOARD_SERVER` names, else the one that cargo has or builds for this profile.
fn binary() -> Result<&'static PathBuf> {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    if let Some(binary) = BINARY.get() {
        return Ok(binary);
    }
    let found = match env::var_os("INFERBOARD_SERVER") {
        Some(named) => named.into(),
        None => built()?,
    };
    Ok(BINARY.get_or_init(|| found))
}

fn built() -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        // With the features of the whole workspace, as `cargo test --workspace` has built it.
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
            what: "gave no binary".into(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
}
