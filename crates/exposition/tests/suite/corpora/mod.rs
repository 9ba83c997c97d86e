//! The test suites of other projects and captured metrics pages. They are not part of the repository; a test whose input
//! is absent says so and passes.
mod captures;
mod cases;
mod client_python;
mod differences;
mod folders;
mod hostile;
mod metrics_pages;
mod openmetrics_suite;
mod prometheus;
mod round_trip;
