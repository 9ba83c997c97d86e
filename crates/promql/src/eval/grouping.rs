//! Which group of an aggregation a series belongs to.
use super::frame::Row;
use crate::ast::Grouping;
use crate::{Labels, METRIC_NAME};
use std::collections::HashMap;

/// Groups in the order in which they were met.
pub(super) struct Groups<'g, T> {
    grouping: &'g Grouping,
    places: HashMap<Labels, usize>,
    pub(super) groups: Vec<(Labels, T)>,
}

impl<'g, T> Groups<'g, T> {
    pub(super) fn new(grouping: &'g Grouping) -> Self {
        Self { grouping, places: HashMap::new(), groups: Vec::new() }
    }

    /// The group of `row`'s series; `start` makes the state of a group not met before.
    pub(super) fn of<E>(&mut self, row: &Row<'_>, start: impl FnOnce(&Labels) -> Result<T, E>) -> Result<&mut T, E> {
        let key = key(self.grouping, row);
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let state = start(&key)?;
                self.places.insert(key.clone(), self.groups.len());
                self.groups.push((key, state));
                self.groups.len() - 1
            }
        };
        Ok(&mut self.groups[place].1)
    }
}

/// The labels by which `row`'s series is grouped.
pub(super) fn key(grouping: &Grouping, row: &Row<'_>) -> Labels {
    let named = |labels: &[String], name: &str| labels.iter().any(|label| label == name);
    match grouping {
        Grouping::By(labels) if labels.is_empty() => Labels::default(),
        Grouping::By(labels) => row.filtered(|name| named(labels, name)),
        Grouping::Without(labels) => row.filtered(|name| name != METRIC_NAME && !named(labels, name)),
    }
}
