//! The catalogue against pages of real servers, against numbers worked out by hand, and against Prometheus's own tools.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod bounds;
mod captures;
mod coverage;
mod pages;
mod values;
