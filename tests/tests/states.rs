//! What a replica was doing through the recorded session: awaited, running, stopped, running, each for as long as it was.
use inferboard_tests::{Api, Companion, Play, Recording, Replay, Result, now_ms, until};
use std::time::Duration;

/// A twentieth of the session's time, so that its scrapes every 5 s are a quarter of a second apart.
const SPEED: f64 = 20.0;
/// The replay's clock begins when it sees its first request, a little after the scrape's time.
const SLACK_MS: f64 = 100.0;

#[tokio::test(flavor = "multi_thread")]
async fn states_last_as_long_as_they_did() -> Result<()> {
    let recording = Recording::vllm()?;
    let starts_ms = starts_ms(&recording);
    let span = Duration::from_millis((recording.last_ms() - recording.first_ms()).unsigned_abs()).div_f64(SPEED);
    let played = Played::of(&recording);
    assert_eq!(played.0.iter().map(|(is_up, _)| *is_up).collect::<Vec<_>>(), [false, true, false, true]);

    let replay = Replay::start(recording, Play::Live { speed: SPEED }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &replay.url()]).await?;
    let limit = Duration::from_secs(60);
    until("first scrape", limit, async || Ok(replay.scrapes()), |scrapes| *scrapes > 0).await?;
    tokio::time::sleep(span + Duration::from_secs(1)).await;

    let told = told(&companion.api(), &replay.instance()).await?;
    let began_ms = told.first().map_or(0.0, |(at_ms, _)| *at_ms);
    let mut changes: Vec<(&str, f64, f64)> = Vec::new();
    let mut last_ms = began_ms;
    for (at_ms, state) in &told {
        if changes.last().is_none_or(|(known, ..)| known != state) {
            changes.push((state, last_ms, *at_ms));
        }
        last_ms = *at_ms;
    }
    let states: Vec<&str> = changes.iter().map(|(state, ..)| *state).collect();
    assert_eq!(states, ["pending", "running", "stopped", "running"]);
    for ((_, change_ms), (state, before_ms, after_ms)) in played.0.iter().zip(&changes) {
        // From one scrape to the next: the one before the change saw the state before it.
        let within = (before_ms - began_ms - SLACK_MS)..=(after_ms - began_ms + SLACK_MS);
        assert!(within.contains(change_ms), "{state}: {change_ms} is not in {within:?}");
    }

    let api = companion.api();
    assert_eq!(api.value("inferboard_replica_restarts_total{model=\"tiny-llama\"}", None).await?, 1.0);
    let ready = "inferboard_replica_ready_seconds{model=\"tiny-llama\"}";
    for ((_, _, running_ms), start_ms) in changes.iter().filter(|(state, ..)| *state == "running").zip(starts_ms) {
        let played_s = (running_ms - began_ms - start_ms) / 1000.0;
        let told_s = api.value(ready, Some(*running_ms as i64)).await?;
        assert!((told_s - played_s).abs() <= SLACK_MS / 1000.0, "ready after {told_s} s, played in {played_s} s");
    }
    Ok(())
}

/// When the recording goes down and up, milliseconds of the play, the first at its beginning.
struct Played(Vec<(bool, f64)>);

impl Played {
    fn of(recording: &Recording) -> Self {
        let mut changes: Vec<(bool, f64)> = Vec::new();
        for frame in recording.frames() {
            let is_up = frame.page.is_some();
            if changes.last().is_none_or(|(known, _)| *known != is_up) {
                changes.push((is_up, (frame.at_ms - recording.first_ms()) as f64 / SPEED));
            }
        }
        Self(changes)
    }
}

/// When its processes started, milliseconds of the play.
fn starts_ms(recording: &Recording) -> Vec<f64> {
    let samples = recording.samples();
    let starts = samples.iter().filter(|(series, _)| series.label("__name__") == "process_start_time_seconds");
    let mut starts: Vec<f64> = starts
        .flat_map(|(_, points)| {
            points.iter().map(|(_, start_s)| (start_s * 1000.0 - recording.first_ms() as f64) / SPEED)
        })
        .collect();
    starts.dedup();
    starts
}

/// The states that were told, each with its time in Unix milliseconds, in order of time. Until its first page has named
/// its model the replica has other labels.
async fn told(api: &Api, instance: &str) -> Result<Vec<(f64, String)>> {
    let query = format!("inferboard_replica_state{{instance=\"{instance}\"}}[5m]");
    let mut told = Vec::new();
    for series in api.samples(&query, Some(now_ms())).await? {
        let state = series.metric.get("state").cloned().unwrap_or_default();
        let current = series.samples.values.iter().filter(|(_, value)| value.0 == 1.0);
        told.extend(current.map(|(at_s, _)| (at_s * 1000.0, state.clone())));
    }
    told.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(told)
}
