//! Which series there are, and which of them a selector asks for.
use crate::group::Rows;
use promql::{Labels, MatchOp, Matcher, Selector};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Series by number; numbers only ever grow, so lists of them stay sorted.
#[derive(Debug, Default)]
pub(crate) struct Index {
    series: HashMap<u32, Series>,
    by_labels: HashMap<Labels, u32>,
    /// Label name, then value, to the series that carry it, in order.
    by_label: HashMap<Arc<str>, HashMap<Arc<str>, Vec<u32>>>,
    next_series: u32,
}

/// A label set and where its samples are.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// More than one when two targets wrote the same label set, such as before and after a change of configuration.
    pub(crate) places: Vec<Place>,
}

/// Samples of a series within one group.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) rows: Arc<Rows>,
    pub(crate) slot: u32,
}

/// What names a place: its scrapes and its slot among them.
pub(crate) type PlaceKey = (*const Rows, u32);

impl Place {
    fn key(&self) -> PlaceKey {
        (Arc::as_ptr(&self.rows), self.slot)
    }
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// The slot of the series with `labels` in `rows`: the known one, or `next_slot` for a new one. None where it
    /// would be a new series above `limit`.
    pub(crate) fn register(&mut self, labels: &Labels, rows: &Arc<Rows>, next_slot: u32, limit: usize) -> Option<u32> {
        let place = Place { rows: Arc::clone(rows), slot: next_slot };
        if let Some(series) = self.by_labels.get(labels).and_then(|number| self.series.get_mut(number)) {
            if let Some(known) = series.places.iter().find(|known| Arc::ptr_eq(&known.rows, rows)) {
                return Some(known.slot);
            }
            series.places.push(place);
            return Some(next_slot);
        }
        if self.series.len() >= limit {
            return None;
        }
        let number = self.next_series;
        self.next_series = number.checked_add(1)?;
        let labels = self.intern(labels, number);
        self.by_labels.insert(labels.clone(), number);
        self.series.insert(number, Series { labels, places: vec![place] });
        Some(next_slot)
    }

    /// Lists `number` under each label, and gives the same labels made of the strings that are kept anyway.
    fn intern(&mut self, labels: &Labels, number: u32) -> Labels {
        Labels::from_pairs(labels.pairs().iter().map(|(name, value)| {
            let name = self.by_label.get_key_value(name).map_or(name, |(kept, _)| kept).clone();
            let values = self.by_label.entry(Arc::clone(&name)).or_default();
            let value = values.get_key_value(value).map_or(value, |(kept, _)| kept).clone();
            values.entry(Arc::clone(&value)).or_default().push(number);
            (name, value)
        }))
    }

    /// All places, in no order.
    pub(crate) fn places(&self) -> impl Iterator<Item = PlaceKey> {
        self.series.values().flat_map(|series| &series.places).map(Place::key)
    }

    /// Takes places away, and the series that have none left. Those that are scraped
    /// (again) stay.
    pub(crate) fn remove(&mut self, places: &HashSet<PlaceKey>) {
        if places.is_empty() {
            return;
        }
        let mut gone = HashSet::new();
        self.series.retain(|number, series| {
            series
                .places
                .retain(|Place { rows, slot }| !places.contains(&(Arc::as_ptr(rows), *slot)) || rows.is_live(*slot));
            if series.places.is_empty() {
                gone.insert(*number);
            }
            !series.places.is_empty()
        });
        if gone.is_empty() {
            return;
        }
        self.by_labels.retain(|_, number| !gone.contains(number));
        for values in self.by_label.values_mut() {
            values.retain(|_, numbers| {
                numbers.retain(|number| !gone.contains(number));
                !numbers.is_empty()
            });
        }
        self.by_label.retain(|_, values| !values.is_empty());
    }

    /// The series that `selector` asks for.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<Series> {
        let numbers = union(selector.any_of.iter().map(|matchers| self.matching_all(matchers)));
        numbers.iter().filter_map(|number| self.series.get(number).cloned()).collect()
    }

    /// Works on label values, of which there are few, and not on series. A matcher that a missing label satisfies
    /// is answered from the other side: the series whose value does not match are taken away.
    fn matching_all(&self, matchers: &[Matcher]) -> Vec<u32> {
        let (take_away, wanted): (Vec<_>, Vec<_>) = matchers.iter().partition(|matcher| matcher.matches(""));
        let mut lists: Vec<Vec<u32>> = wanted.into_iter().map(|matcher| self.listed(matcher, true)).collect();
        lists.sort_by_key(Vec::len);
        let mut lists = lists.into_iter();
        let mut numbers = lists.next().unwrap_or_else(|| {
            let mut all: Vec<u32> = self.series.keys().copied().collect();
            all.sort_unstable();
            all
        });
        for list in lists {
            numbers.retain(|number| list.binary_search(number).is_ok());
        }
        for matcher in take_away {
            let list = self.listed(matcher, false);
            numbers.retain(|number| list.binary_search(number).is_err());
        }
        numbers
    }

    /// The series that carry the matcher's label with a value for which it answers `matching`.
    fn listed(&self, matcher: &Matcher, matching: bool) -> Vec<u32> {
        let Some(values) = self.by_label.get(matcher.name.as_str()) else { return Vec::new() };
        if matches!(matcher.op, MatchOp::Equal) && matching {
            return values.get(matcher.value.as_str()).cloned().unwrap_or_default();
        }
        union(values.iter().filter(|(value, _)| matcher.matches(value) == matching).map(|(_, numbers)| numbers.clone()))
    }
}

/// What is in any of the sorted lists, sorted.
fn union(lists: impl Iterator<Item = Vec<u32>>) -> Vec<u32> {
    let mut all = Vec::new();
    let mut count = 0;
    for list in lists {
        all.extend(list);
        count += 1;
    }
    if count > 1 {
        all.sort_unstable();
        all.dedup();
    }
    all
}
