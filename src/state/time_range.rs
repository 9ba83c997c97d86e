//! A resolved time range: a start and an end.

/// A start and an end, in Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The start.
    pub start_ms: i64,
    /// The end, which is part of the range.
    pub end_ms: i64,
}

impl TimeRange {
    /// The range from `start_ms` to `end_ms`.
    pub const fn new(start_ms: i64, end_ms: i64) -> Self {
        Self { start_ms, end_ms }
    }

    /// The length in milliseconds.
    pub const fn length_ms(self) -> i64 {
        self.end_ms - self.start_ms
    }

    /// Whether the range contains `time_ms`; both ends count.
    pub fn contains(self, time_ms: i64) -> bool {
        (self.start_ms..=self.end_ms).contains(&time_ms)
    }

    /// The same range `by_ms` later.
    pub const fn shifted(self, by_ms: i64) -> Self {
        Self { start_ms: self.start_ms + by_ms, end_ms: self.end_ms + by_ms }
    }
}
