//! Rows S50 to S55: queries that cost more than they say.
use crate::outcome::Outcome;
use crate::subject::{Kind, PEERS, Setup, Subject};
use crate::target::{Target, page};
use crate::wire::{Answer, get, percent, post};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// The time limit of a query, and some time for its answer.
const MAX_TIME: Duration = Duration::from_millis(10_500);

/// How long a small query may take meanwhile.
const MAX_SMALL: Duration = Duration::from_millis(500);

fn now_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// A program that scrapes a fleet of `count` series.
fn with_fleet(kind: Kind, count: usize) -> Option<(Target, Subject)> {
    let line = |n: usize| format!("fleet{{n=\"{n}\",model_name=\"m{}\",path=\"/v1/completions/{n}\"}} {n}\n", n % 7);
    let target = Target::start(page(&(0..count).map(line).collect::<String>()));
    let mut setup = Setup::of(&[target.url()]);
    setup.targets.iter_mut().for_each(|(_, interval)| *interval = Duration::from_secs(2));
    let subject = Subject::start(kind, &setup)?;
    assert!(subject.wait_for("count(fleet)", &[&count.to_string()]), "{kind:?} does not scrape the fleet");
    Some((target, subject))
}

/// The result of `work`, and the longest time that a small request took meanwhile.
fn beside_small<T>(to: SocketAddr, work: impl FnOnce() -> T) -> (T, Duration) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let small = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                longest = longest.max(get(to, "/api/v1/query?query=vector(1)").took);
                thread::sleep(Duration::from_millis(20));
            }
            longest
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        (done, small.join().unwrap_or(Duration::MAX))
    })
}

fn figure(answer: &Answer, subject: &Subject, before_mib: u64) -> String {
    let grown = subject.peak_mib().saturating_sub(before_mib);
    format!("{} in {:.2} s, +{grown} MiB", answer.status, answer.took.as_secs_f64())
}

/// S50: a text that is nested too deep is refused before it is parsed.
pub(crate) fn deep_queries() -> Outcome {
    let deep = format!("query={}1{}", percent(&"(".repeat(40_000)), percent(&")".repeat(40_000)));
    let signs = format!("query={}1", "-".repeat(60_000));
    let try_on = |kind: Kind| {
        let subject = Subject::start(kind, &Setup::default())?;
        let before = subject.peak_mib();
        let answers = [&deep, &signs].map(|form| post(subject.address, "/api/v1/query", form));
        let slowest = answers.iter().map(|answer| answer.took).max().unwrap_or_default();
        let is_refused = answers.iter().all(|answer| [400, 413].contains(&answer.status));
        let text = answers.map(|answer| figure(&answer, &subject, before)).join(", ");
        Some((is_refused && slowest < Duration::from_millis(100), text))
    };
    let (holds, text) = try_on(Kind::Companion).unwrap_or_default();
    PEERS.iter().fold(Outcome::of(holds, text), |outcome, (kind, name)| {
        outcome.beside(name, try_on(*kind).map(|(_, text)| text))
    })
}

/// S51: building long labels is bounded.
pub(crate) fn long_labels() -> Outcome {
    let form = format!("query=label_join(fleet,\"a\",\"{}\"{})", "x".repeat(2000), ",\"path\"".repeat(1500));
    let (_target, subject) = with_fleet(Kind::Companion, 5000).expect("the companion");
    let before = subject.peak_mib();
    let (answer, small) = beside_small(subject.address, || post(subject.address, "/api/v1/query", &form));
    let grown = subject.peak_mib() - before;
    let holds = [422, 503].contains(&answer.status) && answer.took < Duration::from_secs(1) && grown <= 96;
    Outcome::of(
        holds,
        format!("{}, small query {:.0} ms", figure(&answer, &subject, before), small.as_secs_f64() * 1e3),
    )
}

/// S52: heavy queries end within their time, and scrapes and small queries go on.
pub(crate) fn heavy_queries() -> Outcome {
    let (target, subject) = with_fleet(Kind::Companion, 10_000).expect("the companion");
    let (before, scrapes) = (subject.peak_mib(), target.connections());
    let queries = [
        "sum_over_time(fleet[1h:1ms])",
        "max_over_time(max_over_time(fleet[1d:1s])[1d:1s])",
        "count_values(\"v\",fleet)*on(v)group_left()count_values(\"v\",fleet)",
        "{__name__=~\".+\"}",
    ];
    let began = Instant::now();
    let all: Vec<String> =
        (0..200).map(|n| format!("query={}", percent(&format!("({})+{n}", queries[n % 4])))).collect();
    let (answers, small) = beside_small(subject.address, || {
        thread::scope(|scope| {
            let running: Vec<_> =
                all.iter().map(|form| scope.spawn(|| post_from_elsewhere(subject.address, form))).collect();
            running.into_iter().map(|running| running.join().unwrap_or_default()).collect::<Vec<_>>()
        })
    });
    let late = answers.iter().filter(|(_, took)| *took > MAX_TIME).count();
    let odd = answers.iter().filter(|(status, _)| ![200, 422, 503].contains(status)).count();
    let expected = began.elapsed().as_secs() as usize / 2;
    let scraped = target.connections() - scrapes;
    let grown = subject.peak_mib() - before;
    let holds = late == 0 && odd == 0 && small < MAX_SMALL && scraped + 2 >= expected && subject.peak_mib() <= 400;
    let text = format!(
        "200 at once: {late} late, {odd} odd, small query {:.0} ms, {scraped} of {expected} scrapes, +{grown} MiB (peak {})",
        small.as_secs_f64() * 1e3,
        subject.peak_mib()
    );
    Outcome::of(holds, text)
}

/// The status and the time of a POST of another client.
fn post_from_elsewhere(to: SocketAddr, form: &str) -> (u16, Duration) {
    let began = Instant::now();
    let head = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{form}", form.len());
    let Some(mut stream) = crate::wire::hold(to, 1, request.as_bytes()).pop() else { return (0, began.elapsed()) };
    let _ = stream.set_read_timeout(Some(crate::wire::PATIENCE));
    let mut start = [0; 64];
    let count = std::io::Read::read(&mut stream, &mut start).unwrap_or_default();
    let text = String::from_utf8_lossy(&start[..count]).into_owned();
    let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, began.elapsed())
}

/// S53: the number of steps is limited, and odd steps are refused.
pub(crate) fn odd_steps() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let status = |range: &str| get(subject.address, &format!("/api/v1/query_range?query=up&{range}")).status;
    let cases = [
        ("start=0&end=11001&step=1", 400),
        ("start=0&end=11000&step=1", 200),
        ("start=0&end=1&step=1e-9", 400),
        ("start=0&end=1&step=0", 400),
        ("start=0&end=1&step=NaN", 400),
        ("start=0&end=1&step=-1", 400),
        ("start=9&end=1&step=1", 400),
        ("start=NaN&end=1&step=1", 400),
        ("start=0&end=1e300&step=1", 400),
    ];
    let wrong: Vec<_> = cases.iter().filter(|(range, expected)| status(range) != *expected).collect();
    Outcome::of(wrong.is_empty(), format!("{} ranges, wrong: {wrong:?}", cases.len()))
}

/// S54: patterns are bounded, one by one and all of a request together.
pub(crate) fn costly_patterns() -> Outcome {
    let many = |text: fn(usize) -> String, count: usize| {
        (0..count).map(|n| format!("match[]={}", percent(&text(n)))).collect::<Vec<_>>().join("&")
    };
    let wide = many(|_| r#"{a=~"\\w{30}"}"#.into(), 1000);
    let distinct = many(|n| format!(r#"{{a=~"\\w{{30}}{n}"}}"#), 1000);
    let sets = many(|n| format!(r#"{{a=~"{}{n}"}}"#, "(ab|cd|ef|gh)".repeat(7)), 60);
    let single = |pattern: &str| format!("query={}", percent(&format!("up{{job=~\"{pattern}\"}}")));
    let folded = single(&format!("(?i:{})", "[A-\u{10FFFF}]".repeat(3000)));
    let cases = [
        ("/api/v1/series", wide.clone()),
        ("/api/v1/series", distinct),
        ("/api/v1/labels", sets),
        ("/api/v1/query", single("(a{0,1000}){0,1000}")),
        ("/api/v1/query", single("(x+x+)+y")),
        ("/api/v1/query", single(&format!("{}a{}", "(".repeat(250), ")".repeat(250)))),
        ("/api/v1/query", folded),
    ];
    let try_on = |kind: Kind, cases: &[(&str, String)]| {
        let subject = Subject::start(kind, &Setup::default())?;
        let before = subject.peak_mib();
        let (slowest, small) = beside_small(subject.address, || {
            cases.iter().map(|(path, form)| post(subject.address, path, form).took).max().unwrap_or_default()
        });
        Some((slowest, small, subject.peak_mib() - before))
    };
    let text = |(slowest, small, grown): (Duration, Duration, u64)| {
        format!("slowest {:.2} s, small query {:.0} ms, +{grown} MiB", slowest.as_secs_f64(), small.as_secs_f64() * 1e3)
    };
    let (slowest, small, grown) = try_on(Kind::Companion, &cases).expect("the companion");
    let outcome = Outcome::of(slowest < MAX_TIME && small < MAX_SMALL && grown <= 96, text((slowest, small, grown)));
    PEERS.iter().fold(outcome, |outcome, (kind, name)| outcome.beside(name, try_on(*kind, &cases[..1]).map(text)))
}

/// S55: a long answer is refused, or sent without being held in memory.
pub(crate) fn long_answers() -> Outcome {
    let try_on = |kind: Kind| {
        let (_target, subject) = with_fleet(kind, 10_000)?;
        let (before, now) = (subject.peak_mib(), now_s());
        let paths = [
            format!(
                "/api/v1/query_range?query={}&start={}&end={now}&step=1",
                percent("{__name__=~\"fleet.*\"}"),
                now - 10_999
            ),
            "/federate?match[]=fleet".into(),
            "/api/v1/series?match[]=fleet".into(),
        ];
        let answers = paths.map(|path| get(subject.address, &path));
        let grown = subject.peak_mib() - before;
        let text = answers
            .iter()
            .map(|answer| format!("{} {} KiB", answer.status, answer.body.len() >> 10))
            .collect::<Vec<_>>()
            .join(", ");
        Some((
            answers.iter().all(|answer| [200, 422].contains(&answer.status)) && grown <= 64,
            format!("{text}, +{grown} MiB"),
        ))
    };
    let (holds, text) = try_on(Kind::Companion).expect("the companion");
    PEERS.iter().fold(Outcome::of(holds, text), |outcome, (kind, name)| {
        outcome.beside(name, try_on(*kind).map(|(_, text)| text))
    })
}
