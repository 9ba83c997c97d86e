//! Sorting with one body for the whole page. Each type that the standard library sorts adds four kilobytes, and so does
//! each that is collected into a set or map, which sorts first.
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Sorts by `compare`; equal values keep their order.
pub(crate) fn sort_by<T>(values: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut sources = order(values.len(), &|a, b| compare(&values[a], &values[b]));
    // The permutation consists of cycles; each one is applied once.
    for start in 0..sources.len() {
        let mut at = start;
        loop {
            let source = std::mem::replace(&mut sources[at], at);
            if source == start {
                break;
            }
            values.swap(at, source);
            at = source;
        }
    }
}

/// The indices of `count` values in the order of `compare`; equal values keep theirs.
pub(crate) fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    #[expect(clippy::disallowed_methods, reason = "the one sort of the page")]
    order.sort_by(|a, b| compare(*a, *b));
    order
}

/// Collects values into a set.
pub(crate) fn set<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(values);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_is_stable() {
        for count in 0..40 {
            let mut values: Vec<(usize, usize)> = (0..count).map(|at| (at * 7919 % 5, at)).collect();
            let mut expected = values.clone();
            #[expect(clippy::disallowed_methods, reason = "the standard library says what is right")]
            expected.sort_by_key(|value| value.0);
            sort_by(&mut values, |a, b| a.0.cmp(&b.0));
            assert_eq!(values, expected);
        }
    }
}
