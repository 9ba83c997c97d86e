//! The recorded session as the history of a companion: it has been played when the companion starts.
use crate::{Companion, FixtureError, Play, Recording, Replay, Result, replay::moved};
use std::{
    fmt::Write,
    fs,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// Recorded seconds in a second: nine minutes become 27 seconds, and the 5 s between two scrapes become [`INTERVAL`].
const SPEED: f64 = 20.0;
/// The interval at which the companion scrapes.
const INTERVAL: &str = "250ms";

/// A companion that has the whole session in its history, as if it had scraped it, and scrapes the engine, which goes on.
#[derive(Debug)]
pub struct Session {
    /// The companion.
    pub companion: Companion,
    /// The engine.
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

    /// Starts both, with these lines at the beginning of the companion's configuration.
    ///
    /// # Errors
    /// When the session cannot be imported, or the companion does not start.
    pub async fn configured(configuration: &str) -> Result<Self> {
        let recording = Recording::vllm()?;
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot make a folder for the session"))?;
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

    /// Ends the companion as a service manager would.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn stop(self) -> Result<StoppedSession> {
        let Self { companion, replay, folder } = self;
        let port = companion.port();
        let status = companion.stop()?;
        assert!(status.success(), "the companion ended with {status}");
        Ok(StoppedSession { port, replay, folder })
    }

    async fn companion(folder: &TempDir, port: u16) -> Result<Companion> {
        let at = |name: &str| folder.path().join(name).display().to_string();
        let (config, data) = (at("inferboard.toml"), at("data"));
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
    /// Starts the companion again, at the same address.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(self) -> Result<Session> {
        let Self { port, replay, folder } = self;
        let companion = Session::companion(&folder, port).await?;
        Ok(Session { companion, replay, folder })
    }
}

/// What a companion stores of the session, in OpenMetrics text with timestamps.
fn history(recording: &Recording, began: SystemTime, instance: &str) -> String {
    let began_s = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let first_s = recording.first_ms() as f64 / 1000.0;
    let played = |time_s: f64| began_s + (time_s - first_s) / SPEED;
    let own = format!("job=\"vllm\",instance=\"{instance}\",replica=\"{instance}\",model=\"tiny-llama\"");
    let mut text = String::new();
    for frame in recording.frames() {
        let at_s = played(frame.at_ms as f64 / 1000.0);
        // Text in memory takes whatever is written.
        let _ = writeln!(text, "up{{{own}}} {} {at_s:.3}", u8::from(frame.page.is_some()));
        let page = moved(frame.page.as_deref().unwrap_or_default(), played);
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
            let separator = if labels.is_empty() { "" } else { "," };
            let _ = writeln!(text, "{name}{{{labels}{separator}{own}}} {value} {at_s:.3}");
        }
    }
    text.push_str("# EOF\n");
    text
}
