//! Series and their samples, in memory or in a folder, behind the evaluator's storage trait.
//!
//! Samples are grouped by target: the series of one scrape share a column of times, and each has a compact column of
//! values. New samples are in memory and in a write-ahead log; every two hours they become a block, a file that is only
//! read from then on, and the blocks of a day become one. Finished chunks and blocks are immutable and shared, so that
//! a query works on a snapshot and a scrape waits for none. `FORMAT.md` describes the files.
mod block;
mod codec;
mod disk;
mod head;
mod index;
mod maintenance;
mod select;
mod store;
mod wal;

pub use disk::folder::WriteError;
pub use disk::{DiskFiles, Files, Input, Lock, Output};
pub use head::group::{Group, Refused, SeriesRef};
pub use store::import::{Imported, OldSeries};
pub use store::open::{Loss, OpenError, OpenReport};
pub use store::stats::{Stats, WriteFailure};
pub use store::{Limits, Options, Store, StoreError};

/// No block holds samples of two days, as UTC counts them.
const DAY_MS: i64 = 86_400_000;
