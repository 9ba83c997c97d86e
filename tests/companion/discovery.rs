//! Tests of the discovery of servers on this machine.
use crate::harness::{FakeTarget, status};
use server::scrape::fetch::Client;
use server::scrape::local_discovery::{LocalAddress, discover};
use server::scrape::scrapers::Scrapers;
use server::target::Pace;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Limits, Store};

#[tokio::test]
async fn an_engine_that_starts_later_becomes_a_target_and_is_not_searched_for_again() {
    let engine = FakeTarget::serving("sglang:token_usage{model_name=\"m\"} 0.5\n").await;
    let other = FakeTarget::serving("process_cpu_seconds_total 1\n").await;
    engine.set_behaviour(None);
    let addresses = [&engine, &other].map(|target| LocalAddress::new(target.address.port(), "/metrics"));
    let pool = Arc::new(Scrapers::new(Store::new(Limits::default()), Client::new(1 << 20).expect("a client")));
    let pace = Pace { interval: Duration::from_secs(3600), timeout: Duration::from_secs(1) };
    let (discovering, period) = (Arc::clone(&pool), Duration::from_millis(50));
    let task = tokio::spawn(async move { discover(discovering, &addresses, period, pace).await });
    let request_count = |target: &FakeTarget| target.requests.lock().expect("a lock").len();
    let wait_for_other = |count: usize| {
        let other = &other;
        async move {
            while request_count(other) < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    wait_for_other(3).await;
    assert!(!pool.has_instance(&engine.instance()));
    engine.set_behaviour(Some(crate::harness::metrics_page("sglang:token_usage{model_name=\"m\"} 0.5\n")));
    tokio::time::timeout(inferboard_tests::PATIENCE, async {
        while !pool.has_instance(&engine.instance()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the engine is found in time");
    // Discovery does not request the engine again. Its first scrape follows within a second, and with it a health
    // probe.
    let count_before = request_count(&engine);
    wait_for_other(request_count(&other) + 30).await;
    assert!(request_count(&engine) <= count_before + 2);
    assert!(!pool.has_instance(&other.instance()));
    task.abort();
}

#[tokio::test]
async fn a_server_without_a_metrics_page_is_asked_ever_more_rarely() {
    let (without, other) =
        (FakeTarget::start(status("404 Not Found")).await, FakeTarget::serving("process_cpu_seconds_total 1\n").await);
    let addresses = [&without, &other].map(|target| LocalAddress::new(target.address.port(), "/metrics"));
    let pool = Arc::new(Scrapers::new(Store::new(Limits::default()), Client::new(1 << 20).expect("a client")));
    let pace = Pace { interval: Duration::from_secs(3600), timeout: Duration::from_secs(1) };
    let task = tokio::spawn(async move { discover(pool, &addresses, Duration::from_millis(50), pace).await });
    other.wait_for("GET ", 60).await;
    // After pauses of 2, 4, 8, 16 and 32 periods.
    assert!((2..=7).contains(&without.count("GET ")), "{}", without.count("GET "));
    task.abort();
}
