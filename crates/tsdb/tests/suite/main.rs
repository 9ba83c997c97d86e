//! The store against its promises, one module for each.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
mod asked;
mod crash;
mod damage;
mod disk;
mod folder;
mod full_disk;
mod import;
mod model;
mod stories;
mod workload;
