//! A companion that was told nothing: it shows its host, and finds an engine that starts after it.
use inferboard_tests::{Companion, Play, Recording, Replay, Result, skipped, until};
use std::time::Duration;

/// Ports where engines are looked for, in the order in which this test tries to have one.
const USUAL_PORTS: [u16; 3] = [8000, 30000, 8080];

#[tokio::test(flavor = "multi_thread")]
async fn the_host_shows_within_seconds() -> Result<()> {
    let api = Companion::start(&["--no-discovery"]).await?;
    for (query, at_least) in [
        ("node_memory_MemTotal_bytes", 1e6),
        ("node_memory_MemAvailable_bytes", 1e6),
        ("sum(node_cpu_seconds_total{mode=\"idle\"})", 0.1),
        ("count(count by (cpu) (node_cpu_seconds_total))", 1.0),
        ("node_boot_time_seconds", 1e9),
    ] {
        let series = async || api.api().vector(query, None).await;
        let series = until(query, Duration::from_secs(60), series, |series| !series.is_empty()).await?;
        assert!(series.iter().all(|series| series.samples.value.1.0 >= at_least), "{query}: {series:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_at_a_usual_port_is_found_without_a_restart() -> Result<()> {
    let companion = Companion::start(&[""; 0]).await?;
    let free = |port: &u16| Replay::start(Recording::vllm().ok()?, Play::Live { speed: 1.0 }, *port).ok();
    let Some(replay) = USUAL_PORTS.iter().find_map(free) else {
        skipped(format_args!("the usual ports of engines are taken: {USUAL_PORTS:?}"));
        return Ok(());
    };
    let frames = Recording::vllm()?.frames().len();
    replay.turn_to(frames - 1);

    let api = companion.api();
    let port = replay.instance().rsplit(':').next().unwrap_or_default().to_owned();
    let query = format!("up{{model=\"tiny-llama\", instance=~\".*:{port}\"}}");
    let up = async || api.vector(&query, None).await;
    let found = until(&query, Duration::from_secs(60), up, |up| !up.is_empty()).await?;
    assert_eq!(found.len(), 1, "found once: {found:?}");
    assert_eq!(found[0].samples.value.1.0, 1.0, "{found:?}");

    // It was found, so it is a target, which does not go with the process behind it.
    drop(replay);
    let down = until(&query, Duration::from_secs(60), up, |up| up.iter().any(|up| up.samples.value.1.0 == 0.0)).await?;
    assert_eq!(down.len(), 1, "{down:?}");
    Ok(())
}
