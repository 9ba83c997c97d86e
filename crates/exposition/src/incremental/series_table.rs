//! The series of one target, numbered.
use crate::line::labels::Label;
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

/// Series by their labels. Numbers are small, and those of removed series are given out again.
#[derive(Default)]
pub(crate) struct SeriesTable {
    numbers: HashMap<Fingerprint, u32>,
    entries: Vec<Entry>,
    free: Vec<u32>,
    keys: (RandomState, RandomState),
}

/// What tells a series from all others: 128 bits under random keys, so that none can be made to look like another.
pub(crate) type Fingerprint = u128;

/// What is known of a series.
#[derive(Clone, Copy, Default)]
pub(crate) struct Entry {
    fingerprint: Fingerprint,
    /// The last page that had it; 0 for none.
    pub page: u32,
    /// Where it stood on the last page that was read, even if that was refused: only a hint.
    pub line: usize,
}

impl SeriesTable {
    /// The fingerprint of a label set, whatever the order of the labels; one with an empty value is as none.
    pub(crate) fn fingerprint(&self, name: &str, labels: &[Label<'_>]) -> Fingerprint {
        let part = |name: &str, value: &str| {
            u128::from(self.keys.0.hash_one((name, value))) << 64 | u128::from(self.keys.1.hash_one((name, value)))
        };
        let labels = labels.iter().filter(|label| !label.value.is_empty());
        labels.map(|label| part(&label.name, &label.value)).fold(part("__name__", name), u128::wrapping_add)
    }

    /// The number of a series, and whether it is new.
    pub(crate) fn number(&mut self, fingerprint: Fingerprint) -> (u32, bool) {
        if let Some(&number) = self.numbers.get(&fingerprint) {
            return (number, false);
        }
        let entry = Entry { fingerprint, ..Entry::default() };
        let number = match self.free.pop() {
            Some(number) => {
                *self.entry(number) = entry;
                number
            }
            None => {
                self.entries.push(entry);
                // The sample limit keeps a page far below 2^32 series.
                u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.numbers.insert(fingerprint, number);
        (number, true)
    }

    /// What is known of a series that has been given a number.
    pub(crate) fn entry(&mut self, number: u32) -> &mut Entry {
        &mut self.entries[number as usize]
    }

    pub(crate) fn remove(&mut self, number: u32) {
        let fingerprint = self.entry(number).fingerprint;
        if self.numbers.remove(&fingerprint).is_some() {
            self.free.push(number);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// All numbers in use, in no particular order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.numbers.values().copied()
    }
}
