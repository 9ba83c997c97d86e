//! Remote write to Prometheus and VictoriaMetrics: they have the same totals as the companion.
use super::{configuration, counting_target, end_targets, flags, own, wait_for_scrapes};
use crate::harness::{Companion, scratch_file};
use inferboard_tests::{Api, FixtureError, PATIENCE, Prometheus, VictoriaMetrics, skipped, until};

/// Sends to `url`, and compares the totals at `peer` with those here.
async fn compare(url: &str, keys: &str, peer: &Api) {
    let target = counting_target(50).await;
    let config = scratch_file(&configuration(url, keys, ""));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    wait_for_scrapes(&companion, &target, 8).await;
    end_targets(&companion, &config).await;
    let ours = Api::new(format!("http://{}", companion.address));
    let instance = target.instance();
    for selector in ["up", "load", "depth_seconds_bucket", "depth_seconds_sum", "inferboard_replica_state"] {
        for function in ["count", "sum", "min", "max"] {
            let query = format!("sum({function}_over_time({selector}{{instance=\"{instance}\"}}[1h]))");
            let both = async || Ok((ours.value(&query, None).await?, peer.value(&query, None).await?));
            let is_same = |(ours, theirs): &(f64, f64)| (ours - theirs).abs() <= 1e-9 * ours.abs();
            until(&query, PATIENCE, both, is_same).await.expect("the same totals");
        }
        // Stale markers have arrived: what has ended here has ended there.
        let query = format!("count({selector}{{instance=\"{instance}\"}}) or vector(0)");
        let ended = async || peer.value(&query, None).await;
        until(&query, PATIENCE, ended, |count| *count == 0.0).await.expect("an end");
    }
    assert_eq!(own(&companion, "samples_failed_total").await, 0.0);
    companion.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_has_the_same_totals() {
    let prometheus = match Prometheus::receiving().await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so remote write cannot be tried with it"));
            return;
        }
        started => started.expect("it starts"),
    };
    compare(&format!("{}/api/v1/write", prometheus.url()), "", &prometheus.api()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn victoria_metrics_has_the_same_totals() {
    let victoria_metrics = match VictoriaMetrics::start().await {
        Err(FixtureError::Absent(program)) => {
            skipped(format_args!("{program} is not installed, so remote write cannot be tried with it"));
            return;
        }
        started => started.expect("it starts"),
    };
    compare(&format!("{}/api/v1/write", victoria_metrics.url()), "", &victoria_metrics.api()).await;
}
