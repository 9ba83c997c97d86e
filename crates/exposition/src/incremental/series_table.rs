//! The table that numbers the series of one target.
use crate::line::labels::Label;
use hashbrown::HashTable;
use std::hash::{BuildHasher as _, RandomState};

/// Series by their labels. Numbers are small; those of removed series are reused.
#[derive(Default)]
pub(crate) struct SeriesTable {
    /// The numbers in use, by the fingerprints in `entries`.
    numbers: HashTable<u32>,
    entries: Vec<SeriesEntry>,
    free: Vec<u32>,
    keys: (RandomState, RandomState),
}

/// A 128-bit keyed hash of a series. The keys are random, so a target cannot craft a collision.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Fingerprint {
    high: u64,
    low: u64,
}

/// The state of a series.
#[derive(Clone, Copy, Default)]
pub(crate) struct SeriesEntry {
    fingerprint: Fingerprint,
    /// The last page that had it; 0 if none did.
    pub page: u32,
    /// Its line on the last page, even if that page was rejected: only a hint.
    pub line: u32,
}

impl SeriesTable {
    /// The fingerprint of a series, whatever the order of its labels. Labels with empty values are ignored.
    pub(crate) fn fingerprint(&self, name: &str, labels: &[Label<'_>]) -> Fingerprint {
        let part = |name: &str, value: &str| {
            u128::from(self.keys.0.hash_one((name, value))) << 64 | u128::from(self.keys.1.hash_one((name, value)))
        };
        let labels = labels.iter().filter(|label| !label.value.is_empty());
        let sum = labels.map(|label| part(&label.name, &label.value)).fold(part("__name__", name), u128::wrapping_add);
        Fingerprint { high: (sum >> 64) as u64, low: sum as u64 }
    }

    /// The number of a series, and whether it was assigned just now.
    pub(crate) fn number(&mut self, fingerprint: Fingerprint) -> (u32, bool) {
        let is_same = |number: &u32| self.entries[*number as usize].fingerprint == fingerprint;
        if let Some(&number) = self.numbers.find(fingerprint.low, is_same) {
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
        let entries = &self.entries;
        self.numbers.insert_unique(fingerprint.low, number, |other| entries[*other as usize].fingerprint.low);
        (number, true)
    }

    /// The entry of a number that [`SeriesTable::number`] returned.
    pub(crate) fn entry(&mut self, number: u32) -> &mut SeriesEntry {
        &mut self.entries[number as usize]
    }

    pub(crate) fn remove(&mut self, number: u32) {
        let fingerprint = self.entry(number).fingerprint;
        if let Ok(found) = self.numbers.find_entry(fingerprint.low, |other| *other == number) {
            found.remove();
            self.free.push(number);
        }
    }

    /// Frees unused capacity.
    pub(crate) fn shrink(&mut self) {
        let entries = &self.entries;
        self.numbers.shrink_to_fit(|number| entries[*number as usize].fingerprint.low);
        self.entries.shrink_to_fit();
        self.free.shrink_to_fit();
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// All numbers in use, in no particular order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.numbers.iter().copied()
    }
}
