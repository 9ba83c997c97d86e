//! The errors of appending and of writing to disk.
use std::io;
use std::path::PathBuf;

/// Why samples cannot be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The index is full.
    #[error("the store has room for {limit} series; allow it more memory, or scrape fewer series")]
    TooManySeries {
        /// [`crate::Limits::series`].
        limit: usize,
    },
    /// Time went backwards within a group.
    #[error("the scrape at {time_ms} ms is not after the previous one at {last_ms} ms; check the clock")]
    OutOfOrder {
        /// The rejected time.
        time_ms: i64,
        /// The time of the newest scrape.
        last_ms: i64,
    },
}

/// Why samples cannot be written to disk.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system failed.
    #[error("cannot write to {dir}: {source}; {}", advice(source))]
    Io {
        /// The folder of the store.
        dir: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An earlier write failed and has not been recovered from yet.
    #[error("some samples are not on disk yet: {0}")]
    NotRecovered(String),
    /// The store has no folder.
    #[error("the store is in memory only; open it with a folder")]
    NoFolder,
}

/// `EMFILE` and `ENFILE`: the process or the system has no descriptors left. Each block has one.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

/// What to do about a failure to write.
fn advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(code) if TOO_MANY_FILES.contains(&code) => {
            "each day of history has an open file: raise the limit of open files, or keep fewer days"
        }
        _ => "free some space, or check the disk",
    }
}

/// An ongoing failure to write. Samples stay in memory, and the store keeps retrying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// When it began, in Unix milliseconds.
    pub since_ms: i64,
    /// The cause, as a sentence.
    pub reason: String,
}
