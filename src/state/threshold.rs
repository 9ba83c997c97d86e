//! What percentiles are held against.

/// A value that percentiles are held against, in millionths of the graph's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Millionths in one, and the most that a link may name.
    const PARTS: f64 = 1e6;
    const MAX: f64 = 1e12;

    /// That of a value above zero; none for what is no target.
    pub fn new(value: f64) -> Option<Self> {
        let parts = (value * Self::PARTS).round();
        (parts >= 1.0 && value <= Self::MAX).then_some(Self(parts as u64))
    }

    /// The value, in the graph's unit.
    pub fn value(self) -> f64 {
        self.0 as f64 / Self::PARTS
    }
}
