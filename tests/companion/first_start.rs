//! Tests of a companion without configuration: it measures its host, and finds an engine that starts later.
use inferboard_tests::{Companion, Play, Recording, Replay, Result, skipped, until};
use std::time::Duration;

/// The ports that discovery searches. The test takes the first that is free.
const DEFAULT_PORTS: [u16; 3] = [8000, 30000, 8080];

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_measured_without_configuration() -> Result<()> {
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
async fn an_engine_on_a_default_port_is_found_without_a_restart() -> Result<()> {
    let companion = Companion::start(&[""; 0]).await?;
    let free = |port: &u16| Replay::start(Recording::vllm().ok()?, Play::Live { speed: 1.0 }, *port).ok();
    let Some(replay) = DEFAULT_PORTS.iter().find_map(free) else {
        skipped(format_args!("all default ports of engines are in use: {DEFAULT_PORTS:?}"));
        return Ok(());
    };
    let frames = Recording::vllm()?.frames().len();
    replay.turn_to(frames - 1);

    let api = companion.api();
    let port = replay.instance().rsplit(':').next().unwrap_or_default().to_owned();
    let query = format!("inferboard_replica_model{{model=\"tiny-llama\", instance=~\".*:{port}\"}}");
    let model = async || api.vector(&query, None).await;
    let series = until(&query, Duration::from_secs(60), model, |series| !series.is_empty()).await?;
    assert_eq!(series.len(), 1, "one series: {series:?}");
    assert_eq!(series[0].samples.value.1.0, 1.0, "{series:?}");

    // A discovered target remains a target after its process has ended.
    drop(replay);
    let query = format!("up{{instance=~\".*:{port}\"}}");
    let up = async || api.vector(&query, None).await;
    let down = until(&query, Duration::from_secs(60), up, |up| up.iter().any(|up| up.samples.value.1.0 == 0.0)).await?;
    assert_eq!(down.len(), 1, "{down:?}");
    Ok(())
}
