//! The value that percentiles are compared with.

/// A threshold, stored in millionths of the graph's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Millionths in one.
    const PARTS: f64 = 1e6;
    /// The largest threshold.
    const MAX: f64 = 1e12;

    /// The threshold of a value; none if it is not above zero, or too large.
    pub fn new(value: f64) -> Option<Self> {
        let parts = (value * Self::PARTS).round();
        (parts >= 1.0 && value <= Self::MAX).then_some(Self(parts as u64))
    }

    /// The value, in the graph's unit.
    pub fn value(self) -> f64 {
        self.0 as f64 / Self::PARTS
    }
}
