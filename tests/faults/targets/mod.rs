//! Rows about targets: what a broken or hostile one answers, beside one that is well.
pub(crate) mod contents;
pub(crate) mod transport;

use crate::outcome::Outcome;
use crate::subject::{Kind, PEERS, Setup, Subject};
use crate::target::{Behaviour, Target, page};
use std::thread;
use std::time::Duration;

/// How long a row is watched.
pub(crate) const WATCHED: Duration = Duration::from_secs(6);

/// What a program made of a hostile target.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) subject: Subject,
    pub(crate) hostile: Vec<Target>,
    /// The memory that was needed beyond that at the start, in MiB.
    pub(crate) grown_mib: u64,
    /// How often the good target was scraped, and how often that failed.
    pub(crate) good: f64,
    pub(crate) failed: f64,
}

/// Watches a program that scrapes a good target and hostile ones, all every second.
pub(crate) fn watch(kind: Kind, behaviours: Vec<Behaviour>, watched: Duration) -> Option<Seen> {
    let good = Target::start(page("good 1\n"));
    let hostile: Vec<Target> = behaviours.into_iter().map(Target::start).collect();
    let urls: Vec<String> = [&good].into_iter().chain(&hostile).map(Target::url).collect();
    let subject = Subject::start(kind, &Setup::of(&urls))?;
    let before = subject.rss_mib();
    thread::sleep(watched);
    let up = format!("up{{instance=\"{}\"}}[1m]", good.address);
    let (scrapes, ups) =
        (subject.number(&format!("count_over_time({up})")), subject.number(&format!("sum_over_time({up})")));
    let grown_mib = subject.peak_mib().saturating_sub(before);
    Some(Seen { subject, hostile, grown_mib, good: scrapes, failed: scrapes - ups })
}

impl Seen {
    /// The reasons for which the hostile targets fail, in order.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let reason = |target: &Target| {
            let query = format!("inferboard_scrape_failed{{instance=\"{}\"}}", target.address);
            let series = self.subject.series(&query);
            series.first().and_then(|series| series["metric"]["reason"].as_str()).unwrap_or("up").to_owned()
        };
        self.hostile.iter().map(reason).collect()
    }

    /// Whether the good target was scraped on time.
    pub(crate) fn is_on_time(&self) -> bool {
        self.good + 2.0 >= WATCHED.as_secs_f64() && self.failed == 0.0
    }

    pub(crate) fn figure(&self) -> String {
        format!("+{} MiB, good target {} scrapes, {} failed", self.grown_mib, self.good, self.failed)
    }
}

/// A row in which each hostile target must fail with its reason, within this memory, and the good one is on time.
pub(crate) fn fails_with(cases: Vec<(Behaviour, &str)>, max_mib: u64) -> Outcome {
    let (behaviours, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let seen = watch(Kind::Companion, behaviours, WATCHED).expect("the companion");
    let reasons = seen.reasons();
    let is_right = reasons.iter().zip(&expected).all(|(reason, expected)| expected.split('|').any(|one| one == reason));
    let holds = is_right && seen.is_on_time() && seen.grown_mib <= max_mib;
    Outcome::of(holds, format!("{}; {}", reasons.join(" "), seen.figure()))
}

/// Adds what peers make of the same hostile target.
pub(crate) fn beside_peers(outcome: Outcome, behaviour: &Behaviour) -> Outcome {
    PEERS.iter().fold(outcome, |outcome, (kind, name)| {
        let seen = watch(*kind, vec![behaviour.clone()], WATCHED);
        outcome.beside(name, seen.map(|seen| seen.figure()))
    })
}
