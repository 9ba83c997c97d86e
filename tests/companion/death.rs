//! Queries made to bring a server down, each beside a small one that must stay quick.
use crate::harness::{Companion, FakeTarget, args, http};
use serde_json::Value;
use server::cli::args::ServeArgs;
use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What costs nothing is there by then, however busy the machine is; the limit of a query is ten seconds.
const PROMPT: Duration = Duration::from_secs(5);

/// Series of the one target.
const SERIES: usize = 10_000;

async fn fleet() -> (FakeTarget, Companion) {
    let lines: String = (0..SERIES)
        .map(|n| format!("fleet{{n=\"{n}\",model_name=\"m{}\",path=\"/v1/completions/{n}\"}} {n}\n", n % 7))
        .collect();
    let target = FakeTarget::page(&lines).await;
    let flags = ServeArgs { scrape_interval: Some("2s".into()), ..args(&[&target.url()]) };
    let companion = Companion::start(&flags).await;
    companion.wait_for("count(fleet)", &[], &[&SERIES.to_string()]).await;
    (target, companion)
}

async fn post(address: SocketAddr, verb: &str, params: &[(&str, &str)]) -> (u16, Duration, Value) {
    let began = Instant::now();
    let body = params.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect::<Vec<_>>().join("&");
    let sent = http()
        .post(format!("http://{address}/api/v1/{verb}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await;
    let response = sent.expect("an answer");
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap_or_default();
    (status, began.elapsed(), serde_json::from_slice(&bytes).unwrap_or_default())
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The longest that a small query took while `work` was under way.
async fn beside<T>(address: SocketAddr, work: impl Future<Output = T>) -> (T, Duration) {
    tokio::pin!(work);
    let mut longest = Duration::ZERO;
    loop {
        tokio::select! {
            done = &mut work => return (done, longest),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        let (status, took, _) = post(address, "query", &[("query", "up")]).await;
        assert_eq!(status, 200);
        longest = longest.max(took);
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_is_refused_by_its_text_before_it_costs_anything() {
    let companion = Companion::start(&args(&[])).await;
    let deep = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    let cases = [
        (deep(40_000), 400, "16384"),
        (deep(2_000), 400, "64 levels"),
        (format!("{}1", "-".repeat(10_000)), 400, "256 operators"),
        (format!("label_join(up, \"a\", \"{}\", \"job\")", "x".repeat(100_000)), 400, "16384"),
        ("up{job=~\"(a{0,1000}){0,1000}\"}".into(), 400, "regular expression"),
        (format!("up{{job=~\"{}a{}\"}}", "(".repeat(300), ")".repeat(300)), 400, "regular expression"),
        (format!("up{{job=~\"{}\"}}", "a|".repeat(50_000)), 400, "16384"),
    ];
    for (query, expected, word) in cases {
        let before_kib = peak_kib();
        let (status, took, answer) = post(companion.address, "query", &[("query", &query)]).await;
        let said = answer["error"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{said}");
        assert!(said.contains(word) && said.len() < 1000, "{said:.200}");
        assert!(took < PROMPT, "{took:?} for {query:.40}");
        assert!(peak_kib() < before_kib + (64 << 10));
    }
    // Backtracking would take years.
    let (status, took, _) = post(companion.address, "query", &[("query", "up{job=~\"(x+x+)+y\"}")]).await;
    assert!(status == 200 && took < PROMPT, "{took:?}");
    // A form beyond the limit is not read to its end.
    let long = "x".repeat(1 << 20);
    assert_eq!(post(companion.address, "query", &[("query", &long)]).await.0, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_grows_is_stopped_and_small_ones_stay_quick() {
    let (_target, companion) = fleet().await;
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
    for (verb, params) in all {
        let ((status, took, answer), longest) = beside(companion.address, post(companion.address, verb, params)).await;
        let said = answer["error"].as_str().unwrap_or_default();
        assert!([200, 422, 503].contains(&status), "{status} {said} for {:.80}", params[0].1);
        assert!(took < Duration::from_secs(15), "{took:?} for {:.80}", params[0].1);
        println!("{status} after {took:?}, {longest:?} beside it: {:.60} {said:.80}", params[0].1);
        // The goal is a tenth of a second; a machine that builds at the same time is not held to it.
        assert!(longest < PROMPT, "{longest:?} beside {:.80}", params[0].1);
    }
    for (step, expected) in [("0", 400), ("1e-9", 400), ("NaN", 400), ("1", 200)] {
        let params = [("query", "vector(1)"), ("start", long_ago.as_str()), ("end", now.as_str()), ("step", step)];
        assert_eq!(post(companion.address, "query_range", &params).await.0, expected, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_are_answered_or_turned_away() {
    let (_target, companion) = fleet().await;
    let query = "count_values(\"v\", fleet + on (n) group_left () fleet)";
    let asked = (0..200).map(|n| {
        let address = companion.address;
        let time = (server::clock::now_ms() / 1000 - n % 50).to_string();
        tokio::spawn(async move { post(address, "query", &[("query", query), ("time", &time)]).await })
    });
    let asked: Vec<_> = asked.collect();
    let mut counts = std::collections::BTreeMap::new();
    for one in asked {
        let (status, took, answer) = one.await.expect("an answer");
        assert!([200, 422, 503].contains(&status), "{status}: {}", answer["error"]);
        assert!(took < Duration::from_secs(15), "{took:?}");
        *counts.entry(status).or_insert(0) += 1;
    }
    println!("answers by status: {counts:?}");
    assert!(counts[&200] >= 4, "{counts:?}");
    let (status, took, _) = post(companion.address, "query", &[("query", "up")]).await;
    assert!(status == 200 && took < PROMPT, "{took:?}");
    // Scrapes went on meanwhile.
    companion.wait_for("min_over_time(up{job!~\"host|inferboard\"}[20s])", &[], &["1"]).await;
}
