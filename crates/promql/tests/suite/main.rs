//! The evaluator against other projects' tests, and stories of our own.
#![expect(clippy::panic, reason = "tests fail by panicking, in functions that they share too")]
mod behaviour;
mod compliance;
mod corpora;
mod grammar;
mod hostile;
mod memory_storage;
mod promqltest;
mod script;
