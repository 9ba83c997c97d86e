//! Tests of remote write: what the companion stores arrives at receivers that are well, away, slow or refuse, and what does
//! not arrive is counted.
mod answers;
mod messages;
mod peers;
mod receiver;

use crate::harness::{self, Companion, FakeTarget, INTERVAL, args, metrics_page, scratch_file};
use crate::program::Program;
use inferboard_tests::PATIENCE;
use messages::Family;
use receiver::{Receiver, Reply, Samples};
use serde_json::Value;
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A stale marker. Source: `model/value/value.go` of Prometheus.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// A target with so many series whose values differ with each scrape.
async fn counting_target(series: usize) -> FakeTarget {
    let scrapes = Arc::new(AtomicU64::new(0));
    FakeTarget::start(Arc::new(move |head, stream| {
        let number = scrapes.fetch_add(1, Ordering::SeqCst) + 1;
        // Values without a pattern, which no encoding makes small.
        let value = |n: u64| (number * 1_000_003 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) as f64 / 3.0;
        let lines: String =
            (0..series as u64).map(|n| format!("load{{n=\"{n}\",text=\"ä \\\"{n}\\\"\"}} {}\n", value(n))).collect();
        let fixed = "# HELP depth_seconds How deep.\n# TYPE depth_seconds histogram\n\
            depth_seconds_bucket{le=\"1\"} 2\ndepth_seconds_bucket{le=\"+Inf\"} 3\ndepth_seconds_sum 4.5\n\
            depth_seconds_count 3\nempty NaN\nendless +Inf\n";
        metrics_page(&format!("{fixed}{lines}"))(head, stream)
    }))
    .await
}

/// The configuration of a companion that sends to `url` at once.
fn configuration(url: &str, keys: &str, queue: &str) -> String {
    format!(
        "[[remote_write]]\nurl = \"{url}\"\nname = \"test\"\n{keys}\n\
         queue_config = {{ batch_send_deadline = \"100ms\", max_backoff = \"200ms\"{queue} }}\n"
    )
}

/// Flags for a companion with this configuration that scrapes `target`, in memory or in a folder.
fn flags(configuration: &Path, target: &FakeTarget, folder: Option<&Path>) -> ServeArgs {
    ServeArgs {
        config: Some(configuration.to_owned()),
        in_memory: folder.is_none(),
        data_dir: folder.map(Path::to_owned),
        ..args(&[&target.url()])
    }
}

/// Ends the scraping of all targets.
async fn end_targets(companion: &Companion, configuration: &Path) {
    let args = ServeArgs { config: Some(configuration.to_owned()), ..args(&[]) };
    let settings = Settings::load(&args).expect("settings");
    companion.reloads.send(settings.targets).await.expect("a companion");
}

/// The samples in the answer to a query for a range.
fn samples_of(series: &[Value]) -> Samples {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut all = Samples::new();
    for series in series {
        let labels = series["metric"].as_object().expect("labels");
        let mut labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        labels.sort();
        let samples = series["values"].as_array().expect("samples").iter().map(|sample| {
            let time_ms = (sample[0].as_f64().expect("a time") * 1000.0).round() as i64;
            (time_ms, bits(text(&sample[1]).parse().expect("a value")))
        });
        all.insert(labels.join(","), samples.collect());
    }
    all
}

/// The bits of a value, with one form for all that are not a number.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// What the companion has stored of the series that `matchers` select.
async fn stored(companion: &Companion, matchers: &str) -> Samples {
    let answer = companion.query(&format!("{{__name__=~\".+\"{matchers}}}[1h]")).await;
    samples_of(answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{answer}")))
}

/// The samples of the series with this label, without stale markers. Checks that each arrived once and in order.
fn received(receiver: &Samples, label: &str) -> Samples {
    let mut all = Samples::new();
    for (labels, samples) in receiver.iter().filter(|(labels, _)| labels.contains(label)) {
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0), "{labels}: {samples:?}");
        let own = samples.iter().filter(|(_, value)| *value != STALE);
        let own: Vec<_> = own.map(|(time, value)| (*time, bits(f64::from_bits(*value)))).collect();
        if !own.is_empty() {
            all.insert(labels.clone(), own);
        }
    }
    all
}

/// Waits until the receiver has all that the companion has stored of `target`, and nothing else of it.
async fn wait_until_equal(companion: &Companion, target: &FakeTarget, accepted: impl Fn() -> Samples) {
    let (label, began) = (format!("instance={}", target.instance()), Instant::now());
    let matchers = format!(",instance=\"{}\"", target.instance());
    loop {
        let (theirs, ours) = (received(&accepted(), &label), stored(companion, &matchers).await);
        if theirs == ours && !ours.is_empty() {
            return;
        }
        let difference = ours.iter().find(|(labels, samples)| theirs.get(*labels) != Some(*samples));
        let theirs = difference.and_then(|(labels, _)| theirs.get(labels));
        assert!(began.elapsed() < PATIENCE, "stored: {difference:?}\nreceived: {theirs:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The sum of an own metric of the companion, as it says it now.
async fn own(companion: &Companion, metric: &str) -> f64 {
    let values = companion.values(&format!("inferboard_remote_write_{metric}{{remote_name=\"test\"}}"), &[]).await;
    values.first().and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

/// Waits until so many scrapes of the target are stored.
async fn wait_for_scrapes(companion: &Companion, target: &FakeTarget, count: usize) {
    let query = format!("count_over_time(up{{instance=\"{}\"}}[1h]) >= bool {count}", target.instance());
    companion.wait_for(&query, &[], &["1"]).await;
}

async fn everything_arrives(keys: &str, folder: Option<&Path>) -> Receiver {
    let (receiver, target) = (Receiver::start().await, counting_target(20).await);
    let config = scratch_file(&configuration(&receiver.url(), keys, ", max_samples_per_send = 30"));
    let companion = Companion::start(&flags(&config, &target, folder)).await;
    wait_for_scrapes(&companion, &target, 3).await;
    target.set_behaviour(Some(metrics_page("load{n=\"0\",text=\"ä \\\"0\\\"\"} 7\n")));
    let ended = |samples: &Samples| {
        let ended = samples.iter().find(|(labels, _)| labels.contains("__name__=load,") && labels.contains("n=5,"));
        ended.and_then(|(_, samples)| samples.last()).is_some_and(|(_, value)| *value == STALE)
    };
    receiver.wait_until("a stale marker of a series that is gone", ended).await;
    end_targets(&companion, &config).await;
    wait_until_equal(&companion, &target, || receiver.accepted()).await;
    // All series of the target have ended there too.
    let label = format!("instance={}", target.instance());
    let has_ended = |samples: &Samples| {
        let mut own = samples.iter().filter(|(labels, _)| labels.contains(&label));
        own.all(|(_, samples)| samples.last().is_some_and(|(_, value)| *value == STALE))
    };
    receiver.wait_until("stale markers of all series", has_ended).await;
    receiver
        .wait_until("own series", |samples| samples.keys().any(|labels| labels.contains("inferboard_build_info")))
        .await;
    let sent = receiver.requests().iter().map(receiver::Request::samples).sum::<usize>();
    companion.wait_for(&format!("inferboard_remote_write_samples_sent_total > bool {}", sent - 1), &[], &["1"]).await;
    assert_eq!(own(&companion, "samples_failed_total").await, 0.0);
    assert_eq!(own(&companion, "samples_dropped_total").await, 0.0);
    companion.stop().await;
    receiver
}

#[tokio::test]
async fn the_first_version_arrives_whole_with_metadata() {
    let receiver = everything_arrives("", None).await;
    let requests = receiver.requests();
    for request in &requests {
        assert!(request.head.starts_with("post /api/v1/write http/1.1"), "{}", request.head);
        for header in [
            "content-type: application/x-protobuf\r\n",
            "content-encoding: snappy\r\n",
            "x-prometheus-remote-write-version: 0.1.0\r\n",
            "user-agent: inferboard/",
        ] {
            assert!(request.head.contains(header), "{header}: {}", request.head);
        }
        // A row is not divided, so a request may hold fewer.
        assert!(request.samples() <= 30, "{}", request.samples());
    }
    let families: Vec<_> = requests.iter().flat_map(|request| &request.message.families).collect();
    let expected = Family { kind: 3, help: "How deep.".into(), unit: String::new() };
    assert!(families.iter().any(|(name, family)| *name == "depth_seconds" && **family == expected), "{families:?}");
}

#[tokio::test]
async fn the_second_version_arrives_whole_with_metadata() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = "protobuf_message = \"io.prometheus.write.v2.Request\"";
    let receiver = everything_arrives(keys, Some(&folder.path().join("data"))).await;
    let requests = receiver.requests();
    for request in &requests {
        assert!(request.head.contains("content-type: application/x-protobuf;proto=io.prometheus.write.v2.request\r\n"));
        assert!(request.head.contains("x-prometheus-remote-write-version: 2.0.0\r\n"), "{}", request.head);
    }
    let series: Vec<_> = requests.iter().flat_map(|request| &request.message.series).collect();
    let expected = Family { kind: 3, help: "How deep.".into(), unit: String::new() };
    for name in ["depth_seconds_bucket", "depth_seconds_sum"] {
        let label = ("__name__".to_owned(), name.to_owned());
        let has_metadata = |series: &&messages::Series| series.labels.contains(&label);
        let last = series.iter().copied().rfind(has_metadata).expect(name);
        assert_eq!(last.metadata.as_ref(), Some(&expected), "{name}");
    }
}

#[tokio::test]
async fn credentials_headers_and_external_labels_are_sent() {
    let (receiver, target) = (Receiver::start().await, counting_target(1).await);
    let keys = "basic_auth = { username = \"u\", password = \"p\" }\nexternal_labels = { node = \"n1\", job = \"other\" }\n\
        http_headers = { X-Scope-OrgID = { values = [\"team-a\"] } }";
    let config = scratch_file(&configuration(&receiver.url(), keys, ""));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    receiver.wait_until("samples", |samples| samples.keys().any(|labels| labels.contains("__name__=load,"))).await;
    for request in receiver.requests() {
        assert!(request.head.contains("authorization: basic dtpw\r\n"), "{}", request.head);
        assert!(request.head.contains("x-scope-orgid: team-a\r\n"), "{}", request.head);
    }
    for labels in receiver.accepted().keys() {
        assert!(labels.contains("node=n1"), "{labels}");
        assert!(!labels.contains("job=other") || !labels.contains("instance="), "{labels}: its own job stays");
    }
    companion.stop().await;
}

#[tokio::test]
async fn a_receiver_that_was_away_gets_everything() {
    for folder in [None, Some(tempfile::tempdir().expect("a folder"))] {
        let data = folder.as_ref().map(|folder| folder.path().join("data"));
        let (receiver, target) = (Receiver::start().await, counting_target(20).await);
        let config = scratch_file(&configuration(&receiver.url(), "", ""));
        let companion = Companion::start(&flags(&config, &target, data.as_deref())).await;
        receiver.wait_until("samples", |samples| samples.keys().any(|labels| labels.contains("__name__=load,"))).await;
        let (address, before) = receiver.stop().await;
        wait_for_scrapes(&companion, &target, 6).await;
        companion.wait_for("inferboard_remote_write_samples_pending > bool 0", &[], &["1"]).await;
        companion.wait_for("inferboard_remote_write_samples_retried_total > bool 0", &[], &["1"]).await;
        let receiver = Receiver::at(address, Arc::new(|_, _| Reply::status(200))).await;
        end_targets(&companion, &config).await;
        wait_until_equal(&companion, &target, || joined(&before, &receiver.accepted())).await;
        assert_eq!(own(&companion, "samples_dropped_total").await, 0.0);
        companion.stop().await;
    }
}

/// What two receivers at the same address have accepted one after the other. What the first accepted while it was stopped
/// may have been sent again.
fn joined(before: &Samples, after: &Samples) -> Samples {
    let mut all = before.clone();
    for (labels, samples) in after {
        let own = all.entry(labels.clone()).or_default();
        let last = own.last().copied();
        own.extend(samples.iter().filter(|sample| last.is_none_or(|last| last.0 < sample.0)));
    }
    all
}

#[tokio::test]
async fn what_is_beyond_the_limit_is_lost_and_counted() {
    let (receiver, target) = (Receiver::start().await, counting_target(1000).await);
    // Nobody listens at first.
    let (address, _) = receiver.stop().await;
    let url = format!("http://{address}/api/v1/write");
    let config = scratch_file(&configuration(&url, "", ", max_bytes = \"64KiB\""));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    companion.wait_for("inferboard_remote_write_samples_dropped_total > bool 3000", &[], &["1"]).await;
    let receiver = Receiver::at(address, Arc::new(|_, _| Reply::status(200))).await;
    end_targets(&companion, &config).await;
    let label = format!("instance={}", target.instance());
    let has_ended = |samples: &Samples| {
        let mut own = samples.iter().filter(|(labels, _)| labels.contains(&label) && labels.contains("__name__=load,"));
        own.clone().count() == 1000 && own.all(|(_, samples)| samples.last().is_some_and(|last| last.1 == STALE))
    };
    receiver.wait_until("the end of all series", has_ended).await;
    // All that was stored was sent, was dropped or waits, as the figures of one scrape say while nothing is under way.
    let all = ["samples_sent_total", "samples_dropped_total", "samples_pending"]
        .map(|metric| format!("sum(inferboard_remote_write_{metric})"))
        .join(" + ");
    let balance = format!(
        "(sum(inferboard_store_samples_total) == bool ({all})) * (sum(inferboard_remote_write_samples_sent_total) > bool 0) \
         * (sum(inferboard_remote_write_samples_pending) < bool 500)"
    );
    companion.wait_for(&balance, &[], &["1"]).await;
    let dropped = own(&companion, "samples_dropped_total").await;
    let missing = missing(&stored(&companion, "").await, &received(&receiver.accepted(), "=")) as f64;
    // Stale markers that were dropped are no samples of ours.
    assert!(missing > 3000.0 && (dropped - 50.0..=dropped).contains(&missing), "{missing} missing, {dropped} dropped");
    companion.stop().await;
}

/// How many of our samples did not arrive, although later ones of their series did, or of any for those without.
fn missing(ours: &Samples, theirs: &Samples) -> usize {
    let loads = theirs.iter().filter(|(labels, _)| labels.contains("__name__=load,"));
    let end = loads.filter_map(|(_, samples)| samples.last()).map(|last| last.0).max().unwrap_or(i64::MIN);
    let mut missing = 0;
    for (labels, samples) in ours {
        let arrived = theirs.get(labels).map(Vec::as_slice).unwrap_or_default();
        let newest = arrived.last().map_or(end, |last| last.0);
        missing += samples.iter().filter(|sample| sample.0 <= newest && !arrived.contains(sample)).count();
    }
    missing
}

#[tokio::test]
async fn a_killed_companion_sends_what_was_queued_after_it_starts_again() {
    let (receiver, target) = (Receiver::start().await, counting_target(20).await);
    let (address, _) = receiver.stop().await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{address}/api/v1/write");
    let queue = configuration(&url, "", "");
    let config = scratch_file(&format!(
        "listen = \"127.0.0.1:0\"\nscrape_interval = \"{INTERVAL}\"\ngpus = false\ndiscovery = false\ndata_dir = {:?}\n\
         [[targets]]\nurl = \"{}\"\n{queue}",
        folder.path().join("data"),
        target.url()
    ));
    let program = Program::start(&[], &config).await;
    program.wait_for("count_over_time(load{n=\"0\"}[1h]) >= bool 4", &["1"]).await;
    let query = format!("{{__name__=~\".+\",instance=\"{}\"}}[1h]", target.instance());
    let before = samples_of(&program.series(&query).await);
    // Written twice since, so that what was stored before is in the queue's files.
    for _ in 0..2 {
        let written = program.values("inferboard_remote_write_queue_bytes").await;
        let began = Instant::now();
        while program.values("inferboard_remote_write_queue_bytes").await == written {
            assert!(began.elapsed() < PATIENCE, "the queue is not written");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    drop(program);
    let receiver = Receiver::at(address, Arc::new(|_, _| Reply::status(204))).await;
    target.set_behaviour(Some(harness::status("503 Service Unavailable")));
    let program = Program::start(&[], &config).await;
    let has_all = |samples: &Samples| {
        let theirs = received(samples, &format!("instance={}", target.instance()));
        before.iter().all(|(labels, samples)| {
            theirs.get(labels).is_some_and(|own| samples.iter().all(|sample| own.contains(sample)))
        })
    };
    receiver.wait_until("what was queued", has_all).await;
    program.stop().await;
}
