//! Which lines of a card are visible.
use crate::wasm_size::sort::set;
use std::collections::BTreeSet;

/// Names in a filter. Whichever of the hidden and the visible lines are fewer are listed, and a card has at most twice as
/// many lines.
const MAX_NAMES: usize = 26;

/// The words in links before the name of a hidden line, and before that of a line that is visible while others are not.
const HIDE: &str = "hide";
const ONLY: &str = "only";

/// All lines but some, or only some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    names: BTreeSet<String>,
    /// Whether only the named lines are visible.
    is_only: bool,
}

impl LineFilter {
    /// Only these lines.
    pub fn only(names: impl Iterator<Item = String>) -> Self {
        Self { names: set(names), is_only: true }
    }

    /// Whether a line is hidden.
    pub fn hides(&self, name: &str) -> bool {
        self.names.contains(name) != self.is_only
    }

    /// Hides or shows a line of `all`.
    pub fn toggle(&mut self, name: &str, all: &[String]) {
        if self.names.contains(name) {
            // Removing from a set adds more to the page than making a new one.
            self.names = set(self.names.iter().filter(|own| *own != name).cloned());
        } else {
            self.names.insert(name.to_owned());
        }
        if self.names.len() > MAX_NAMES {
            let mut names = BTreeSet::new();
            names.extend(all.iter().filter(|name| !self.names.contains(*name)).take(MAX_NAMES).cloned());
            *self = Self { names, is_only: !self.is_only };
        }
    }

    /// Shows only one line, or all if it is the only one already.
    pub fn isolate(&mut self, name: &str) {
        let mut only = Self { names: BTreeSet::new(), is_only: true };
        only.names.insert(name.to_owned());
        *self = if *self == only { Self::default() } else { only };
    }

    /// The filter for these lines: if none of the lines that it shows exists any more, all are visible.
    pub fn for_lines(&self, all: &[String]) -> Self {
        let is_left = self.names.is_empty() || all.iter().any(|name| self.names.contains(name));
        if self.is_only && !is_left { Self::default() } else { self.clone() }
    }

    /// Calls `put` with the word and each name for a link, if the names fit into `room_bytes`; with one empty name if all
    /// lines are hidden.
    pub(crate) fn encode(&self, room_bytes: &mut usize, put: &mut dyn FnMut(&str, &str)) {
        let word = if self.is_only { ONLY } else { HIDE };
        if self.is_only && self.names.is_empty() {
            put(word, "");
        }
        let needed_bytes = self.names.iter().map(String::len).sum();
        if let Some(left_bytes) = room_bytes.checked_sub(needed_bytes) {
            *room_bytes = left_bytes;
            self.names.iter().for_each(|name| put(word, name));
        }
    }

    /// Adds a name from a link. False if the word before it is none of this filter.
    pub(crate) fn add(&mut self, word: &str, name: &str) -> bool {
        let is_only = word == ONLY;
        if !is_only && word != HIDE {
            return false;
        }
        // `only` replaces `hide`, as it says more.
        if is_only && !self.is_only {
            *self = Self { names: BTreeSet::new(), is_only };
        }
        if is_only == self.is_only && !name.is_empty() && self.names.len() < MAX_NAMES {
            self.names.insert(name.to_owned());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("replica-{at}")).collect()
    }

    fn visible<'a>(filter: &LineFilter, all: &'a [String]) -> Vec<&'a str> {
        all.iter().map(String::as_str).filter(|name| !filter.hides(name)).collect()
    }

    #[test]
    fn a_click_toggles_a_line_and_a_double_click_isolates_it() {
        let all = names(3);
        let mut filter = LineFilter::default();
        filter.toggle(&all[1], &all);
        assert_eq!(visible(&filter, &all), ["replica-0", "replica-2"]);
        filter.toggle(&all[1], &all);
        assert_eq!(filter, LineFilter::default());
        for alone in [true, false] {
            // A double click comes after two clicks.
            filter.toggle(&all[2], &all);
            filter.toggle(&all[2], &all);
            filter.isolate(&all[2]);
            assert_eq!(visible(&filter, &all).len(), if alone { 1 } else { 3 });
        }
        filter.isolate(&all[0]);
        filter.toggle(&all[2], &all);
        assert_eq!(visible(&filter, &all), ["replica-0", "replica-2"]);
    }

    #[test]
    fn names_stay_few_with_many_hidden_lines() {
        let all = names(2 * MAX_NAMES);
        let mut filter = LineFilter::default();
        for hidden in 1..=all.len() {
            filter.toggle(&all[hidden - 1], &all);
            assert_eq!(visible(&filter, &all).len(), all.len() - hidden);
            assert!(filter.names.len() <= MAX_NAMES, "{}", filter.names.len());
        }
        for again in 1..=all.len() {
            filter.toggle(&all[again - 1], &all);
            assert_eq!(visible(&filter, &all).len(), again);
            assert!(filter.names.len() <= MAX_NAMES, "{}", filter.names.len());
        }
    }

    #[test]
    fn a_line_that_is_gone_hides_no_other() {
        let mut filter = LineFilter::default();
        filter.isolate("gone");
        assert!(!filter.for_lines(&names(2)).hides("replica-0"));
        filter.toggle("replica-1", &names(2));
        assert_eq!(visible(&filter.for_lines(&names(2)), &names(2)), ["replica-1"]);
    }
}
