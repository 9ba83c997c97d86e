//! The table that numbers the series of one target.
use crate::line::labels::Label;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

/// Series by their labels. Numbers are small; those of removed series are reused.
#[derive(Default)]
pub(crate) struct SeriesTable {
    numbers: HashMap<Fingerprint, u32>,
    entries: Vec<SeriesEntry>,
    free: Vec<u32>,
    keys: (RandomState, RandomState),
}

/// A 128-bit keyed hash of a series. The keys are random, so a target cannot craft a collision.
pub(crate) type Fingerprint = u128;

/// The state of a series.
#[derive(Clone, Copy, Default)]
pub(crate) struct SeriesEntry {
    fingerprint: Fingerprint,
    /// The last page that had it; 0 if none did.
    pub page: u32,
    /// Its line on the last page, even if that page was rejected: only a hint.
    pub line: usize,
}

impl SeriesTable {
    /// The fingerprint of a series, whatever the order of its labels. Labels with empty values are ignored.
    pub(crate) fn fingerprint(&self, name: &str, labels: &[Label<'_>]) -> Fingerprint {
        let part = |name: &str, value: &str| {
            u128::from(self.keys.0.hash_one((name, value))) << 64 | u128::from(self.keys.1.hash_one((name, value)))
        };
        let labels = labels.iter().filter(|label| !label.value.is_empty());
        labels.map(|label| part(&label.name, &label.value)).fold(part("__name__", name), u128::wrapping_add)
    }

    /// The number of a series, and whether it was assigned just now.
    pub(crate) fn number(&mut self, fingerprint: Fingerprint) -> (u32, bool) {
        if let Some(&number) = self.numbers.get(&fingerprint) {
            return (number, false);
        }
        let entry = SeriesEntry { fingerprint, ..SeriesEntry::default() };
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

    /// The entry of a number that [`SeriesTable::number`] returned.
    pub(crate) fn entry(&mut self, number: u32) -> &mut SeriesEntry {
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
