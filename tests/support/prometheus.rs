//! Prometheus as a process, whose results are compared with those of the companion.
use crate::process::run;
use crate::{Api, FixtureError, Process, Replay, Result, peer};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A running `prometheus`; dropping it deletes its data.
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    folder: TempDir,
    url: String,
}

impl Prometheus {
    /// Starts Prometheus on a free port of loopback; it scrapes `replay` every `interval` and adds `labels`.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if it is not installed; other errors if it does not start.
    pub async fn start(replay: &Replay, interval: Duration, labels: &BTreeMap<String, String>) -> Result<Self> {
        Self::configured(&scrape_configuration(replay, interval, labels)).await
    }

    /// Starts Prometheus on a free port of loopback with a YAML configuration.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if it is not installed; other errors if it does not start.
    pub async fn configured(configuration: &str) -> Result<Self> {
        Self::start_in(folder()?, configuration, &[]).await
    }

    /// Starts Prometheus on a free port of loopback without targets; it accepts remote write.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if it is not installed; other errors if it does not start.
    pub async fn receiving() -> Result<Self> {
        Self::start_in(folder()?, "{}", &["--web.enable-remote-write-receiver"]).await
    }

    /// Starts Prometheus on a free port of loopback with the samples of a file, which is OpenMetrics text with
    /// timestamps, and without targets.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if it or `promtool` is not installed; other errors if it rejects the file or does not
    /// start.
    pub async fn holding(openmetrics: &Path) -> Result<Self> {
        let folder = folder()?;
        import(&folder, openmetrics)?;
        Self::start_in(folder, "{}", &[]).await
    }

    /// Stops it, adds the samples of another file, and starts it again, at another port.
    ///
    /// # Errors
    /// As [`Self::holding`].
    pub async fn with(self, openmetrics: &Path) -> Result<Self> {
        let Self { process, folder, .. } = self;
        process.stop()?;
        import(&folder, openmetrics)?;
        Self::start_in(folder, "{}", &[]).await
    }

    async fn start_in(folder: TempDir, configuration: &str, flags: &[&str]) -> Result<Self> {
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration).map_err(FixtureError::io("cannot write the configuration of prometheus"))?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg("--enable-feature=exemplar-storage")
            .args(flags);
        let (process, url) = peer::start("prometheus", command, "--web.listen-address", "/-/ready").await?;
        Ok(Self { process, folder, url })
    }

    /// Its URL without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client of its API.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }
}

fn folder() -> Result<TempDir> {
    tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for prometheus"))
}

/// Adds the samples of OpenMetrics text to the blocks of a Prometheus that is not running.
fn import(folder: &TempDir, openmetrics: &Path) -> Result<()> {
    let mut command = Command::new("promtool");
    // By default it reads the whole file again for every two hours of it.
    command
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=1000h"])
        .arg(openmetrics)
        .arg(folder.path().join("data"));
    run("promtool", command).map(drop)
}

/// Writes JSON, which is also YAML, because it quotes the labels.
fn scrape_configuration(replay: &Replay, interval: Duration, labels: &BTreeMap<String, String>) -> String {
    let interval = format!("{}ms", interval.as_millis());
    serde_json::json!({
        "global": { "scrape_interval": interval, "scrape_timeout": interval },
        "scrape_configs": [{
            "job_name": "replay",
            "static_configs": [{ "targets": [replay.instance()], "labels": labels }],
        }],
    })
    .to_string()
}
