//! The companion from outside: real sockets on loopback, and targets that behave well and badly.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod api;
mod checking;
mod command;
mod crowd;
mod death;
mod discovery;
mod failures;
mod files;
mod grafana;
mod hardening;
mod harness;
mod history;
mod hosted;
mod program;
mod reexport;
mod scraping;
mod states;
mod transcript;
