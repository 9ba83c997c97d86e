//! Selectors: which series a query reads.
use crate::labels::Labels;
use crate::pattern::Pattern;

/// The operator of a matcher.
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

/// A label matcher. A series without the label matches as if its value were empty.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label name; `__name__` for the metric name.
    pub name: String,
    /// The operator.
    pub op: MatchOp,
    /// The value to compare with, or the source of the regular expression.
    pub value: String,
}

impl Matcher {
    /// Whether `value` (empty if the label is missing) matches.
    pub fn matches(&self, value: &str) -> bool {
        match &self.op {
            MatchOp::Equal => value == self.value,
            MatchOp::NotEqual => value != self.value,
            MatchOp::Regex(pattern) => pattern.is_match(value),
            MatchOp::NotRegex(pattern) => !pattern.is_match(value),
        }
    }
}

/// Selects the series that satisfy every matcher of at least one alternative.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The alternatives, joined by `or`. The matchers of an alternative are joined by `and`.
    pub any_of: Vec<Vec<Matcher>>,
}

impl Selector {
    /// Whether a series with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.any_of.iter().any(|all| all.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or(""))))
    }
}
