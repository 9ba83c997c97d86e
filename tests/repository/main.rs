//! Tests of the repository's scripts.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod setup;
