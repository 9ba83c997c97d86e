//! Series and their samples in memory, behind the evaluator's storage trait.
//!
//! Samples are grouped by target: the series of one scrape share a column of times, and each has a compact column of
//! values. Full chunks are immutable and shared, so that a query works on a snapshot and a scrape waits for none.
mod chunk;
mod column;
mod group;
mod index;
mod retain;
mod select;
mod store;

pub use group::{Group, Refused, SeriesRef};
pub use store::{Limits, Stats, Store, StoreError};
