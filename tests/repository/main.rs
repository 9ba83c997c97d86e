//! The repository itself: that its scripts do what they say.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod setup;
