//! Series and their samples, in memory or in a folder, behind the evaluator's storage trait.
//!
//! Samples are grouped by target: the series of one scrape share a column of times, and each has a compact column of
//! values. New samples are in memory and in a write-ahead log; every two hours they become a block, a file that is only
//! read from then on, and the blocks of a day become one. Finished chunks and blocks are immutable and shared, so that
//! a query works on a snapshot and a scrape waits for none. `FORMAT.md` describes the files.
mod block;
mod chunk;
mod codec;
mod disk;
mod files;
mod flush;
mod group;
mod header;
mod import;
mod index;
mod labels;
mod log;
mod maintain;
mod matching;
mod merge;
mod open;
mod replay;
mod retain;
mod rows;
mod select;
mod snapshot;
mod stats;
mod store;

pub use disk::WriteError;
pub use files::{DiskFiles, Files, Input, Lock, Output};
pub use group::{Group, Refused, SeriesRef};
pub use import::{Imported, OldSeries};
pub use open::{Loss, OpenError, OpenReport};
pub use stats::{Stats, WriteFailure};
pub use store::{Limits, Options, Store, StoreError};

/// No block holds samples of two days, as UTC counts them.
const DAY_MS: i64 = 86_400_000;
