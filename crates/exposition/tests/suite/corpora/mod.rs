//! Others' test suites and real pages. They are not part of the repository; where they are absent, tests say so and
//! pass.
#![expect(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod captures;
mod cases;
mod client_python;
mod differences;
#[path = "../every_kind/mod.rs"]
mod every_kind;
mod hostile;
mod openmetrics_suite;
mod pages;
mod place;
mod prometheus;
mod python;
mod read_back;
