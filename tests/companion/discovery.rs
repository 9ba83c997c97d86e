//! Servers found on this machine.
use crate::harness::FakeTarget;
use server::scrape::fetch::Client;
use server::scrape::local_discovery::{LocalAddress, discover};
use server::scrape::scrapers::Scrapers;
use server::target::Pace;
use std::sync::Arc;
use std::time::Duration;
use tsdb::{Limits, Store};

#[tokio::test]
async fn an_engine_that_starts_later_becomes_a_target_and_is_looked_for_no_more() {
    let engine = FakeTarget::serving("sglang:token_usage{model_name=\"m\"} 0.5\n").await;
    let other = FakeTarget::serving("process_cpu_seconds_total 1\n").await;
    engine.set_behaviour(None);
    let addresses = [&engine, &other].map(|target| LocalAddress::new(target.address.port(), "/metrics"));
    let pool = Arc::new(Scrapers::new(Store::new(Limits::default()), Client::new(1 << 20).expect("a client")));
    let pace = Pace { interval: Duration::from_secs(3600), timeout: Duration::from_secs(1) };
    let (looking, period) = (Arc::clone(&pool), Duration::from_millis(50));
    let task = tokio::spawn(async move { discover(looking, &addresses, period, pace).await });
    let seen = |target: &FakeTarget| target.requests.lock().expect("a lock").len();
    let settled = |least: usize| {
        let other = &other;
        async move {
            while seen(other) < least {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    };
    settled(3).await;
    assert!(!pool.has_instance(&engine.instance()));
    engine.set_behaviour(Some(crate::harness::metrics_page("sglang:token_usage{model_name=\"m\"} 0.5\n")));
    tokio::time::timeout(inferboard_tests::PATIENCE, async {
        while !pool.has_instance(&engine.instance()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("found");
    // One look that found it was the last; the pool's own first scrape follows within a second, and with it a
    // question for its health.
    let looked = seen(&engine);
    settled(seen(&other) + 30).await;
    assert!(seen(&engine) <= looked + 2);
    assert!(!pool.has_instance(&other.instance()));
    task.abort();
}
