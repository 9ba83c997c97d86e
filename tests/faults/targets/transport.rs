//! Rows T01 to T06, T16, T17, T20 to T23: what goes wrong below the metrics page.
use crate::outcome::Outcome;
use crate::subject::{Kind, Setup, Subject};
use crate::target::{Behaviour, Target, answer, endless, hang, page, raw};
use crate::targets::{WATCHED, beside_peers, fails_with, watch};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// T01: a megabyte of gzip that opens to a gigabyte.
pub(crate) fn bomb() -> Outcome {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = "x{l=\"a\"} 1\n".repeat(100_000);
    for _ in 0..(1 << 30) / piece.len() {
        encoder.write_all(piece.as_bytes()).expect("memory");
    }
    let bomb = encoder.finish().expect("memory");
    let behaviour = answer("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", &bomb);
    beside_peers(fails_with(vec![(behaviour.clone(), "body_limit")], 40), &behaviour)
}

/// T02: a page that never ends.
pub(crate) fn endless_page() -> Outcome {
    let lines = |n: usize| (0..10_000).map(|m| format!("y{{n=\"{n}-{m}\"}} 1\n")).collect::<String>().into_bytes();
    let behaviour = endless(lines, Duration::ZERO);
    beside_peers(fails_with(vec![(behaviour.clone(), "body_limit|timeout")], 40), &behaviour)
}

/// T03: a byte a second.
pub(crate) fn slow_page() -> Outcome {
    let behaviour = endless(|_| b"a".to_vec(), Duration::from_secs(1));
    beside_peers(fails_with(vec![(behaviour.clone(), "timeout")], 16), &behaviour)
}

/// T04: a thousand targets that accept and never answer.
pub(crate) fn hanging_targets() -> Outcome {
    let silent = Target::start(hang());
    let good = Target::start(page("good 1\n"));
    let hanging = (0..1000).map(|number| format!("http://{}/{number}", silent.address));
    let mut setup = Setup::of(&[good.url()]);
    setup.targets.extend(hanging.map(|url| (url, Duration::from_secs(2))));
    let subject = Subject::companion(&setup);
    thread::sleep(WATCHED * 2);
    let up = format!("up{{instance=\"{}\"}}[{}s]", good.address, WATCHED.as_secs());
    let scrapes = subject.number(&format!("sum_over_time({up})"));
    let holds = scrapes + 2.0 >= WATCHED.as_secs_f64() && subject.peak_mib() <= 160;
    Outcome::of(
        holds,
        format!(
            "good target {scrapes} of {} scrapes, peak {} MiB, {} threads",
            WATCHED.as_secs(),
            subject.peak_mib(),
            subject.threads()
        ),
    )
}

/// T05: a server that hangs in the TLS handshake, and an address that answers nothing.
pub(crate) fn hanging_handshake() -> Outcome {
    let (silent, good) = (Target::start(hang()), Target::start(page("good 1\n")));
    let tls = silent.url().replace("http://", "https://");
    // An address for documentation, which is routed nowhere; without a network it is unreachable at once.
    let urls = [good.url(), tls, "http://192.0.2.1:81/metrics".into()];
    let subject = Subject::companion(&Setup::of(&urls));
    thread::sleep(WATCHED);
    let reason = |number: usize| {
        let series = subject.series(&format!("inferboard_scrape_failed{{replica=\"r{number}\"}}"));
        series.first().and_then(|series| series["metric"]["reason"].as_str()).unwrap_or("up").to_owned()
    };
    let scrapes = subject.number("sum_over_time(up{replica=\"r0\"}[1m])");
    let reasons = [reason(1), reason(2)];
    let holds = reasons[0] == "timeout"
        && ["timeout", "unreachable", "connect"].contains(&&*reasons[1])
        && scrapes + 2.0 >= WATCHED.as_secs_f64();
    Outcome::of(holds, format!("{}, good target {scrapes} scrapes", reasons.join(" ")))
}

/// T06: one line of 100 MB.
pub(crate) fn long_line() -> Outcome {
    let whole = answer("Content-Type: text/plain\r\n", &vec![b'a'; 100 << 20]);
    let within = page(&format!("a 1\n# {}\n", "x".repeat(2 << 20)));
    beside_peers(fails_with(vec![(whole.clone(), "body_limit"), (within, "line_limit")], 40), &whole)
}

/// T16: documents that end early.
pub(crate) fn half_documents() -> Outcome {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    fails_with(
        vec![
            (raw(format!("{head}Content-Length: 900\r\n\r\na 1\n")), "broken"),
            (raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n")), "broken"),
            (raw(format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\na 1\n")), "broken"),
            (raw(""), "broken"),
            (raw("HTTP/1.1 200"), "broken"),
        ],
        16,
    )
}

/// T17: a hundred targets that come and go each second leave nothing behind, and fill no log.
pub(crate) fn flapping() -> Outcome {
    let flapping = || -> Behaviour {
        let scrapes = AtomicUsize::new(0);
        Arc::new(move |head, stream| match scrapes.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => page("flapping 1\n")(head, stream),
            _ => raw("HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")(head, stream),
        })
    };
    let targets: Vec<Target> = (0..100).map(|_| Target::start(flapping())).collect();
    let urls: Vec<String> = targets.iter().map(Target::url).collect();
    let subject = Subject::companion(&Setup::of(&urls));
    thread::sleep(Duration::from_secs(4));
    let before = (subject.rss_mib(), subject.threads(), subject.files());
    thread::sleep(Duration::from_secs(16));
    let after = (subject.rss_mib(), subject.threads(), subject.files());
    let lines = subject.log().lines().count();
    let holds = after.0 <= before.0 + 8 && after.1 <= before.1 + 8 && after.2 <= before.2 + 20 && lines <= 900;
    Outcome::of(
        holds,
        format!(
            "MiB {} to {}, threads {} to {}, files {} to {}, {lines} lines of log in 20 s",
            before.0, after.0, before.1, after.1, before.2, after.2
        ),
    )
}

/// T20: refusals, with long bodies that nobody reads.
pub(crate) fn refusals() -> Outcome {
    let refusal = |line: &str| {
        raw(format!("HTTP/1.1 {line}\r\nRetry-After: 9\r\nConnection: close\r\n\r\n{}", "e".repeat(10 << 20)))
    };
    fails_with(
        vec![
            (refusal("401 Unauthorized"), "unauthorized"),
            (refusal("403 Forbidden"), "forbidden"),
            (refusal("404 Not Found"), "not_found"),
            (refusal("429 Too Many Requests"), "rate_limited"),
            (refusal("503 Service Unavailable"), "server_error"),
            (refusal("418 I'm a teapot"), "status"),
        ],
        24,
    )
}

/// T21: encodings that were not asked for, or that are broken.
pub(crate) fn encodings() -> Outcome {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let once = gzip(b"a 1\n");
    let encoded =
        |name: &str, body: &[u8]| answer(&format!("Content-Type: text/plain\r\nContent-Encoding: {name}\r\n"), body);
    fails_with(
        vec![
            (encoded("br", b"a 1\n"), "encoding"),
            (encoded("zstd", b"a 1\n"), "encoding"),
            (encoded("deflate", b"a 1\n"), "encoding"),
            (encoded("gzip", b"not gzip"), "encoding"),
            (encoded("gzip", &once[..once.len() - 6]), "encoding|broken"),
            (encoded("gzip", &gzip(&once)), "parse"),
            (encoded("gzip, gzip", &gzip(&once)), "encoding|parse"),
        ],
        16,
    )
}

/// T22: heads that are too long or malformed.
pub(crate) fn heads() -> Outcome {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    fails_with(
        vec![
            (raw(format!("{ok}X: {}\r\n\r\na 1\n", "h".repeat(1 << 20))), "broken"),
            (raw(format!("{ok}{many}\r\na 1\n")), "broken"),
            (raw(format!("{ok}X: y\r z\r\n\r\na 1\n")), "broken"),
            (raw("a 1\n"), "broken"),
            (raw("HTTP/9.9 200 OK\r\n\r\na 1\n"), "broken"),
            (raw(format!("{ok}Content-Length: 4\r\nContent-Length: 5\r\n\r\na 1\n")), "broken"),
        ],
        24,
    )
}

/// T23: names without an address, and a resolver that never answers.
pub(crate) fn lookups() -> Outcome {
    let good = Target::start(page("good 1\n"));
    let missing = Subject::companion(&Setup::of(&[good.url(), "http://no-such-host.invalid:1/metrics".into()]));
    let is_named = missing.wait_for("inferboard_scrape_failed{reason=\"dns\"}", &["1"]);
    drop(missing);
    let Some((threads, answered, log_age, stopped)) = with_silent_resolver(&good) else {
        return Outcome::of(
            is_named,
            format!("a missing name fails with dns: {is_named}; a silent resolver needs root and unshare"),
        );
    };
    let holds = is_named
        && threads < 160
        && answered < Duration::from_millis(500)
        && log_age < Duration::from_secs(2)
        && stopped.is_some();
    let text = format!(
        "a missing name fails with dns: {is_named}; 400 names and a silent resolver: {threads} threads, query {:.0} ms, log {:.1} s old, ends in {stopped:?}",
        answered.as_secs_f64() * 1e3,
        log_age.as_secs_f64()
    );
    Outcome::of(holds, text)
}

/// The threads, the slowest query, the age of the log and the time to end of a companion with 400 names that nobody resolves.
fn with_silent_resolver(good: &Target) -> Option<(u64, Duration, Duration, Option<Duration>)> {
    let folder = tempfile::tempdir().ok()?;
    let _silent = std::net::UdpSocket::bind("127.0.0.77:53").ok()?;
    let resolver = folder.path().join("resolv.conf");
    fs::write(&resolver, "nameserver 127.0.0.77\noptions timeout:5 attempts:2\n").ok()?;
    let enter = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let in_namespace = |program: &std::ffi::OsStr, arguments: &[String]| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", enter]).arg(&resolver).arg(program).args(arguments);
        command
    };
    let can = in_namespace("true".as_ref(), &[]).stderr(Stdio::null()).status().ok()?;
    if !can.success() {
        return None;
    }
    let names = (0..400).map(|n| format!("http://h{n}.test:1/metrics"));
    let mut setup = Setup::of(&[good.url()]);
    setup.targets.extend(names.map(|url| (url, Duration::from_secs(5))));
    let subject = Subject::started_by(&setup, &in_namespace)?;
    thread::sleep(Duration::from_secs(14));
    let mut slowest = Duration::ZERO;
    for number in 0..10 {
        let began = Instant::now();
        if subject.values(&format!("vector({number})")).is_empty() {
            return Some((subject.threads(), Duration::MAX, Duration::MAX, None));
        }
        slowest = slowest.max(began.elapsed());
    }
    let files = fs::read_dir(subject.data()).ok()?.filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok());
    let log_age = files.max()?.elapsed().unwrap_or_default();
    let threads = subject.threads();
    Some((threads, slowest, log_age, subject.stop(Duration::from_secs(5))))
}

/// All hostile targets of these rows at once: the good one stays on time.
pub(crate) fn all_at_once() -> Outcome {
    let slow = endless(|_| b"a".to_vec(), Duration::from_millis(200));
    let lines = |n: usize| (0..10_000).map(|m| format!("y{{n=\"{n}-{m}\"}} 1\n")).collect::<String>().into_bytes();
    let behaviours: Vec<Behaviour> = (0..4)
        .flat_map(|_| {
            [
                slow.clone(),
                hang(),
                endless(lines, Duration::ZERO),
                page(&format!("a 1\n# {}\n", "x".repeat(2 << 20))),
                page(&(0..200_000).map(|n| format!("z{{n=\"{n}\"}} 1\n")).collect::<String>()),
                raw(""),
            ]
        })
        .collect();
    let seen = watch(Kind::Companion, behaviours, WATCHED * 2).expect("the companion");
    let holds = seen.failed == 0.0 && seen.good + 3.0 >= 2.0 * WATCHED.as_secs_f64() && seen.grown_mib <= 80;
    Outcome::of(holds, format!("24 targets: {}", seen.figure()))
}
