//! The limits and options of a store.
use std::time::Duration;

/// The limits of a store.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum age of samples, in milliseconds.
    pub retention_ms: i64,
    /// Maximum size in bytes, above which the oldest samples are deleted: on disk, or in memory for a store without a
    /// folder.
    pub size_bytes: usize,
    /// Maximum number of series, above which new ones are rejected. The texts of their labels count too, each text once:
    /// [`crate::SERIES_BYTES`] of them as one series more.
    pub series: usize,
}

impl Default for Limits {
    /// 15 days, 512 MiB, and half a million series.
    fn default() -> Self {
        Self { retention_ms: 15 * 86_400_000, size_bytes: 512 << 20, series: 500_000 }
    }
}

/// The options of a store in a folder.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The limits of the store.
    pub limits: Limits,
    /// Size of the finished chunks in memory above which they move to a file. While writes fail, the head may grow to four
    /// times this size, and the newest fifteen minutes are always kept.
    pub head_bytes: usize,
    /// Size of the write-ahead log above which its samples move to a file too, so that opening stays fast.
    pub log_bytes: u64,
    /// Maximum age of samples that a power failure may lose.
    pub sync_every: Duration,
}

impl Default for Options {
    /// 15 days, 32 GiB on disk, half a million series, 24 MiB of finished chunks, a log of 128 MiB, and five seconds.
    fn default() -> Self {
        Self {
            limits: Limits { size_bytes: 32 << 30, ..Limits::default() },
            head_bytes: 24 << 20,
            log_bytes: 128 << 20,
            sync_every: Duration::from_secs(5),
        }
    }
}
