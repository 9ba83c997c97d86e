//! Tests the companion from outside, over real sockets on loopback, with targets that behave well and badly.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
mod api;
mod apiserver;
mod attribution;
mod checking;
mod command;
mod crowd;
mod death;
mod discovery;
mod failures;
mod files;
mod first_start;
mod gpus;
mod grafana;
mod hardening;
mod harness;
mod history;
mod hosted;
mod kubernetes;
mod program;
mod recording;
mod reexport;
mod scraping;
mod session_states;
mod sharing;
mod states;
mod transcript;
