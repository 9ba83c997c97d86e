//! The companion beside Prometheus and VictoriaMetrics: the same answers, and pages that they read.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod differential;
mod formats;
mod peer;
mod reexport;
