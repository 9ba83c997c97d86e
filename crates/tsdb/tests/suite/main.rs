//! Tests of the store, one module for each of its guarantees.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
mod behaviour;
mod crash;
mod damage;
mod fixtures;
mod folder;
mod full_disk;
mod import;
mod memory_disk;
mod model;
mod newborn;
mod queue;
