//! Times that came again because the clock was set back: what was measured there first is left out, as two runs of one
//! series at the same times would be a series that jumps to and fro.
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

/// Times that a later group measured anew.
#[derive(Debug)]
pub(crate) struct HiddenRange {
    from_ms: i64,
    /// The end is open while the later group is written.
    until_ms: AtomicI64,
}

/// The ranges of an earlier group, as of some moment.
pub(crate) type HiddenRanges = Box<[Arc<HiddenRange>]>;

impl HiddenRange {
    /// Everything from `from_ms` on, until [`HiddenRange::end`].
    pub(crate) fn new(from_ms: i64) -> Self {
        Self { from_ms, until_ms: AtomicI64::new(i64::MAX) }
    }

    /// Ends with the last time that was measured anew.
    pub(crate) fn end(&self, until_ms: i64) {
        self.until_ms.store(until_ms, Relaxed);
    }

    fn contains(&self, time_ms: i64) -> bool {
        time_ms >= self.from_ms && time_ms <= self.until_ms.load(Relaxed)
    }
}

/// Whether one of the ranges contains a time.
pub(crate) fn is_hidden(ranges: &[Arc<HiddenRange>], time_ms: i64) -> bool {
    ranges.iter().any(|range| range.contains(time_ms))
}
