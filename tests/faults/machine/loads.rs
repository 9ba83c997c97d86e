//! Rows L4 and L10: large queries and large answers while targets are scraped.
use crate::outcome::Outcome;
use crate::subject::{Kind, PEERS, Setup, Subject};
use crate::target::{Target, page};
use crate::wire::{get, percent};
use std::time::{Duration, Instant};

/// The series of each target.
const SERIES: usize = 1000;

/// How often a query is asked.
const QUERIES: usize = 40;

/// A program that scrapes so many targets of [`SERIES`] counters.
fn scraping(kind: Kind, count: usize) -> Option<(Vec<Target>, Subject)> {
    let text = |target: usize| -> String {
        let line = |n: usize| format!("answered_total{{n=\"{n}\",model_name=\"m{}\"}} {n}\n", (n + target) % 5);
        std::iter::once("# TYPE answered_total counter\n".to_owned()).chain((0..SERIES).map(line)).collect()
    };
    let targets: Vec<Target> = (0..count).map(|target| Target::start(page(&text(target)))).collect();
    let mut setup = Setup::of(&targets.iter().map(Target::url).collect::<Vec<_>>());
    setup.targets.iter_mut().for_each(|(_, interval)| *interval = Duration::from_secs(5));
    let subject = Subject::start(kind, &setup)?;
    let all = (count * SERIES).to_string();
    subject.wait_for("count(answered_total)", &[&all]).then_some((targets, subject))
}

/// L4: a live query over 20,000 series.
pub(crate) fn live_query() -> Outcome {
    let try_on = |kind: Kind| {
        let (_targets, subject) = scraping(kind, 20)?;
        std::thread::sleep(Duration::from_secs(12));
        let path = format!("/api/v1/query?query={}", percent("sum by (model_name) (rate(answered_total[1m]))"));
        let mut times: Vec<Duration> = (0..QUERIES).map(|_| get(subject.address, &path).took).collect();
        times.sort();
        Some((times[QUERIES / 2], times[QUERIES * 95 / 100]))
    };
    let text = |(median, p95): (Duration, Duration)| {
        format!("median {:.0} ms, 95 % within {:.0} ms", median.as_secs_f64() * 1e3, p95.as_secs_f64() * 1e3)
    };
    let own = try_on(Kind::Companion).expect("the companion");
    let outcome = Outcome::of(own.0 <= Duration::from_millis(100) && own.1 <= Duration::from_millis(250), text(own));
    PEERS.iter().fold(outcome, |outcome, (kind, name)| outcome.with_peer(name, try_on(*kind).map(text)))
}

/// L10: everything that 100,000 series have, in one answer.
pub(crate) fn whole_answer() -> Outcome {
    let try_on = |kind: Kind| {
        let (_targets, subject) = scraping(kind, 100)?;
        let before = subject.peak_mib();
        let began = Instant::now();
        let answer = get(subject.address, "/federate?match[]=answered_total");
        let lines = answer.text().lines().filter(|line| line.starts_with("answered_total")).count();
        Some((answer.status == 200 && lines >= 100 * SERIES, began.elapsed(), subject.peak_mib() - before))
    };
    let text = |(is_whole, took, grown): (bool, Duration, u64)| {
        format!("whole: {is_whole}, {:.2} s, +{grown} MiB", took.as_secs_f64())
    };
    let own = try_on(Kind::Companion).expect("the companion");
    let holds = own.0 && own.1 <= Duration::from_millis(300) && own.2 <= 16;
    PEERS
        .iter()
        .fold(Outcome::of(holds, text(own)), |outcome, (kind, name)| outcome.with_peer(name, try_on(*kind).map(text)))
}
