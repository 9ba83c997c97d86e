//! The storage that queries read from, and the stale marker.
use crate::error::StorageError;
use crate::labels::Labels;
use crate::selector::Selector;
use std::ops::ControlFlow;

/// The bits of the NaN with which Prometheus marks the end of a series; every other NaN is a value.
/// Source: `model/value` of prometheus/prometheus.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The stale marker as a value.
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// Whether `value` is the stale marker.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// Samples of one series, stale markers included: slices of equal length, times strictly ascending.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Unix times in milliseconds.
    pub times_ms: &'a [i64],
    /// The values.
    pub values: &'a [f64],
}

/// What a reader of samples should know about some time, such as that samples are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The first time that it is about, in Unix milliseconds.
    pub first_ms: i64,
    /// The last one.
    pub last_ms: i64,
    /// What there is to know, as a clause without a full stop.
    pub text: String,
}

/// A source of samples.
pub trait Storage: Send + Sync {
    /// Calls `visit` once for each selected series that has a sample with `after_ms < time <= until_ms`, with exactly
    /// those samples, from one consistent snapshot; stops early if `visit` breaks. The order of series is unspecified.
    /// The samples are borrowed for the call only, so a store can decode one series at a time.
    ///
    /// # Errors
    /// If data cannot be read.
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;

    /// Like [`Storage::select`], for callers that need no sample before the last one that is not a stale marker: the
    /// store may omit earlier samples.
    ///
    /// # Errors
    /// If data cannot be read.
    fn select_latest(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.select(selector, after_ms, until_ms, visit)
    }

    /// What is known about samples with `after_ms < time <= until_ms`, after they have been selected.
    fn notices(&self, _after_ms: i64, _until_ms: i64) -> Vec<Notice> {
        Vec::new()
    }
}
