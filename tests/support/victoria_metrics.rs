//! VictoriaMetrics as a process, whose results are compared with those of the companion.
use crate::{Api, FixtureError, Process, Result, peer};
use std::process::Command;
use tempfile::TempDir;

/// A running `victoria-metrics`; dropping it deletes its data.
#[derive(Debug)]
pub struct VictoriaMetrics {
    _process: Process,
    _folder: TempDir,
    url: String,
}

impl VictoriaMetrics {
    /// Starts VictoriaMetrics on a free port of loopback with the samples of Prometheus text with timestamps.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if it is not installed; other errors if it does not start or rejects the text.
    pub async fn holding(text: String) -> Result<Self> {
        let server = Self::start().await?;
        server.import(text).await?;
        Ok(server)
    }

    /// Starts VictoriaMetrics on a free port of loopback without samples.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] if it is not installed; other errors if it does not start.
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for victoria-metrics"))?;
        let mut command = Command::new("victoria-metrics");
        command.arg(format!("-storageDataPath={}", folder.path().display())).args([
            "-retentionPeriod=100y",
            "-search.disableCache",
            "-search.latencyOffset=0s",
        ]);
        let (process, url) = peer::start("victoria-metrics", command, "-httpListenAddr", "/health").await?;
        Ok(Self { _process: process, _folder: folder, url })
    }

    /// Adds the samples of Prometheus text with timestamps.
    ///
    /// # Errors
    /// When it rejects the text.
    pub async fn import(&self, text: String) -> Result<()> {
        let client = reqwest::Client::new();
        let import = client.post(format!("{}/api/v1/import/prometheus", self.url)).body(text);
        import.send().await?.error_for_status()?;
        self.api().get("/internal/force_flush").await?.error_for_status()?;
        Ok(())
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
