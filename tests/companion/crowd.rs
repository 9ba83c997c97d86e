//! Tests two dozen hostile targets alongside fifty good ones: each hostile target fails with its own reason, the good
//! ones stay on time, and memory stays bounded.
use crate::harness::{Behaviour, FakeTarget, answer, hang, metrics_page, raw, scratch_file, status};
use crate::program::{PROGRAM, Program};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const GOOD: usize = 50;
/// The number of scrapes that each good target must have.
const SCRAPES: usize = 10;
/// How often the series of one target are all replaced: as often as on a quiet machine, however long the test takes.
const MAX_CHURN: u64 = 12;
const MAX_EXTRA_KIB: u64 = 64 << 10;

/// Starts the program with these targets; the good ones are scraped every second.
async fn start_program(good: &[String], hostile: &[String]) -> Program {
    let mut text = "listen = \"127.0.0.1:0\"\nscrape_interval = \"1s\"\ndiscovery = false\n".to_owned();
    for url in good {
        let _ = write!(text, "[[targets]]\nurl = \"{url}\"\n");
    }
    for url in hostile {
        let _ = write!(text, "[[targets]]\nurl = \"{url}\"\nscrape_interval = \"4s\"\n");
    }
    Program::start(&["--in-memory"], &scratch_file(&text)).await
}

/// The series of an instant query as `label value`, sorted.
async fn values(program: &Program, query: &str, label: &str) -> Vec<String> {
    let series = program.series(query).await;
    let text = |value: &Value, otherwise: &str| value.as_str().unwrap_or(otherwise).to_owned();
    let mut values: Vec<_> = series
        .iter()
        .map(|own| format!("{} {}", text(&own["metric"][label], "-"), text(&own["value"][1], "?")))
        .collect();
    values.sort();
    values
}

/// Waits until a target fails with `reason`, and checks that it has no other reason.
async fn fails_with(program: &Program, instance: &str, reason: &str) {
    let query = format!("inferboard_scrape_failed{{instance=\"{instance}\",reason=\"{reason}\"}}");
    program.wait_for(&query, &["1"]).await;
    let reasons = values(program, &format!("inferboard_scrape_failed{{instance=\"{instance}\"}}"), "reason").await;
    assert_eq!(reasons, [format!("{reason} 1")]);
}

/// A metrics page that differs on each scrape.
fn changing(text: impl Fn(u64) -> String + Send + Sync + 'static) -> Behaviour {
    let scrapes = AtomicU64::new(0);
    Arc::new(move |head, stream| metrics_page(&text(scrapes.fetch_add(1, Ordering::Relaxed)))(head, stream))
}

/// Writes pieces forever, with a pause after each.
fn endless(piece: impl Fn(u64) -> String + Send + Sync + 'static, pause: Duration) -> Behaviour {
    let piece = Arc::new(piece);
    Arc::new(move |_, mut stream| {
        let piece = Arc::clone(&piece);
        Box::pin(async move {
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
            let mut sent = stream.write_all(head).await;
            for number in 0.. {
                if sent.is_err() {
                    return;
                }
                sent = stream.write_all(piece(number).as_bytes()).await;
                tokio::time::sleep(pause).await;
            }
        })
    })
}

fn lines(count: u64, line: impl Fn(u64) -> String) -> String {
    (0..count).map(line).collect()
}

/// A few MiB of gzip that decompress to one GiB of samples.
fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = "x{l=\"a\"} 1\n".repeat(100_000);
    (0..(1 << 30) / piece.len()).for_each(|_| encoder.write_all(piece.as_bytes()).expect("memory"));
    encoder.finish().expect("memory")
}

/// What each hostile target does, and the reason with which it must fail; `None` where it may be up.
fn hostile() -> Vec<(Behaviour, Option<&'static str>)> {
    let text = |text: String| metrics_page(&text);
    let sign_in = answer("Content-Type: text/html\r\n", b"<html>Sign in</html>");
    let truncated = raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 900\r\n\r\na 1\n");
    let error = format!("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 9\r\n\r\n{}", "e".repeat(10 << 20));
    let headers = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: {}\r\n\r\na 1\n", "h".repeat(1 << 20));
    let brotli = answer("Content-Type: text/plain\r\nContent-Encoding: br\r\n", b"a 1\n");
    let flapping: Behaviour = {
        let scrapes = AtomicU64::new(0);
        Arc::new(move |head, stream| match scrapes.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => metrics_page("flapping 1\n")(head, stream),
            _ => status("500 Internal Server Error")(head, stream),
        })
    };
    let many_labels = |count: u64| lines(count, |n| format!("l{n}=\"v\","));
    vec![
        (answer("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", &bomb()), Some("body_limit")),
        (endless(|n| lines(10_000, |m| format!("y{{n=\"{n}-{m}\"}} 1\n")), Duration::ZERO), Some("body_limit")),
        (endless(|_| "a".into(), Duration::from_millis(200)), Some("timeout")),
        (hang(), Some("timeout")),
        (answer("Content-Type: text/plain\r\n", &vec![b'a'; 100 << 20]), Some("body_limit")),
        (text(format!("a 1\n# {}\n", "x".repeat(2 << 20))), Some("line_limit")),
        (text(format!("a{{{}}} 1\n", many_labels(60_000))), Some("label_limit")),
        (text(format!("a{{l=\"{}\"}} 1\n", "v".repeat(900_000))), Some("label_limit")),
        (text(lines(1_000_000, |n| format!("z{{n=\"{n}\"}} 1\n"))), Some("sample_limit")),
        (changing(|scrape| lines(2_000, |n| format!("churn{{n=\"{}-{n}\"}} 1\n", scrape.min(MAX_CHURN)))), None),
        (text("a 1\na 2\n# TYPE a counter\n# TYPE a gauge\n# HELP a x\n# HELP a y\n".into()), None),
        (text("t 1 9223372036854775807\nt 2 -5\nt 3 1000\n".into()), None),
        (text("v1 NaN\nv2 -0\nv3 +Inf\nv4 4.9e-324\nv5 1e308\n".into()), None),
        (answer("Content-Type: text/plain\r\n", b"a{l=\"\xff\xfe\"} 1\n"), Some("parse")),
        (
            answer("Content-Type: application/openmetrics-text\r\n", b"# TYPE a histogram\na_bucket 1\n# EOF\n"),
            Some("parse"),
        ),
        (sign_in, Some("content_type")),
        (truncated, Some("broken")),
        (flapping, None),
        (text("up{job=\"x\",instance=\"good\",__address__=\"y\"} 0\nscrape_samples_scraped 9\n".into()), None),
        (raw("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"), Some("redirect")),
        (raw(error), Some("rate_limited")),
        (brotli, Some("encoding")),
        (raw(headers), Some("broken")),
        (changing(|scrape| format!("reset_total {}\n", scrape % 3)), None),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_targets_neither_delay_good_ones_nor_exhaust_memory() {
    let mut good = Vec::new();
    for replica in 0..GOOD {
        good.push(FakeTarget::serving(&lines(200, |n| format!("good{{r=\"{replica}\",n=\"{n}\"}} {n}\n"))).await);
    }
    let good_urls: Vec<String> = good.iter().map(FakeTarget::url).collect();
    let baseline = start_program(&good_urls, &[]).await;
    let enough_scrapes = format!("count(count_over_time(good{{n=\"0\"}}[2m]) >= {SCRAPES})");
    baseline.wait_for(&enough_scrapes, &[&GOOD.to_string()]).await;
    let base_kib = baseline.peak_kib();
    drop(baseline);

    let mut crowd = Vec::new();
    for (behaviour, reason) in hostile() {
        crowd.push((FakeTarget::start(behaviour).await, reason));
    }
    let unresolvable = [("http://no-such-host.invalid:1".to_owned(), "no-such-host.invalid:1".to_owned(), "dns")];
    let tls = FakeTarget::start(hang()).await;
    let mut targets: Vec<String> = crowd.iter().map(|(target, _)| target.url()).collect();
    targets.extend(unresolvable.iter().map(|(url, ..)| url.clone()));
    targets.push(tls.url().replace("http://", "https://"));
    let crowded = start_program(&good_urls, &targets).await;
    for (target, reason) in &crowd {
        let Some(reason) = reason else { continue };
        fails_with(&crowded, &target.instance(), reason).await;
    }
    for (instance, reason) in [(unresolvable[0].1.clone(), "dns"), (tls.instance(), "timeout")] {
        fails_with(&crowded, &instance, reason).await;
    }
    crowded.wait_for(&enough_scrapes, &[&GOOD.to_string()]).await;
    // The good targets were not delayed: each has as many scrapes as the companion's own target, which needs no
    // network. A few may have failed on a busy machine.
    let own = "scalar(count_over_time(up{job=\"inferboard\"}[1m]))";
    let as_often = format!("count(count_over_time(good{{n=\"0\"}}[1m]) >= 0.8 * {own})");
    crowded.wait_for(&as_often, &[&GOOD.to_string()]).await;
    let is_up = "count(avg_over_time(up{job!~\"host|inferboard\"}[1m]) > 0.8 and on (instance) good{n=\"0\"})";
    crowded.wait_for(is_up, &[&GOOD.to_string()]).await;
    let peak_kib = crowded.peak_kib();
    assert!(peak_kib < base_kib + MAX_EXTRA_KIB, "{peak_kib} KiB with hostile targets, {base_kib} KiB without");
}

#[tokio::test]
async fn the_companion_opens_as_many_files_as_permitted() {
    // Each target and each viewer has a connection, and most systems begin with a low limit that may be raised.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 256; exec \"$0\" \"$@\"", PROGRAM, "--in-memory", "--no-discovery"]);
    let program = Program::start_command(command.args(["--listen", "127.0.0.1:0"])).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.pid())).expect("its limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit of open files");
    let [.., soft, hard, _unit] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
    assert_eq!(soft, hard);
}
