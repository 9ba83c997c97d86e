//! Which lines of a card its legend shows.
use std::collections::BTreeSet;

/// So many names are kept: of the lines that a card draws, either those hidden or those shown are no more.
const MAX_NAMES: usize = 26;

/// The words in links before the name of a hidden line, and before one of those that alone are shown.
const HIDE: &str = "hide";
const ONLY: &str = "only";

/// All lines but some, or some alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineFilter {
    names: BTreeSet<String>,
    /// Whether these are shown and all others hidden.
    is_only: bool,
}

impl LineFilter {
    /// Whether the line of that name is hidden.
    pub fn hides(&self, name: &str) -> bool {
        self.names.contains(name) != self.is_only
    }

    /// Hides a line of `all`, or shows it again.
    pub fn toggle(&mut self, name: &str, all: &[String]) {
        if !self.names.remove(name) {
            self.names.insert(name.to_owned());
        }
        if self.names.len() > MAX_NAMES {
            let mut names = BTreeSet::new();
            names.extend(all.iter().filter(|name| !self.names.contains(*name)).take(MAX_NAMES).cloned());
            *self = Self { names, is_only: !self.is_only };
        }
    }

    /// Shows a line alone; where it is alone already, all lines.
    pub fn isolate(&mut self, name: &str) {
        let mut alone = Self { names: BTreeSet::new(), is_only: true };
        alone.names.insert(name.to_owned());
        *self = if *self == alone { Self::default() } else { alone };
    }

    /// What holds for these lines: where none is left of those that were to be shown, all are.
    pub fn for_lines(&self, all: &[String]) -> Self {
        let is_left = self.names.is_empty() || all.iter().any(|name| self.names.contains(name));
        if self.is_only && !is_left { Self::default() } else { self.clone() }
    }

    /// The word and the names in a link, if they are no longer together than that; one empty name where all lines are
    /// hidden.
    pub(crate) fn each(&self, room_bytes: &mut usize, put: &mut dyn FnMut(&str, &str)) {
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

    /// Takes a word of a link with the name after it; whether it is one of these words.
    pub(crate) fn take(&mut self, word: &str, name: &str) -> bool {
        let is_only = word == ONLY;
        if !is_only && word != HIDE {
            return false;
        }
        // To show some alone says more than to hide some.
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

    fn shown<'a>(lines: &LineFilter, all: &'a [String]) -> Vec<&'a str> {
        all.iter().map(String::as_str).filter(|name| !lines.hides(name)).collect()
    }

    #[test]
    fn a_press_hides_and_shows_again_and_two_isolate() {
        let all = names(3);
        let mut lines = LineFilter::default();
        lines.toggle(&all[1], &all);
        assert_eq!(shown(&lines, &all), ["replica-0", "replica-2"]);
        lines.toggle(&all[1], &all);
        assert_eq!(lines, LineFilter::default());
        for alone in [true, false] {
            // A double press comes after two single ones.
            lines.toggle(&all[2], &all);
            lines.toggle(&all[2], &all);
            lines.isolate(&all[2]);
            assert_eq!(shown(&lines, &all).len(), if alone { 1 } else { 3 });
        }
        lines.isolate(&all[0]);
        lines.toggle(&all[2], &all);
        assert_eq!(shown(&lines, &all), ["replica-0", "replica-2"]);
    }

    #[test]
    fn names_stay_few_however_many_lines_are_hidden() {
        let all = names(2 * MAX_NAMES);
        let mut lines = LineFilter::default();
        for hidden in 1..=all.len() {
            lines.toggle(&all[hidden - 1], &all);
            assert_eq!(shown(&lines, &all).len(), all.len() - hidden);
            assert!(lines.names.len() <= MAX_NAMES, "{}", lines.names.len());
        }
        for again in 1..=all.len() {
            lines.toggle(&all[again - 1], &all);
            assert_eq!(shown(&lines, &all).len(), again);
            assert!(lines.names.len() <= MAX_NAMES, "{}", lines.names.len());
        }
    }

    #[test]
    fn what_is_gone_hides_nothing() {
        let mut lines = LineFilter::default();
        lines.isolate("gone");
        assert!(!lines.for_lines(&names(2)).hides("replica-0"));
        lines.toggle("replica-1", &names(2));
        assert_eq!(shown(&lines.for_lines(&names(2)), &names(2)), ["replica-1"]);
    }
}
