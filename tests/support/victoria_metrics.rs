//! VictoriaMetrics as a process, to compare answers with.
use crate::{Api, FixtureError, Process, Result, peer};
use std::process::Command;
use tempfile::TempDir;

/// A running `victoria-metrics`; its data go with it.
#[derive(Debug)]
pub struct VictoriaMetrics {
    _process: Process,
    _folder: TempDir,
    url: String,
}

impl VictoriaMetrics {
    /// Starts it at a free port of loopback with the samples of a text in the Prometheus format with timestamps.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] where it is not installed; else when it does not come up or does not take the text.
    pub async fn holding(text: String) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot make a folder for victoria-metrics"))?;
        let mut command = Command::new("victoria-metrics");
        command.arg(format!("-storageDataPath={}", folder.path().display())).args([
            "-retentionPeriod=100y",
            "-search.disableCache",
            "-search.latencyOffset=0s",
        ]);
        let (process, url) = peer::start("victoria-metrics", command, "-httpListenAddr", "/health").await?;
        let own = Self { _process: process, _folder: folder, url };
        let client = reqwest::Client::new();
        let import = client.post(format!("{}/api/v1/import/prometheus", own.url)).body(text);
        import.send().await?.error_for_status()?;
        own.api().get("/internal/force_flush").await?.error_for_status()?;
        Ok(own)
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
