//! A map from texts with one body for the whole page: each type of keys or values in a `BTreeMap` adds several kilobytes.
use std::collections::BTreeMap;

/// A map from texts to values, in the order of the texts. Nothing is ever removed.
#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    places: BTreeMap<String, usize>,
    values: Vec<V>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), values: Vec::new() }
    }
}

impl<V: PartialEq> PartialEq for Table<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<V: Eq> Eq for Table<V> {}

impl<V> Table<V> {
    /// The value of a text.
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.places.get(key).map(|place| &self.values[*place])
    }

    /// See [`Table::get`].
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.places.get(key).map(|place| &mut self.values[*place])
    }

    /// The value of a text, which is `new` if it has none yet.
    pub(crate) fn at(&mut self, key: &str, new: V) -> &mut V {
        let next = self.values.len();
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                self.places.insert(key.to_owned(), next);
                next
            }
        };
        if place == next {
            self.values.push(new);
        }
        &mut self.values[place]
    }

    /// The texts with their values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.places.iter().map(|(key, place)| (key.as_str(), &self.values[*place]))
    }

    /// The values, in the order in which their texts came.
    pub(crate) fn values(&self) -> &[V] {
        &self.values
    }

    /// See [`Table::values`].
    pub(crate) fn into_values(self) -> Vec<V> {
        self.values
    }

    /// See [`Table::values`].
    pub(crate) fn values_mut(&mut self) -> &mut [V] {
        &mut self.values
    }

    /// The number of texts.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Separates parts that are joined to one key: a control character, which is in no name.
const SEPARATOR: char = '\u{1f}';

/// A key of several parts.
pub(crate) fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for part in parts {
        key += part;
        key.push(SEPARATOR);
    }
    key
}

/// The parts of a key.
pub(crate) fn parts(key: &str) -> impl Iterator<Item = &str> {
    key.split_terminator(SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_in_order_and_values_as_they_came() {
        let mut table = Table::default();
        for key in ["b", "a", "c", "a"] {
            *table.at(key, 0) += 1;
        }
        assert_eq!(table.iter().collect::<Vec<_>>(), [("a", &2), ("b", &1), ("c", &1)]);
        assert_eq!((table.values(), table.len(), table.get("d")), (&[1, 2, 1][..], 3, None));
        let mut other = Table::default();
        for (key, value) in [("c", 1), ("a", 2), ("b", 1)] {
            other.at(key, value);
        }
        assert_eq!(table, other);
        *other.at("b", 0) = 7;
        assert_ne!(table, other);
    }

    #[test]
    fn parts_of_a_key_stay_apart() {
        for parts_of in [&["a", "", "b"][..], &["", "", ""], &["a b", "c", ""]] {
            assert_eq!(parts(&joined(parts_of.iter().copied())).collect::<Vec<_>>(), parts_of);
        }
        assert_ne!(joined(["a", "bc"]), joined(["ab", "c"]));
    }
}
