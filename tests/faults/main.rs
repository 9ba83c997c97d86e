//! Security and hostile targets, row by row: what an attacker, a broken client or a broken target does to the release
//! companion, and the figures beside Prometheus and VictoriaMetrics.
//!
//! `make faults` runs every row; every test run has a few that are quick. A row is named by its id in the list of the
//! project's requirements: `S…` for requests, `T…` for targets.
#![expect(clippy::expect_used, reason = "a row fails by panicking")]
#![expect(clippy::print_stdout, reason = "the table is printed")]

mod outcome;
mod requests;
mod rows;
mod subject;
mod target;
mod targets;
mod wire;

use crate::outcome::{Outcome, Verdict};
use crate::rows::{ROWS, Row};
use std::time::{Duration, Instant};
use std::{env, thread};

/// The rows of a test run without `FAULTS_ROWS`.
const QUICK: &[&str] = &["S06", "S07", "S24", "S30", "S31", "S40", "S50", "S53", "S54", "S64"];

/// How long one row may take.
const MAX_TIME: Duration = Duration::from_secs(180);

#[test]
fn every_row_holds() {
    let selected = env::var("FAULTS_ROWS").unwrap_or_else(|_| QUICK.join(","));
    let is_selected = |row: &&Row| selected == "all" || selected.split(',').any(|id| id == row.id);
    raise_file_limit();
    let mut failed = Vec::new();
    println!();
    for row in ROWS.iter().filter(is_selected) {
        let (outcome, took) = run(row);
        println!("{:<4} {:<9} {:>5.1} s  {:<40} {outcome}", row.id, outcome.verdict, took.as_secs_f64(), row.title);
        if outcome.verdict == Verdict::Fail {
            failed.push(row.id);
        }
    }
    assert!(failed.is_empty(), "these rows do not hold: {}", failed.join(" "));
}

/// Runs a row on a thread of its own, so that it can fail by panicking and cannot take for ever.
fn run(row: &'static Row) -> (Outcome, Duration) {
    let began = Instant::now();
    let thread = thread::spawn(row.run);
    while !thread.is_finished() && began.elapsed() < MAX_TIME {
        thread::sleep(Duration::from_millis(5));
    }
    if !thread.is_finished() {
        return (Outcome::fail(format!("not finished after {MAX_TIME:?}")), began.elapsed());
    }
    let outcome = thread.join().unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Outcome::fail(text.unwrap_or_else(|| "panicked".into()))
    });
    (outcome, began.elapsed())
}

/// Lets this process have thousands of connections.
fn raise_file_limit() {
    let resource = rustix::process::Resource::Nofile;
    let limit = rustix::process::getrlimit(resource);
    // Rows that need more than there is say so.
    let _ = rustix::process::setrlimit(resource, rustix::process::Rlimit { current: limit.maximum, ..limit });
}
