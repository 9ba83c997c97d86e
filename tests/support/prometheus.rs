//! Prometheus as a process, to compare answers with.
use crate::{Api, FixtureError, Process, Replay, Result, peer, process::run};
use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};
use tempfile::TempDir;

/// A running `prometheus`; its data go with it.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    _folder: TempDir,
    url: String,
}

impl Prometheus {
    /// Starts it at a free port of loopback, scraping `replay` each `interval`, with `labels` on every sample.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] where it is not installed; else when it does not come up.
    pub async fn start(replay: &Replay, interval: Duration, labels: &BTreeMap<String, String>) -> Result<Self> {
        Self::configured(&replaying(replay, interval, labels)).await
    }

    /// Starts it at a free port of loopback with a configuration in YAML.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] where it is not installed; else when it does not come up.
    pub async fn configured(configuration: &str) -> Result<Self> {
        Self::within(folder()?, configuration).await
    }

    /// Starts it at a free port of loopback with the samples of a file in OpenMetrics text with timestamps, and
    /// nothing to scrape.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] where it or `promtool` is not installed; else when it does not take the file or does
    /// not come up.
    pub async fn holding(openmetrics: &Path) -> Result<Self> {
        let folder = folder()?;
        let mut command = Command::new("promtool");
        command
            .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
            .arg(openmetrics)
            .arg(folder.path().join("data"));
        run("promtool", command)?;
        Self::within(folder, "{}").await
    }

    async fn within(folder: TempDir, configuration: &str) -> Result<Self> {
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration).map_err(FixtureError::io("cannot write the configuration of prometheus"))?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg("--enable-feature=exemplar-storage");
        let (process, url) = peer::start("prometheus", command, "--web.listen-address", "/-/ready").await?;
        Ok(Self { _process: process, _folder: folder, url })
    }

    /// Its address without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its API.
    pub fn api(&self) -> Api {
        Api::new(&self.url)
    }
}

fn folder() -> Result<TempDir> {
    tempfile::tempdir().map_err(FixtureError::io("cannot make a folder for prometheus"))
}

/// JSON is YAML, and quotes the labels as they need.
fn replaying(replay: &Replay, interval: Duration, labels: &BTreeMap<String, String>) -> String {
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
