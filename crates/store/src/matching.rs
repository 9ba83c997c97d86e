//! Which series a selector asks for.
use crate::index::Index;
use promql::{MatchOp, Matcher, Selector};

impl Index {
    /// The numbers of the series that `selector` asks for, in order.
    pub(crate) fn matching(&self, selector: &Selector) -> Vec<u32> {
        union(selector.any_of.iter().map(|matchers| self.matching_all(matchers)))
    }

    /// Works on label values, of which there are few, and not on series. A matcher that a missing label satisfies
    /// is answered from the other side: the series whose value does not match are taken away.
    fn matching_all(&self, matchers: &[Matcher]) -> Vec<u32> {
        let (take_away, wanted): (Vec<_>, Vec<_>) = matchers.iter().partition(|matcher| matcher.matches(""));
        let mut lists: Vec<Vec<u32>> = wanted.into_iter().map(|matcher| self.listed(matcher, true)).collect();
        lists.sort_by_key(Vec::len);
        let mut lists = lists.into_iter();
        let mut numbers = lists.next().unwrap_or_else(|| {
            let mut all: Vec<u32> = self.series.keys().copied().collect();
            all.sort_unstable();
            all
        });
        for list in lists {
            numbers.retain(|number| list.binary_search(number).is_ok());
        }
        for matcher in take_away {
            let list = self.listed(matcher, false);
            numbers.retain(|number| list.binary_search(number).is_err());
        }
        numbers
    }

    /// The series that carry the matcher's label with a value for which it answers `matching`.
    fn listed(&self, matcher: &Matcher, matching: bool) -> Vec<u32> {
        let Some(values) = self.by_label.get(matcher.name.as_str()) else { return Vec::new() };
        if matches!(matcher.op, MatchOp::Equal) && matching {
            return values.get(matcher.value.as_str()).cloned().unwrap_or_default();
        }
        union(values.iter().filter(|(value, _)| matcher.matches(value) == matching).map(|(_, numbers)| numbers.clone()))
    }
}

/// What is in any of the sorted lists, sorted.
fn union(lists: impl Iterator<Item = Vec<u32>>) -> Vec<u32> {
    let mut all = Vec::new();
    let mut count = 0;
    for list in lists {
        all.extend(list);
        count += 1;
    }
    if count > 1 {
        all.sort_unstable();
        all.dedup();
    }
    all
}
