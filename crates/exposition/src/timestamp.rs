//! Timestamps of samples and exemplars.

/// A Unix time with nanosecond precision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp {
    ns: i128,
}

impl Timestamp {
    /// The time `ms` milliseconds after the epoch.
    pub fn from_ms(ms: i64) -> Self {
        Self { ns: i128::from(ms) * 1_000_000 }
    }

    /// The time `ns` nanoseconds after the epoch.
    pub fn from_ns(ns: i128) -> Self {
        Self { ns }
    }

    /// Milliseconds since the epoch, rounded down and saturated at 64 bits.
    pub fn ms(self) -> i64 {
        let ms = self.ns.div_euclid(1_000_000);
        i64::try_from(ms).unwrap_or(if ms < 0 { i64::MIN } else { i64::MAX })
    }

    /// Nanoseconds since the epoch.
    pub fn ns(self) -> i128 {
        self.ns
    }
}
