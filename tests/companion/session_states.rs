//! Tests the states of a replica through two runs: each scrape stores the state that it saw.
use inferboard_tests::{Api, Companion, Play, Recording, Replay, Result, now_ms};

/// Long enough for a scrape to be answered in time on a busy machine.
const INTERVAL: &str = "1s";
/// The number of scrapes in each phase.
const SCRAPES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn states_change_with_the_scrape_that_sees_the_change() -> Result<()> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: 20.0 }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", INTERVAL, "--target", &replay.url()]).await?;
    let api = companion.api();
    let starts_s = replay.two_runs(&api, SCRAPES).await?;
    let served = replay.served().len();

    let states = states(&api, &replay.instance()).await?;
    let mut phases: Vec<&str> = states.iter().map(|(_, state)| state.as_str()).collect();
    let running = phases.iter().filter(|state| **state == "running").count();
    // The last scrape may not be stored yet.
    assert!((served - 1..=served).contains(&running), "{states:?} for {served} pages");
    phases.dedup();
    assert_eq!(phases, ["pending", "running", "stopped", "running"], "{states:?}");

    assert_eq!(api.value("inferboard_replica_restarts_total{model=\"\"}", None).await?, 1.0);
    let ready = "inferboard_replica_ready_seconds{model=\"\"}";
    let is_first = |at: usize| at > 0 && states[at].1 == "running" && states[at - 1].1 != "running";
    let running = (0..states.len()).filter(|at| is_first(*at)).map(|at| states[at].0);
    for (running_ms, start_s) in running.zip(starts_s) {
        let ready_s = api.value(ready, Some(running_ms)).await?;
        let expected_s = running_ms as f64 / 1000.0 - start_s;
        assert!((ready_s - expected_s).abs() < 0.01, "ready after {ready_s} s, but {expected_s} s by the samples");
    }
    Ok(())
}

/// The stored states with their Unix milliseconds, sorted by time. Until its first metrics page names the model, the
/// replica has other labels.
async fn states(api: &Api, instance: &str) -> Result<Vec<(i64, String)>> {
    let query = format!("inferboard_replica_state{{instance=\"{instance}\"}}[5m]");
    let mut states = Vec::new();
    for series in api.samples(&query, Some(now_ms())).await? {
        let state = series.metric.get("state").cloned().unwrap_or_default();
        let current = series.samples.values.iter().filter(|(_, value)| value.0 == 1.0);
        states.extend(current.map(|(at_s, _)| ((at_s * 1000.0).round() as i64, state.clone())));
    }
    states.sort();
    Ok(states)
}
