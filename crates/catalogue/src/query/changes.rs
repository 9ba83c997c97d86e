//! What has changed of a vector since an earlier moment: an answer that grows with what happens, not with what there is.
use crate::promql_text::named;

/// The value of a series that was there before, and is not any more.
pub const GONE: f64 = -1.0;

/// The line of the sum that tells whether no change was missed.
pub const ALL_LINE: &str = "all";

/// The series of `now` that are new, or have another value than those of the same labels in `before`; and those that are
/// only in `before`, with the value [`GONE`].
pub(super) fn changes(now: &str, before: &str) -> String {
    format!("({now}) unless ({now}) == ({before}) or (({before}) unless ({now})) * 0 - 1")
}

/// As [`changes`], for values of zero and one, with their sum as the line [`ALL_LINE`]: one more for each series. Whoever
/// adds up all changes has the same sum, unless one was missed, as of samples that arrived too late.
pub(super) fn changes_with_sum(now: &str, before: &str) -> String {
    format!("{} or {}", changes(now, before), named(&format!("sum(({now}) + 1)"), ALL_LINE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_new_series_other_values_and_ends() {
        assert_eq!(
            changes("a", "a offset 5s"),
            "(a) unless (a) == (a offset 5s) or ((a offset 5s) unless (a)) * 0 - 1"
        );
        let sum = r#" or label_replace(sum((a) + 1), "line", "all", "", "")"#;
        assert_eq!(changes_with_sum("a", "b"), changes("a", "b") + sum);
    }
}
