//! The catalogue against metrics pages of real servers, values worked out by hand, and Prometheus's own tools.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod captures;
mod contract;
mod coverage;
mod engines;
mod gpus;
mod layers;
mod peer;
mod probes;
mod recipes;
mod scope;
mod scraped;
mod snapshots;
mod values;
