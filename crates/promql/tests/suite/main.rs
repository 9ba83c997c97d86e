//! The test suites of other projects, and tests of our own.
#![expect(clippy::panic, reason = "test helpers fail by panicking")]
mod behaviour;
mod compliance;
mod corpora;
mod extended;
mod grammar;
mod hostile;
mod memory_storage;
mod promqltest;
mod script;
