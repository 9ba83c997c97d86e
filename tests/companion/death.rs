//! Tests of queries made to bring the server down: each is refused or stopped, and small queries stay fast meanwhile.
use crate::harness::{Companion, FakeTarget, args, http, scratch_file};
use crate::program::Program;
use serde_json::Value;
use server::config::serve_args::ServeArgs;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The memory that refusing a query may take.
const MAX_KIB: u64 = 64 << 10;

/// The number of series of the target.
const SERIES: usize = 10_000;

async fn start_with_many_series() -> (FakeTarget, Companion) {
    let lines: String = (0..SERIES)
        .map(|n| format!("fleet{{n=\"{n}\",model_name=\"m{}\",path=\"/v1/completions/{n}\"}} {n}\n", n % 7))
        .collect();
    let target = FakeTarget::serving(&lines).await;
    let flags = ServeArgs { scrape_interval: Some("2s".into()), ..args(&[&target.url()]) };
    let companion = Companion::start(&flags).await;
    companion.wait_for("count(fleet)", &[], &[&SERIES.to_string()]).await;
    (target, companion)
}

async fn post(address: SocketAddr, endpoint: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let body = params.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect::<Vec<_>>().join("&");
    let sent = http()
        .post(format!("http://{address}/api/v1/{endpoint}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await;
    let response = sent.expect("an answer");
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap_or_default();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The result of `work`, and the number of small queries that were answered while it ran.
async fn alongside_small_queries<T>(address: SocketAddr, work: impl Future<Output = T>) -> (T, usize) {
    tokio::pin!(work);
    let mut answered = 0;
    loop {
        let small = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            post(address, "query", &[("query", "up")]).await.0
        };
        tokio::select! {
            done = &mut work => return (done, answered),
            status = small => assert_eq!(status, 200),
        }
        answered += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_excessive_query_is_refused_before_it_is_evaluated() {
    // A separate process, whose memory no other test shares.
    let program =
        Program::start(&["--in-memory"], &scratch_file("listen = \"127.0.0.1:0\"\ndiscovery = false\n")).await;
    let address: SocketAddr = program.address().parse().expect("an address");
    let deep = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    let cases = [
        (deep(40_000), 400, "65536"),
        (deep(2_000), 400, "64 levels"),
        (format!("{}1", "-".repeat(10_000)), 400, "64 levels"),
        (format!("label_join(up, \"a\", \"{}\", \"job\")", "x".repeat(100_000)), 400, "65536"),
        ("up{job=~\"(a{0,1000}){0,1000}\"}".into(), 400, "regular expression"),
        (format!("up{{job=~\"{}a{}\"}}", "(".repeat(300), ")".repeat(300)), 400, "regular expression"),
        (format!("up{{job=~\"{}\"}}", "a|".repeat(50_000)), 400, "65536"),
    ];
    for (query, expected, word) in cases {
        let before_kib = program.peak_kib();
        let (status, answer) = post(address, "query", &[("query", &query)]).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{error}");
        assert!(error.contains(word) && error.len() < 1000, "{error:.200}");
        assert!(program.peak_kib() < before_kib + MAX_KIB, "{query:.40}");
    }
    // A backtracking matcher would take years.
    assert_eq!(post(address, "query", &[("query", "up{job=~\"(x+x+)+y\"}")]).await.0, 200);
    // A form beyond the size limit is not read to its end.
    let long = "x".repeat(1 << 20);
    assert_eq!(post(address, "query", &[("query", &long)]).await.0, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expensive_query_is_stopped_and_small_ones_stay_fast() {
    let (_target, companion) = start_with_many_series().await;
    let now_s = server::clock::now_ms() / 1000;
    let (long_ago, day_ago, now) = ((now_s - 11_000).to_string(), (now_s - 86_400).to_string(), now_s.to_string());
    let joined = format!("label_join(fleet, \"a\", \"{}\"{})", "x".repeat(2_000), ", \"path\"".repeat(1_500));
    let instant: [&[(&str, &str)]; 4] = [
        &[("query", &joined)],
        &[("query", "sum_over_time(fleet[1d:1ms])")],
        &[("query", "max_over_time(max_over_time(max_over_time(fleet[1d:1s])[1d:1s])[1d:1s])")],
        &[("query", "count_values(\"v\", fleet) * on (v) group_left () count_values(\"v\", fleet)")],
    ];
    let range: [&[(&str, &str)]; 3] = [
        &[("query", "{__name__=~\".+\"}"), ("start", &long_ago), ("end", &now), ("step", "1")],
        &[("query", "count_values(\"v\", fleet)"), ("start", &day_ago), ("end", &now), ("step", "24")],
        &[("query", "fleet * on (n) group_left () fleet"), ("start", &long_ago), ("end", &now), ("step", "1")],
    ];
    let all: Vec<(&str, &[(&str, &str)])> = instant
        .iter()
        .map(|params| ("query", *params))
        .chain(range.iter().map(|params| ("query_range", *params)))
        .collect();
    for (endpoint, params) in all {
        let began = Instant::now();
        let ((status, answer), answered) =
            alongside_small_queries(companion.address, post(companion.address, endpoint, params)).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!([200, 422, 503].contains(&status), "{status} {error} for {:.80}", params[0].1);
        // If the large query blocked the small ones, none of them would be answered before it.
        assert!(
            answered > 0 || began.elapsed() < Duration::from_secs(2),
            "no small query was answered during {:.80}",
            params[0].1
        );
    }
    for (step, expected) in [("0", 400), ("1e-9", 400), ("NaN", 400), ("1", 200)] {
        let params = [("query", "vector(1)"), ("start", long_ago.as_str()), ("end", now.as_str()), ("step", step)];
        assert_eq!(post(companion.address, "query_range", &params).await.0, expected, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_queries_are_answered_or_refused() {
    let (_target, companion) = start_with_many_series().await;
    let query = "count_values(\"v\", fleet + on (n) group_left () fleet)";
    let queries = (0..200).map(|n| {
        let address = companion.address;
        let time = (server::clock::now_ms() / 1000 - n % 50).to_string();
        tokio::spawn(async move { post(address, "query", &[("query", query), ("time", &time)]).await })
    });
    let queries: Vec<_> = queries.collect();
    let mut counts = std::collections::BTreeMap::new();
    for pending in queries {
        let (status, answer) = pending.await.expect("an answer");
        assert!([200, 422, 503].contains(&status), "{status}: {}", answer["error"]);
        *counts.entry(status).or_insert(0) += 1;
    }
    assert!(counts[&200] >= 4, "{counts:?}");
    assert_eq!(post(companion.address, "query", &[("query", "up")]).await.0, 200);
    // Scrapes continued meanwhile.
    companion.wait_for("min_over_time(up{job!~\"host|inferboard\"}[20s])", &[], &["1"]).await;
}
