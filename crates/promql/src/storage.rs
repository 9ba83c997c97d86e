//! What the evaluator needs of a store: one method, and a quicker one that a store may have.
use crate::{Labels, Pattern};
use std::ops::ControlFlow;

/// The bits of the NaN with which Prometheus marks a series as gone; every other NaN is a value.
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

/// How a matcher compares.
#[derive(Clone, Debug)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends
    Regex(Pattern),
    /// `!~`, anchored at both ends
    NotRegex(Pattern),
}

/// One label matcher; a label that a series lacks matches as the empty string.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name; `__name__` for the metric.
    pub name: String,
    /// The comparison.
    pub op: MatchOp,
    /// The text compared with, or the regular expression's source.
    pub value: String,
}

impl Matcher {
    /// Whether `value` (empty for a missing label) matches.
    pub fn matches(&self, value: &str) -> bool {
        match &self.op {
            MatchOp::Equal => value == self.value,
            MatchOp::NotEqual => value != self.value,
            MatchOp::Regex(pattern) => pattern.is_match(value),
            MatchOp::NotRegex(pattern) => !pattern.is_match(value),
        }
    }
}

/// Series that satisfy every matcher of at least one alternative.
#[derive(Clone, Debug)]
pub struct Selector {
    /// Alternatives, joined by or; the matchers within one are joined by and.
    pub any_of: Vec<Vec<Matcher>>,
}

impl Selector {
    /// Whether a series with `labels` is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.any_of.iter().any(|all| all.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or(""))))
    }
}

/// Samples of one series: equal lengths, times strictly increasing; stale markers are among the values.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Unix time in milliseconds.
    pub times_ms: &'a [i64],
    /// Values.
    pub values: &'a [f64],
}

/// A store that cannot answer, in a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// Where samples come from.
pub trait Storage: Send + Sync {
    /// Calls `visit` once for each selected series that has a sample with `after_ms < time <= until_ms`, with just
    /// those samples, on one consistent snapshot; stops early when it breaks. Series come in no particular order.
    /// The column lives for the call only, so a store may decode one series, lend it and drop it.
    ///
    /// # Errors
    /// When data cannot be read.
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;

    /// As [`Storage::select`] for who needs no sample before the last one that is no stale marker: a store may leave
    /// those out, and look for none of them.
    ///
    /// # Errors
    /// When data cannot be read.
    fn select_latest(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.select(selector, after_ms, until_ms, visit)
    }
}
