//! The store against its promises, one module for each.
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
mod workload;
