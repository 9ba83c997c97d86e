//! What was found in the evidence, and what cannot be told from it.
use crate::entries::ENTRIES;
use crate::entry::{Entry, Need};
use crate::evidence::Evidence;
use crate::thresholds::Thresholds;

/// A diagnosis with its time and its numbers.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which one it is, with its cause and its remedy.
    pub entry: &'static Entry,
    /// When it began, Unix milliseconds.
    pub from_ms: i64,
    /// When it ended; the end of the evidence if it goes on.
    pub until_ms: i64,
    /// Whether it goes on.
    pub goes_on: bool,
    /// The numbers, as a sentence without its full stop.
    pub numbers: String,
    /// The replica that it is about, if it is about one.
    pub replica: Option<String>,
}

/// A diagnosis that cannot be made.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// Which one it is.
    pub entry: &'static Entry,
    /// What it lacks.
    pub needs: Vec<&'static Need>,
}

/// The result of reading evidence.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was found: the most severe first, and of these the latest.
    pub findings: Vec<Finding>,
    /// What cannot be told.
    pub unknown: Vec<Unknown>,
}

/// Reads the evidence.
pub fn find(evidence: &Evidence, thresholds: &Thresholds) -> Report {
    let mut report = Report::default();
    for entry in ENTRIES {
        let lacks = |need: &&Need| !evidence.has(need.graph, need.is_detailed, need.lines);
        let needs: Vec<&Need> = entry.needs.iter().filter(lacks).collect();
        if !needs.is_empty() {
            report.unknown.push(Unknown { entry, needs });
            continue;
        }
        let time_ms = |step: usize| evidence.start_ms + step as i64 * evidence.step_ms;
        report.findings.extend((entry.rule)(evidence, &thresholds.of(entry)).into_iter().map(|found| Finding {
            entry,
            from_ms: time_ms(found.steps.start),
            until_ms: time_ms(found.steps.end.saturating_sub(1)),
            goes_on: found.steps.end + 1 >= evidence.steps,
            numbers: found.numbers,
            replica: found.replica,
        }));
    }
    let all = report.findings.clone();
    report.findings.retain(|finding| !all.iter().any(|other| explains(other, finding)));
    report.findings.sort_by_key(|finding| (finding.entry.severity, -finding.from_ms));
    report
}

/// Whether a finding follows from another one, which holds for at least half of its time.
fn explains(other: &Finding, finding: &Finding) -> bool {
    let common_ms = other.until_ms.min(finding.until_ms) - other.from_ms.max(finding.from_ms);
    other.entry.explains.contains(&finding.entry.id) && common_ms * 2 >= finding.until_ms - finding.from_ms
}
