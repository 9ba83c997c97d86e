//! It says why: diagnoses from the results of the catalogue's queries, each with its time, its numbers, its likely cause,
//! what to do, and the graph that proves it. No I/O, no clock.
//!
//! [`queries`] says what to ask for a scope and a range, [`Evidence`] holds the answers, and [`find`] reads them. A new
//! finding is an [`Entry`] in `entries.rs` with a rule: a function from evidence to the steps where it holds.
//!
//! ```
//! use findings::{Column, Evidence, Thresholds, find};
//!
//! let column = |line: &str, value: f64| Column { line: line.into(), values: vec![value; 30] };
//! let mut evidence = Evidence::new(0, 60_000, 30);
//! evidence.add("kv-cache-use", false, vec![column("fullest", 0.98)]);
//! evidence.add("running-and-waiting", false, vec![column("waiting", 12.0)]);
//! evidence.add("preemptions", false, vec![column("preemptions", 0.2)]);
//! let report = find(&evidence, &Thresholds::default());
//! assert_eq!(report.findings[0].entry.id, "kv-cache-full");
//! assert!(report.unknown.iter().any(|unknown| unknown.entry.id == "at-maximum"), "there are no numbers of replicas");
//! ```
mod alerts;
mod document;
mod entries;
mod entry;
mod evidence;
mod intervals;
mod queries;
mod report;
mod rules;
mod thresholds;

pub use alerts::alerting_rules;
pub use document::document;
pub use entries::ENTRIES;
pub use entry::{Entry, Need, Severity, Threshold};
pub use evidence::{Column, Evidence};
pub use queries::{Query, queries};
pub use report::{Finding, Report, Unknown, find};
pub use thresholds::{ThresholdError, Thresholds};
