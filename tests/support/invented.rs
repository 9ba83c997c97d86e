//! An invented fleet in a data directory: many replicas that start, fail, restart and stop, as one engine cannot show.
use crate::{Companion, FixtureError, Result, now_ms};
use std::{fmt::Write, fs};
use tempfile::TempDir;

/// Between two samples: what the page assumes where it has not seen scrapes.
const INTERVAL_MS: i64 = 15_000;
/// Samples of each series: ten minutes.
const SAMPLES: i64 = 41;

/// The history of a fleet; its folder goes when it goes.
#[derive(Debug)]
pub struct InventedFleet {
    folder: TempDir,
    start_ms: i64,
}

impl InventedFleet {
    /// Writes the last ten minutes of so many replicas.
    ///
    /// # Errors
    /// When they cannot be imported.
    pub fn new(replicas: usize) -> Result<Self> {
        Self::spread(replicas, &[])
    }

    /// As [`InventedFleet::new`], the replicas in turn in each of these places: environment and deployment.
    ///
    /// # Errors
    /// When they cannot be imported.
    pub fn spread(replicas: usize, places: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(FixtureError::io("cannot make a folder for the fleet"))?;
        let start_ms = (now_ms() / INTERVAL_MS - SAMPLES) * INTERVAL_MS;
        let dump = folder.path().join("fleet.txt");
        fs::write(&dump, history(replicas, places, start_ms)).map_err(FixtureError::io("cannot write the fleet"))?;
        let data = folder.path().join("data");
        Companion::printed(&["import".as_ref(), dump.as_os_str(), "--data-dir".as_ref(), data.as_os_str()])?;
        Ok(Self { folder, start_ms })
    }

    /// Arguments for a companion that has this history and scrapes nothing else.
    pub fn arguments(&self) -> [String; 3] {
        let data = self.folder.path().join("data");
        ["--no-discovery".into(), "--data-dir".into(), data.display().to_string()]
    }

    /// As [`InventedFleet::arguments`], with a configuration file of this text.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configured(&self, configuration: &str) -> Result<[String; 5]> {
        let file = self.folder.path().join("inferboard.toml");
        fs::write(&file, configuration).map_err(FixtureError::io("cannot write the configuration"))?;
        let [no_discovery, data_dir, data] = self.arguments();
        Ok([no_discovery, data_dir, data, "--config".into(), file.display().to_string()])
    }

    /// When its last samples are, Unix milliseconds.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + (SAMPLES - 1) * INTERVAL_MS
    }

    /// The part of a page's address that shows all of it.
    pub fn range(&self) -> String {
        format!("from={}&to={}", self.start_ms, self.end_ms())
    }
}

/// What the replica of a number is doing at a sample.
fn state(replica: usize, sample: i64) -> &'static str {
    let own = replica as i64;
    // A third is there from the beginning; the others come one after the other.
    let began = if own % 3 == 0 { -100 } else { own % 17 };
    match sample - began {
        ..0 => "pending",
        0..3 => "pulling",
        3..6 => "downloading",
        6..9 => "initializing",
        _ if own % 7 == 0 && (20..22).contains(&sample) => "failed",
        _ if own % 7 == 0 && (22..26).contains(&sample) => "initializing",
        _ if own % 25 == 24 && sample > 34 => "stopped",
        _ if own % 40 == 39 && sample > 37 => "failed",
        _ => "running",
    }
}

/// OpenMetrics text with times.
fn history(replicas: usize, places: &[(&str, &str)], start_ms: i64) -> String {
    let states = ["pending", "pulling", "downloading", "initializing", "running", "failed", "stopped"];
    let mut text = String::new();
    for replica in 0..replicas {
        let place = places.get(replica % places.len().max(1));
        let place = place
            .map(|(environment, deployment)| format!("environment=\"{environment}\",deployment=\"{deployment}\","));
        let own = format!(
            "{place}model=\"llama\",replica=\"llama-7d9fc-{replica:03}\",instance=\"10.0.{}.{}:8000\"",
            replica / 250,
            replica % 250,
            place = place.unwrap_or_default()
        );
        let mut series = |name: &str, more: &str, value: &dyn Fn(i64) -> Option<f64>| {
            for (sample, value) in (0..SAMPLES).filter_map(|sample| Some((sample, value(sample)?))) {
                let time_s = (start_ms + sample * INTERVAL_MS) / 1000;
                // Text in memory takes whatever is written.
                let _ = writeln!(text, "{name}{{{own}{more}}} {value} {time_s}");
            }
        };
        for told in states.into_iter().filter(|told| (0..SAMPLES).any(|sample| state(replica, sample) == *told)) {
            let value = |sample| Some(f64::from(u8::from(state(replica, sample) == told)));
            series("inferboard_replica_state", &format!(",state=\"{told}\""), &value);
        }
        let runs = |sample| state(replica, sample) == "running";
        let is_first = |sample: &i64| replica % 7 == 0 && *sample >= 22;
        series("inferboard_replica_restarts_total", ",reason=\"OOMKilled\"", &|sample| {
            Some(f64::from(u8::from(is_first(&sample))))
        });
        series("up", "", &|sample| Some(f64::from(u8::from(runs(sample)))));
        let load = |sample: i64| (10.0 + 8.0 * ((sample as f64 / 6.0) + replica as f64).sin()).round();
        series("vllm:num_requests_running", "", &|sample| runs(sample).then(|| load(sample)));
        series("vllm:num_requests_waiting", "", &|sample| runs(sample).then(|| (load(sample) - 12.0).max(0.0)));
        series("inferboard_engine_info", ",engine=\"vllm\",version=\"0.32.0\"", &|sample| runs(sample).then_some(1.0));
        series(
            "container_memory_working_set_bytes",
            &format!(",pod=\"llama-7d9fc-{replica:03}\",container=\"engine\""),
            &|sample| runs(sample).then(|| 2e10 + 4e8 * load(sample) + 1e8 * replica as f64),
        );
    }
    text.push_str("# EOF\n");
    text
}
