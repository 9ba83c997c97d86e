//! Things told apart by label sets, such as the groups of an aggregation.
use crate::ast::Grouping;
use crate::labels::Pair;
use crate::{Error, Labels, METRIC_NAME};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash, Hasher};

/// Values by label set, in the order in which the label sets were met. A label set is looked up by its pairs, sorted by
/// name, and made only when it is new: most series fall into a group that is known.
pub(crate) struct Groups<T> {
    places: HashTable<usize>,
    hashes: DefaultHashBuilder,
    groups: Vec<(Labels, T)>,
}

impl<T> Groups<T> {
    pub(crate) fn new() -> Self {
        Self { places: HashTable::new(), hashes: DefaultHashBuilder::default(), groups: Vec::new() }
    }

    pub(crate) fn get<'p>(&self, pairs: &(impl Iterator<Item = &'p Pair> + Clone)) -> Option<&T> {
        self.find(self.hash(pairs.clone()), pairs).map(|place| &self.groups[place].1)
    }

    /// The value of the label set of `pairs`; `start` makes that of one not met before, and may fail.
    pub(crate) fn entry<'p>(
        &mut self,
        pairs: impl Iterator<Item = &'p Pair> + Clone,
        start: impl FnOnce(&Labels) -> Result<T, Error>,
    ) -> Result<&mut T, Error> {
        let hash = self.hash(pairs.clone());
        let place = match self.find(hash, &pairs) {
            Some(place) => place,
            None => {
                let place = self.groups.len();
                let labels = Labels::from_sorted(pairs);
                let value = start(&labels)?;
                self.groups.push((labels, value));
                let (hashes, groups) = (&self.hashes, &self.groups);
                self.places.insert_unique(hash, place, |place| hash_pairs(hashes, groups[*place].0.pairs().iter()));
                place
            }
        };
        Ok(&mut self.groups[place].1)
    }

    fn hash<'p>(&self, pairs: impl Iterator<Item = &'p Pair>) -> u64 {
        hash_pairs(&self.hashes, pairs)
    }

    fn find<'p>(&self, hash: u64, pairs: &(impl Iterator<Item = &'p Pair> + Clone)) -> Option<usize> {
        self.places.find(hash, |place| self.groups[*place].0.pairs().iter().eq(pairs.clone())).copied()
    }
}

fn hash_pairs<'p>(hashes: &DefaultHashBuilder, pairs: impl Iterator<Item = &'p Pair>) -> u64 {
    let mut hasher = hashes.build_hasher();
    pairs.for_each(|pair| pair.hash(&mut hasher));
    hasher.finish()
}

impl<T> IntoIterator for Groups<T> {
    type Item = (Labels, T);
    type IntoIter = std::vec::IntoIter<(Labels, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.groups.into_iter()
    }
}

impl Grouping {
    /// Whether a label called `name` tells groups apart.
    pub(super) fn keeps(&self, name: &str) -> bool {
        match self {
            Self::By(labels) => names(labels, name),
            Self::Without(labels) => name != METRIC_NAME && !names(labels, name),
        }
    }
}

/// Whether `name` is among `labels`.
pub(super) fn names(labels: &[String], name: &str) -> bool {
    labels.iter().any(|label| label == name)
}
