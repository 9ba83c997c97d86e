//! Rows S60 to S64: slow clients, other protocols, bodies, cardinality, and requests within requests.
use crate::outcome::Outcome;
use crate::subject::{Kind, PEERS, Setup, Subject};
use crate::target::{Target, page};
use crate::wire::{closed, exchange, get, hold, post, request};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long a request of another client may take meanwhile.
const MAX_SMALL: Duration = Duration::from_millis(500);

/// The slowest of ten small requests.
fn slowest(to: SocketAddr) -> Option<Duration> {
    let mut slowest = Duration::ZERO;
    for number in 0..10 {
        let answer = get(to, &format!("/api/v1/query?query=vector({number})"));
        if answer.status != 200 {
            return None;
        }
        slowest = slowest.max(answer.took);
        thread::sleep(Duration::from_millis(20));
    }
    Some(slowest)
}

fn milliseconds(time: Option<Duration>) -> String {
    time.map_or("no answer".into(), |time| format!("{:.0} ms", time.as_secs_f64() * 1e3))
}

/// S60: slow and half-open connections turn nobody away, and are closed in the end.
pub(crate) fn slow_clients() -> Outcome {
    let lines: String =
        (0..20_000).map(|n| format!("fleet{{n=\"{n}\",path=\"/v1/chat/completions\"}} {n}\n")).collect();
    let half = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
    let body = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\nq";
    let unread = "GET /api/v1/query?query=fleet HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let try_on = |kind: Kind| {
        let target = Target::start(page(&lines));
        let mut setup = Setup::of(&[target.url()]);
        setup.targets.iter_mut().for_each(|(_, interval)| *interval = Duration::from_secs(5));
        let subject = Subject::start(kind, &setup)?;
        assert!(subject.wait_for("count(fleet)", &["20000"]), "{kind:?} does not scrape");
        let (files, before) = (subject.files(), subject.peak_mib());
        let mut times = Vec::new();
        let mut held = hold(subject.address, 4000, half.as_bytes());
        times.push(slowest(subject.address));
        held.extend(hold(subject.address, 1000, body.as_bytes()));
        times.push(slowest(subject.address));
        held.extend(hold(subject.address, 200, unread.as_bytes()));
        times.push(slowest(subject.address));
        let grown = subject.peak_mib() - before;
        let open = held.len() - closed(&held);
        if kind == Kind::Companion {
            // Heads have ten seconds and bodies fifteen.
            thread::sleep(Duration::from_secs(17));
        }
        let left = held.len() - closed(&held);
        drop(held);
        thread::sleep(Duration::from_secs(2));
        Some((times, open, left, grown, subject.files().abs_diff(files)))
    };
    let text = |(times, open, left, grown, files): &(Vec<Option<Duration>>, usize, usize, u64, usize)| {
        let times: Vec<_> = times.iter().map(|time| milliseconds(*time)).collect();
        format!(
            "4,000 half-open, 1,000 bodies, 200 readers: {}; {open} open, {left} later, +{grown} MiB, {files} files left",
            times.join(", ")
        )
    };
    let own = try_on(Kind::Companion).expect("the companion");
    let is_fast = own.0.iter().all(|time| time.is_some_and(|time| time < MAX_SMALL));
    let outcome = Outcome::of(is_fast && own.2 <= 200 && own.4 <= 8, text(&own));
    PEERS.iter().fold(outcome, |outcome, (kind, name)| outcome.beside(name, try_on(*kind).map(|own| text(&own))))
}

/// S61: HTTP/2 is not spoken.
pub(crate) fn other_protocols() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let before = subject.peak_mib();
    let mut preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // Empty frames of data.
    preface.extend([0, 0, 0, 0, 0, 0, 0, 0, 1].repeat(100_000));
    let answers = [&preface[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET /\r\n\r\n", b"\0\0\0\0"];
    let answers = answers.map(|bytes| exchange(subject.address, bytes, Duration::from_secs(3)));
    let is_refused = answers.iter().all(|answer| answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
    let grown = subject.peak_mib() - before;
    Outcome::of(
        is_refused && grown <= 10 && get(subject.address, "/-/ready").status == 200,
        format!("closed, +{grown} MiB"),
    )
}

/// S62: bodies are bounded, and compressed ones are refused.
pub(crate) fn large_bodies() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let before = subject.peak_mib();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let sent = endless_body(subject.address, &format!("{form}Transfer-Encoding: chunked\r\n"), b"10000\r\n", b"\r\n");
    let declared = endless_body(subject.address, &format!("{form}Content-Length: 2000000000\r\n"), b"", b"");
    let long = post(subject.address, "/api/v1/query", &format!("query={}", "1".repeat(1 << 20))).status;
    let gzip = request(
        subject.address,
        "POST",
        "/api/v1/query",
        &format!("{form}Content-Encoding: gzip\r\nContent-Length: 4\r\n"),
        b"\x1f\x8b\x08\0",
    );
    let many = post(subject.address, "/api/v1/query", &"a&".repeat(100_000)).status;
    let grown = subject.peak_mib() - before;
    let holds =
        sent <= 4 << 20 && declared <= 4 << 20 && long == 413 && gzip.status == 415 && many == 400 && grown <= 16;
    Outcome::of(
        holds,
        format!(
            "chunked stops at {} KiB, declared at {} KiB, 1 MiB {long}, gzip {}, 100,000 parameters {many}, +{grown} MiB",
            sent >> 10,
            declared >> 10,
            gzip.status
        ),
    )
}

/// How many bytes of an endless body are taken.
fn endless_body(to: SocketAddr, headers: &str, before: &[u8], after: &[u8]) -> usize {
    let Ok(mut stream) = TcpStream::connect(to) else { return usize::MAX };
    let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
    let head = format!("POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let piece = [before, &[b'a'; 0x10000], after].concat();
    let (mut sent, began) = (0, Instant::now());
    let mut outcome = stream.write_all(head.as_bytes());
    while outcome.is_ok() && began.elapsed() < Duration::from_secs(20) {
        outcome = stream.write_all(&piece);
        sent += piece.len();
    }
    sent
}

/// S63: odd requests leave nothing behind.
pub(crate) fn odd_requests_leave_nothing() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    assert!(subject.wait_for("up{job=\"inferboard\"}", &["1"]), "no scrape");
    thread::sleep(Duration::from_secs(2));
    let before = (subject.number("inferboard_store_series"), subject.rss_mib(), subject.threads());
    for n in 0..5000 {
        let method = ["GET", "POST", "BREW", "X", "PROPFIND"][n % 5];
        let headers = format!("X-{n}: {n}\r\nAuthorization: Bearer {n}\r\nUser-Agent: {n}\r\n");
        request(subject.address, method, &format!("/{n}/x?{n}={n}"), &headers, b"");
        get(subject.address, &format!("/api/v1/query?query=up%7Bl{n}%3D%22{n}%22%7D"));
    }
    thread::sleep(Duration::from_secs(2));
    let after = (subject.number("inferboard_store_series"), subject.rss_mib(), subject.threads());
    let holds = after.0 <= before.0 + 1.0 && after.1 <= before.1 + 12 && after.2 <= before.2 + 16;
    Outcome::of(
        holds,
        format!(
            "10,000 requests: series {} to {}, {} to {} MiB, threads {} to {}",
            before.0, after.0, before.1, after.1, before.2, after.2
        ),
    )
}

/// S64: a request whose end is ambiguous is refused, and hides no other.
pub(crate) fn ambiguous_requests() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let hidden = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let endings = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "X: y\nContent-Length: 5\r\n",
        "X: y\rContent-Length: 5\r\n",
        " Content-Length: 5\r\n",
        "X\0Y: z\r\n",
    ];
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let wrong: Vec<&str> = endings
        .into_iter()
        .filter(|ending| {
            let request =
                format!("POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n{form}{ending}\r\n0\r\n\r\n{hidden}");
            let answer =
                String::from_utf8_lossy(&exchange(subject.address, request.as_bytes(), Duration::from_secs(5)))
                    .into_owned();
            !answer.starts_with("HTTP/1.1 400") || answer.matches("HTTP/1.1").count() != 1
        })
        .collect();
    let overflow = format!(
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n{form}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n{hidden}"
    );
    let overflow =
        String::from_utf8_lossy(&exchange(subject.address, overflow.as_bytes(), Duration::from_secs(5))).into_owned();
    let holds = wrong.is_empty() && !overflow.contains("healthy");
    Outcome::of(
        holds,
        format!("{} of {} endings are refused, wrong: {wrong:?}", endings.len() - wrong.len(), endings.len()),
    )
}
