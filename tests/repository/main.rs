//! Tests of the repository's scripts.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod chart;
mod deb;
mod image;
mod packaged;
mod release;
mod service;
mod setup;
mod upstream;
