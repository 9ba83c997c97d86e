//! Days and ranges of time, in Unix milliseconds.

/// A day of UTC. Neither a chunk nor a block holds samples of two days.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The head is flushed to a block at the end of each of these periods of UTC.
pub(crate) const FLUSH_PERIOD_MS: i64 = 2 * 3_600_000;

/// The UTC day of a time, counted from the epoch.
pub(crate) fn day_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(DAY_MS)
}

/// The times after `after_ms`, up to and including `until_ms`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeRange {
    pub(crate) after_ms: i64,
    pub(crate) until_ms: i64,
}

impl TimeRange {
    pub(crate) const ALL: Self = Self { after_ms: i64::MIN, until_ms: i64::MAX };

    pub(crate) fn contains(self, time_ms: i64) -> bool {
        time_ms > self.after_ms && time_ms <= self.until_ms
    }
}

impl From<TimeRange> for TimeBounds {
    fn from(TimeRange { after_ms, until_ms }: TimeRange) -> Self {
        Self { first_ms: after_ms.saturating_add(1), last_ms: until_ms }
    }
}

/// The first and the last time of some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeBounds {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

impl TimeBounds {
    /// The bounds of no samples, to be extended with [`TimeBounds::union`].
    pub(crate) const EMPTY: Self = Self { first_ms: i64::MAX, last_ms: i64::MIN };

    pub(crate) fn union(self, other: Self) -> Self {
        Self { first_ms: self.first_ms.min(other.first_ms), last_ms: self.last_ms.max(other.last_ms) }
    }

    pub(crate) fn overlaps(self, range: TimeRange) -> bool {
        self.first_ms <= range.until_ms && self.last_ms > range.after_ms
    }
}
