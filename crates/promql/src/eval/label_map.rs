//! A map from label sets to values, such as the groups of an aggregation.
use crate::labels::Label;
use crate::{Error, Labels};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash, Hasher};

/// A map from label sets to values, in order of insertion.
///
/// Keys are looked up by their labels, sorted by name; a [`Labels`] is built only for a new key, as most series fall
/// into an existing group.
pub(crate) struct LabelMap<T> {
    indices: HashTable<usize>,
    hash_builder: DefaultHashBuilder,
    entries: Vec<(Labels, T)>,
}

impl<T> LabelMap<T> {
    pub(crate) fn new() -> Self {
        Self { indices: HashTable::new(), hash_builder: DefaultHashBuilder::default(), entries: Vec::new() }
    }

    pub(crate) fn get<'l>(&self, labels: &(impl Iterator<Item = &'l Label> + Clone)) -> Option<&T> {
        self.find(self.hash(labels.clone()), labels).map(|index| &self.entries[index].1)
    }

    /// The value of `labels`. If the key is new, `create` makes its value, and may fail.
    pub(crate) fn entry<'l>(
        &mut self,
        labels: impl Iterator<Item = &'l Label> + Clone,
        create: impl FnOnce(&Labels) -> Result<T, Error>,
    ) -> Result<&mut T, Error> {
        let hash = self.hash(labels.clone());
        let index = match self.find(hash, &labels) {
            Some(index) => index,
            None => {
                let index = self.entries.len();
                let labels = Labels::from_sorted(labels);
                let value = create(&labels)?;
                self.entries.push((labels, value));
                let (builder, entries) = (&self.hash_builder, &self.entries);
                self.indices
                    .insert_unique(hash, index, |index| hash_labels(builder, entries[*index].0.labels().iter()));
                index
            }
        };
        Ok(&mut self.entries[index].1)
    }

    fn hash<'l>(&self, labels: impl Iterator<Item = &'l Label>) -> u64 {
        hash_labels(&self.hash_builder, labels)
    }

    fn find<'l>(&self, hash: u64, labels: &(impl Iterator<Item = &'l Label> + Clone)) -> Option<usize> {
        self.indices.find(hash, |index| self.entries[*index].0.labels().iter().eq(labels.clone())).copied()
    }
}

fn hash_labels<'l>(builder: &DefaultHashBuilder, labels: impl Iterator<Item = &'l Label>) -> u64 {
    let mut hasher = builder.build_hasher();
    labels.for_each(|label| label.hash(&mut hasher));
    hasher.finish()
}

impl<T> IntoIterator for LabelMap<T> {
    type Item = (Labels, T);
    type IntoIter = std::vec::IntoIter<(Labels, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
