//! Things told apart by label sets, such as the groups of an aggregation.
use super::frame::Row;
use crate::ast::Grouping;
use crate::{Error, Labels, METRIC_NAME};
use std::collections::HashMap;

/// Values by label set, in the order in which the label sets were met.
pub(crate) struct Groups<T> {
    places: HashMap<Labels, usize>,
    groups: Vec<(Labels, T)>,
}

impl<T> Groups<T> {
    pub(crate) fn new() -> Self {
        Self { places: HashMap::new(), groups: Vec::new() }
    }

    pub(crate) fn get(&self, labels: &Labels) -> Option<&T> {
        self.places.get(labels).map(|place| &self.groups[*place].1)
    }

    /// The value of `labels`; `start` makes that of a label set not met before, and may fail.
    pub(crate) fn entry(
        &mut self,
        labels: Labels,
        start: impl FnOnce(&Labels) -> Result<T, Error>,
    ) -> Result<&mut T, Error> {
        let place = match self.places.get(&labels) {
            Some(place) => *place,
            None => {
                let value = start(&labels)?;
                self.places.insert(labels.clone(), self.groups.len());
                self.groups.push((labels, value));
                self.groups.len() - 1
            }
        };
        Ok(&mut self.groups[place].1)
    }
}

impl<T> IntoIterator for Groups<T> {
    type Item = (Labels, T);
    type IntoIter = std::vec::IntoIter<(Labels, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.groups.into_iter()
    }
}

impl Grouping {
    /// The labels by which `row`'s series is grouped.
    pub(super) fn key(&self, row: &Row<'_>) -> Labels {
        match self {
            Self::By(labels) if labels.is_empty() => Labels::default(),
            Self::By(labels) => row.filtered(|name| names(labels, name)),
            Self::Without(labels) => row.filtered(|name| name != METRIC_NAME && !names(labels, name)),
        }
    }
}

/// Whether `name` is among `labels`.
pub(super) fn names(labels: &[String], name: &str) -> bool {
    labels.iter().any(|label| label == name)
}
