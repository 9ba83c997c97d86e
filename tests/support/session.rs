//! A companion that starts with the recorded session in its history.
use crate::replay::shift_times;
use crate::{Companion, FixtureError, Play, Recording, Replay, Result};
use std::fmt::Write;
use std::fs;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Recorded seconds per second: nine minutes become 27 s, and the 5 s between two scrapes become [`INTERVAL`].
const SPEED: f64 = 20.0;
/// The scrape interval of the companion.
const INTERVAL: &str = "250ms";

/// A companion whose history contains the whole session, as if it had scraped it, and an engine that continues the
/// session as its target.
#[derive(Debug)]
pub struct Session {
    /// The companion.
    pub companion: Companion,
    /// The replayed engine.
    pub replay: Replay,
    folder: TempDir,
}

impl Session {
    /// Starts both.
    ///
    /// # Errors
    /// When the session cannot be imported, or the companion does not start.
    pub async fn start() -> Result<Self> {
        Self::configured("").await
    }

    /// Starts both, with additional lines at the beginning of the companion's configuration.
    ///
    /// # Errors
    /// When the session cannot be imported, or the companion does not start.
    pub async fn configured(configuration: &str) -> Result<Self> {
        let recording = Recording::vllm()?;
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for the session"))?;
        let length_ms = (recording.last_ms() - recording.first_ms()) as f64 / SPEED;
        let began = SystemTime::now() - Duration::from_secs_f64(length_ms / 1000.0);
        let replay = Replay::begun(recording.clone(), Play::Endless { speed: SPEED }, began)?;
        let dump = folder.path().join("session.txt");
        fs::write(&dump, history(&recording, began, &replay.instance()))
            .map_err(FixtureError::io("cannot write the session"))?;
        let data = folder.path().join("data");
        Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
        let text =
            format!("scrape_interval = \"{INTERVAL}\"\n{configuration}\n[[targets]]\nurl = {:?}\n", replay.url());
        fs::write(folder.path().join("inferboard.toml"), text)
            .map_err(FixtureError::io("cannot write the configuration"))?;
        let companion = Self::companion(&folder, 0).await?;
        Ok(Self { companion, replay, folder })
    }

    /// Stops the companion with SIGTERM, as a service manager does.
    ///
    /// # Errors
    /// When it does not exit in time.
    pub fn stop(self) -> Result<StoppedSession> {
        let Self { companion, replay, folder } = self;
        let port = companion.port();
        let status = companion.stop()?;
        assert!(status.success(), "the companion exited with {status}");
        Ok(StoppedSession { port, replay, folder })
    }

    async fn companion(folder: &TempDir, port: u16) -> Result<Companion> {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (config, data) = (path("inferboard.toml"), path("data"));
        Companion::start_at(port, &["--no-discovery", "--config", &config, "--data-dir", &data]).await
    }
}

/// A session whose companion is not running.
#[derive(Debug)]
pub struct StoppedSession {
    port: u16,
    replay: Replay,
    folder: TempDir,
}

impl StoppedSession {
    /// Starts the companion again on the same port.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(self) -> Result<Session> {
        let Self { port, replay, folder } = self;
        let companion = Session::companion(&folder, port).await?;
        Ok(Session { companion, replay, folder })
    }
}

/// The samples that a companion would store of the session, as OpenMetrics text with timestamps.
fn history(recording: &Recording, began: SystemTime, instance: &str) -> String {
    let began_s = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let first_s = recording.first_ms() as f64 / 1000.0;
    let replayed = |time_s: f64| began_s + (time_s - first_s) / SPEED;
    let target_labels = format!("job=\"vllm\",instance=\"{instance}\",replica=\"{instance}\",model=\"tiny-llama\"");
    let mut text = String::new();
    for frame in recording.frames() {
        let at_s = replayed(frame.at_ms as f64 / 1000.0);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "up{{{target_labels}}} {} {at_s:.3}", u8::from(frame.page.is_some()));
        let page = shift_times(frame.page.as_deref().unwrap_or_default(), replayed);
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
            let separator = if labels.is_empty() { "" } else { "," };
            let _ = writeln!(text, "{name}{{{labels}{separator}{target_labels}}} {value} {at_s:.3}");
        }
    }
    text.push_str("# EOF\n");
    text
}
