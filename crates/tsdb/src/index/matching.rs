//! Which series a selector asks for.
use crate::index::Index;
use promql::{MatchOp, Matcher, Selector};
use std::borrow::Cow;

impl Index {
    /// The numbers of the series that `selector` asks for, in order.
    pub(crate) fn matching(&self, selector: &Selector) -> Vec<u32> {
        union(selector.any_of.iter().map(|matchers| self.matching_all(matchers).into()))
    }

    /// Begins with the matcher that the fewest series can satisfy, and takes away from them.
    fn matching_all(&self, matchers: &[Matcher]) -> Vec<u32> {
        // One that a series without the label satisfies has no list of its own.
        let listed = matchers.iter().enumerate().filter(|(_, matcher)| !matcher.matches(""));
        let first = listed.min_by_key(|(_, matcher)| self.at_most(matcher));
        let mut numbers = match first {
            Some((_, matcher)) => self.listed(matcher, true),
            None => {
                let mut all: Vec<u32> = self.series.keys().copied().collect();
                all.sort_unstable();
                all
            }
        };
        let first = first.map(|(at, _)| at);
        for (_, matcher) in matchers.iter().enumerate().filter(|(at, _)| Some(*at) != first) {
            self.narrow(&mut numbers, matcher);
        }
        numbers
    }

    /// Leaves of `numbers` the series that satisfy a matcher: few are looked at themselves, many through the values of
    /// the label, which are fewer.
    fn narrow(&self, numbers: &mut Vec<u32>, matcher: &Matcher) {
        if numbers.len() < self.at_most(matcher) / 2 {
            numbers.retain(|number| {
                let label = self.series.get(number).and_then(|series| series.labels.get(&matcher.name));
                matcher.matches(label.unwrap_or_default())
            });
            return;
        }
        let is_kept = !matcher.matches("");
        let list = self.listed(matcher, is_kept);
        numbers.retain(|number| list.binary_search(number).is_ok() == is_kept);
    }

    /// The most series whose label a matcher has to look at.
    fn at_most(&self, matcher: &Matcher) -> usize {
        let Some(values) = self.by_label.get(matcher.name.as_str()) else { return 0 };
        let of = |value: &str| values.get(value).map_or(0, Vec::len);
        match &matcher.op {
            MatchOp::Equal => of(&matcher.value),
            MatchOp::Regex(pattern) if let Some(texts) = pattern.values() => texts.map(of).sum(),
            _ => values.values().map(Vec::len).sum(),
        }
    }

    /// The series that carry the matcher's label with a value for which it answers `matching`.
    fn listed(&self, matcher: &Matcher, matching: bool) -> Vec<u32> {
        let Some(values) = self.by_label.get(matcher.name.as_str()) else { return Vec::new() };
        let of = |value: &str| values.get(value).map_or(&[][..], Vec::as_slice);
        match &matcher.op {
            MatchOp::Equal if matching => of(&matcher.value).to_vec(),
            MatchOp::Regex(pattern) if matching && let Some(texts) = pattern.values() => {
                union(texts.map(of).map(Cow::from))
            }
            _ => {
                let answering = values.iter().filter(|(value, _)| matcher.matches(value) == matching);
                union(answering.map(|(_, numbers)| Cow::from(numbers)))
            }
        }
    }
}

/// What is in any of the sorted lists, sorted.
fn union<'l>(lists: impl Iterator<Item = Cow<'l, [u32]>>) -> Vec<u32> {
    let mut lists = lists.filter(|list| !list.is_empty());
    let mut all = lists.next().unwrap_or_default().into_owned();
    let alone = all.len();
    lists.for_each(|list| all.extend_from_slice(&list));
    if all.len() > alone {
        all.sort_unstable();
        all.dedup();
    }
    all
}
