//! The history of a generated fleet: many replicas that start, fail, restart and stop.
use crate::{Companion, FixtureError, Result, now_ms};
use std::fmt::Write;
use std::fs;
use tempfile::TempDir;

/// The distance of samples; the page assumes the same interval when it does not know the scrapes.
const INTERVAL_MS: i64 = 15_000;
/// Samples of each series, which cover ten minutes.
const SAMPLES: i64 = 41;

/// The history of a fleet in a data directory, which is deleted on drop.
#[derive(Debug)]
pub struct InventedFleet {
    folder: TempDir,
    start_ms: i64,
}

impl InventedFleet {
    /// Writes the last ten minutes of `replicas` replicas.
    ///
    /// # Errors
    /// When the history cannot be imported.
    pub fn new(replicas: usize) -> Result<Self> {
        Self::spread(replicas, &[])
    }

    /// Like [`InventedFleet::new`], but assigns the replicas in turn to these environments and deployments.
    ///
    /// # Errors
    /// When the history cannot be imported.
    pub fn spread(replicas: usize, scopes: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for the fleet"))?;
        let start_ms = (now_ms() / INTERVAL_MS - SAMPLES) * INTERVAL_MS;
        let dump = folder.path().join("fleet.txt");
        fs::write(&dump, history(replicas, scopes, start_ms)).map_err(FixtureError::io("cannot write the fleet"))?;
        let data = folder.path().join("data");
        Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
        Ok(Self { folder, start_ms })
    }

    /// Arguments for a companion that has this history and no targets.
    pub fn arguments(&self) -> [String; 3] {
        let data = self.folder.path().join("data");
        ["--no-discovery".into(), "--data-dir".into(), data.display().to_string()]
    }

    /// Like [`InventedFleet::arguments`], with this configuration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configured(&self, configuration: &str) -> Result<[String; 5]> {
        let file = self.folder.path().join("inferboard.toml");
        fs::write(&file, configuration).map_err(FixtureError::io("cannot write the configuration"))?;
        let [no_discovery, data_dir, data] = self.arguments();
        Ok([no_discovery, data_dir, data, "--config".into(), file.display().to_string()])
    }

    /// The time of the last samples, in Unix milliseconds.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + (SAMPLES - 1) * INTERVAL_MS
    }

    /// The query parameters that make the page show the whole history.
    pub fn range(&self) -> String {
        format!("from={}&to={}", self.start_ms, self.end_ms())
    }
}

/// The state of a replica at a sample.
fn state(replica: usize, sample: i64) -> &'static str {
    let number = replica as i64;
    // A third of the replicas exist from the beginning; the others are created one after another.
    let began = if number % 3 == 0 { -100 } else { number % 17 };
    match sample - began {
        ..0 => "pending",
        0..3 => "pulling",
        3..6 => "downloading",
        6..9 => "initializing",
        _ if number % 7 == 0 && (20..22).contains(&sample) => "failed",
        _ if number % 7 == 0 && (22..26).contains(&sample) => "initializing",
        _ if number % 25 == 24 && sample > 34 => "stopped",
        _ if number % 40 == 39 && sample > 37 => "failed",
        _ => "running",
    }
}

/// The history as OpenMetrics text with timestamps.
fn history(replicas: usize, scopes: &[(&str, &str)], start_ms: i64) -> String {
    let states = ["pending", "pulling", "downloading", "initializing", "running", "failed", "stopped"];
    let mut text = String::new();
    for replica in 0..replicas {
        let scope = scopes.get(replica % scopes.len().max(1));
        let scope = scope
            .map(|(environment, deployment)| format!("environment=\"{environment}\",deployment=\"{deployment}\","));
        let labels = format!(
            "{scope}model=\"llama\",replica=\"llama-7d9fc-{replica:03}\",instance=\"10.0.{}.{}:8000\"",
            replica / 250,
            replica % 250,
            scope = scope.unwrap_or_default()
        );
        let mut series = |name: &str, extra: &str, value: &dyn Fn(i64) -> Option<f64>| {
            for (sample, value) in (0..SAMPLES).filter_map(|sample| Some((sample, value(sample)?))) {
                let time_s = (start_ms + sample * INTERVAL_MS) / 1000;
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{name}{{{labels}{extra}}} {value} {time_s}");
            }
        };
        for name in states.into_iter().filter(|name| (0..SAMPLES).any(|sample| state(replica, sample) == *name)) {
            let value = |sample| Some(f64::from(u8::from(state(replica, sample) == name)));
            series("inferboard_replica_state", &format!(",state=\"{name}\""), &value);
        }
        let is_running = |sample| state(replica, sample) == "running";
        let has_restarted = |sample: &i64| replica % 7 == 0 && *sample >= 22;
        series("inferboard_replica_restarts_total", ",reason=\"OOMKilled\"", &|sample| {
            Some(f64::from(u8::from(has_restarted(&sample))))
        });
        series("up", "", &|sample| Some(f64::from(u8::from(is_running(sample)))));
        let load = |sample: i64| (10.0 + 8.0 * ((sample as f64 / 6.0) + replica as f64).sin()).round();
        series("vllm:num_requests_running", "", &|sample| is_running(sample).then(|| load(sample)));
        series("vllm:num_requests_waiting", "", &|sample| is_running(sample).then(|| (load(sample) - 12.0).max(0.0)));
        series("inferboard_engine_info", ",engine=\"vllm\",version=\"0.32.0\"", &|sample| {
            is_running(sample).then_some(1.0)
        });
        series(
            "container_memory_working_set_bytes",
            &format!(",pod=\"llama-7d9fc-{replica:03}\",container=\"engine\""),
            &|sample| is_running(sample).then(|| 2e10 + 4e8 * load(sample) + 1e8 * replica as f64),
        );
    }
    text.push_str("# EOF\n");
    text
}
