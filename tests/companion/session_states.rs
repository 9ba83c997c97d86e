//! Tests the states of a replica through two runs: each scrape stores the state that it saw.
use inferboard_tests::{Api, Companion, Play, Recording, Replay, Result, Served, now_ms};

/// Long enough for a scrape to be answered in time on a busy machine.
const INTERVAL: &str = "1s";
/// The number of scrapes in each phase.
const SCRAPES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn states_change_with_the_scrape_that_sees_the_change() -> Result<()> {
    let replay = Replay::start(Recording::vllm()?, Play::Live { speed: 20.0 }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", INTERVAL, "--target", &replay.url()]).await?;
    let starts_s = replay.two_runs(SCRAPES).await?;
    let (api, served) = (companion.api(), replay.served());

    let states = states(&api, &replay.instance()).await?;
    assert!(states.len() + 1 >= served.len(), "{} states for {} scrapes", states.len(), served.len());
    for ((_, state), expected) in states.iter().zip(expected(&served)) {
        assert_eq!(state, expected, "{states:?} for {served:?}");
    }

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

/// The state that each scrape must have stored.
fn expected(served: &[Served]) -> impl Iterator<Item = &'static str> {
    let mut has_run = false;
    served.iter().map(move |served| {
        has_run |= served.is_up;
        match (served.is_up, has_run) {
            (true, _) => "running",
            (false, true) => "stopped",
            (false, false) => "pending",
        }
    })
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
