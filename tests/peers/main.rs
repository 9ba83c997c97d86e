//! Compares the companion with Prometheus and VictoriaMetrics: query results, exposition formats and re-export.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod differential;
mod formats;
mod page_queries;
mod reexport;
