//! Helpers that the tests and benchmarks of several crates share. Has few dependencies, so that it builds quickly.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod every_kind;
pub mod fleet;
pub mod python;
mod rng;

pub use every_kind::{every_kind, family, sample};
pub use rng::Rng;
