//! An embedded time series database: series and their samples, in memory or in a folder, behind `promql::Storage`.
//!
//! Samples are grouped by target: the series of one scrape share a column of times, and each has a compact column of
//! values. New samples go to memory (the *head*) and to a write-ahead log. Every two hours the head becomes a *block*,
//! an immutable file, and after each day its blocks are merged into one. Finished chunks and blocks are immutable and
//! shared, so a query works on a snapshot and never blocks a scrape. `FORMAT.md` describes the files.
//!
//! Modules form layers, lowest first: `time`, `sample_buffer` and `codec`; `disk`; `block` and `head`; `index`; `wal`;
//! `queue`; `store`, which holds the state; `maintenance` and `select`, which work on it; and `import`.
mod block;
mod codec;
mod disk;
mod head;
mod import;
mod index;
mod maintenance;
mod queue;
mod sample_buffer;
mod select;
mod store;
mod time;
mod wal;

pub use disk::{FileLock, FileReader, FileSystem, FileWriter, LocalFileSystem};
pub use import::{ImportSeries, ImportSummary};
pub use index::SERIES_BYTES;
pub use queue::{Queue, QueueBatch, QueueError, QueueReader, QueueSample, QueueStats, ReaderOptions};
pub use store::Store;
pub use store::error::{StoreError, WriteError, WriteFailure};
pub use store::group::{Group, Newborn, Rejected, SeriesRef};
pub use store::open::{Loss, OpenError, OpenReport};
pub use store::options::{Limits, Options};
pub use store::stats::Stats;
