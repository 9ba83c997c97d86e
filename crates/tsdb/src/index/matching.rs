//! Selectors: which series they select, by intersecting postings.
use crate::index::Index;
use promql::{MatchOp, Matcher, Selector};
use std::borrow::Cow;

impl Index {
    /// The ids of the series that `selector` selects, in order.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<u32> {
        union(selector.any_of.iter().map(|matchers| self.select_all_of(matchers).into()))
    }

    /// Starts with the matcher that the fewest series can satisfy, and filters these by the others.
    fn select_all_of(&self, matchers: &[Matcher]) -> Vec<u32> {
        // Series without the label have no postings, so a matcher that they satisfy cannot come first.
        let with_postings = matchers.iter().enumerate().filter(|(_, matcher)| !matcher.matches(""));
        let first = with_postings.min_by_key(|(_, matcher)| self.max_matches(matcher));
        let mut ids = match first {
            Some((_, matcher)) => self.postings_of(matcher, true),
            None => self.series.iter().map(|(id, _)| id).collect(),
        };
        let first = first.map(|(at, _)| at);
        for (_, matcher) in matchers.iter().enumerate().filter(|(at, _)| Some(*at) != first) {
            self.filter(&mut ids, matcher);
        }
        ids
    }

    /// Keeps the series that satisfy a matcher: a few series by their own labels, many by postings, as there are fewer
    /// label values than series.
    fn filter(&self, ids: &mut Vec<u32>, matcher: &Matcher) {
        if ids.len() < self.max_matches(matcher) / 2 {
            ids.retain(|id| {
                let label = self.series.get(*id).and_then(|series| series.labels.get(&matcher.name));
                matcher.matches(label.unwrap_or_default())
            });
            return;
        }
        let is_wanted = !matcher.matches("");
        let postings = self.postings_of(matcher, is_wanted);
        ids.retain(|id| postings.binary_search(id).is_ok() == is_wanted);
    }

    /// Maximum number of series that can satisfy a matcher by their label.
    fn max_matches(&self, matcher: &Matcher) -> usize {
        let Some(values) = self.postings.get(matcher.name.as_str()) else { return 0 };
        let count = |value: &str| values.get(value).map_or(0, |posting| posting.ids.len());
        match &matcher.op {
            MatchOp::Equal => count(&matcher.value),
            MatchOp::Regex(pattern) if let Some(literals) = pattern.values() => literals.map(count).sum(),
            _ => values.values().map(|posting| posting.ids.len()).sum(),
        }
    }

    /// The series that carry the matcher's label with a value that matches, or does not, as `is_match` says.
    fn postings_of(&self, matcher: &Matcher, is_match: bool) -> Vec<u32> {
        let Some(values) = self.postings.get(matcher.name.as_str()) else { return Vec::new() };
        let ids = |value: &str| values.get(value).map_or(&[][..], |posting| &posting.ids);
        match &matcher.op {
            MatchOp::Equal if is_match => ids(&matcher.value).to_vec(),
            MatchOp::Regex(pattern) if is_match && let Some(literals) = pattern.values() => {
                union(literals.map(ids).map(Cow::from))
            }
            _ => {
                let wanted = values.iter().filter(|(value, _)| matcher.matches(value) == is_match);
                union(wanted.map(|(_, posting)| Cow::from(&posting.ids)))
            }
        }
    }
}

/// The length from which a union is freed of duplicates while it grows.
const MIN_DEDUPLICATED: usize = 1 << 16;

/// The sorted union of sorted lists. Many lists with the same ids take no more memory than a few.
fn union<'l>(lists: impl Iterator<Item = Cow<'l, [u32]>>) -> Vec<u32> {
    let mut lists = lists.filter(|list| !list.is_empty());
    let mut all = lists.next().unwrap_or_default().into_owned();
    let mut sorted_length = all.len();
    for list in lists {
        all.extend_from_slice(&list);
        if all.len() > MIN_DEDUPLICATED.max(2 * sorted_length) {
            sort_unique(&mut all);
            sorted_length = all.len();
        }
    }
    if all.len() > sorted_length {
        sort_unique(&mut all);
    }
    all
}

fn sort_unique(ids: &mut Vec<u32>) {
    ids.sort_unstable();
    ids.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_of_many_equal_lists_stays_small() {
        let ids: Vec<u32> = (0..MIN_DEDUPLICATED as u32).collect();
        let union = union((0..64).map(|_| Cow::Borrowed(ids.as_slice())));
        assert_eq!(union, ids);
        assert!(union.capacity() <= 8 * ids.len(), "{}", union.capacity());
    }
}
