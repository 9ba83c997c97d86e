//! Which metric names each key has, from two counts: how many keys have a name, and how many names a key has.
//!
//! Most keys of a fleet have the same names, which the counts alone tell: a name that is counted as often as there are keys
//! is one of each key. What they leave open is queried of a few keys that stand for the others, and the counts say whether
//! that was right.
use crate::data::discovery::inventory::{Inventory, NamesByKey, ScopeKey};
use crate::wasm_size::sort::{set, sort_by};
use crate::wasm_size::table::{Table, joined};
use catalogue::ScopeLabels;
use prometheus_api::{InstantValue, Series};
use std::collections::BTreeSet;

/// The limit of keys whose names are queried one by one.
const MAX_QUERIED_KEYS: usize = 24;

/// How many keys of each group have a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameCounts(Table<Table<usize>>);

impl NameCounts {
    /// Reads the answer to the query for names.
    pub(crate) fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut counts = Self::default();
        for series in vector {
            let name = series.metric.get("__name__").map_or("", String::as_str);
            counts.add(&ScopeKey::of(&series.metric, labels).group(), name, count(series));
        }
        counts
    }

    fn add(&mut self, group: &str, name: &str, count: usize) {
        *self.0.at(group, Table::default()).at(name, 0) += count;
    }
}

fn count(series: &Series<InstantValue>) -> usize {
    series.samples.value.1.0 as usize
}

/// The names of a group's keys as far as they follow from the counts.
#[derive(Default)]
struct GroupNames {
    /// Those that each key has.
    common: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl GroupNames {
    /// The names of a key that has so many of them; none if the number does not say it.
    fn of_count(&self, count: usize) -> Option<&BTreeSet<String>> {
        [&self.common, &self.all].into_iter().find(|names| names.len() == count)
    }
}

/// A key with the number of its names.
struct CountedKey {
    key: ScopeKey,
    group: String,
    count: usize,
}

impl CountedKey {
    /// What keys have in common that probably have the same names.
    fn class(&self) -> String {
        class(&self.group, self.count)
    }
}

fn class(group: &str, count: usize) -> String {
    joined([group, &count.to_string()])
}

/// Both counts.
pub(crate) struct Counts<'a> {
    names: &'a NameCounts,
    /// In order of the keys.
    keys: Vec<CountedKey>,
    groups: Table<GroupNames>,
}

impl<'a> Counts<'a> {
    /// Reads the answer to the query for keys beside that for names.
    pub(crate) fn new(names: &'a NameCounts, vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut keys: Vec<CountedKey> = Vec::with_capacity(vector.len());
        for series in vector {
            let key = ScopeKey::of(&series.metric, labels);
            keys.push(CountedKey { group: key.group(), key, count: count(series) });
        }
        sort_by(&mut keys, |a, b| a.key.cmp(&b.key));
        keys.dedup_by(|next, key| {
            let is_same = next.key == key.key;
            key.count += if is_same { next.count } else { 0 };
            is_same
        });
        let mut sizes: Table<usize> = Table::default();
        for key in &keys {
            *sizes.at(&key.group, 0) += 1;
        }
        let mut groups: Table<GroupNames> = Table::default();
        for (group, counted) in names.0.iter() {
            let own = groups.at(group, GroupNames::default());
            own.all.extend(counted.iter().map(|(name, _)| name.to_owned()));
            let size = sizes.get(group);
            own.common.extend(counted.iter().filter(|(_, count)| size == Some(count)).map(|(name, _)| name.to_owned()));
        }
        Self { names, keys, groups }
    }

    /// The keys whose names have to be queried: of those that the counts leave open, one of each number of names. None if
    /// these are too many.
    pub(crate) fn open_keys(&self) -> Option<Vec<&ScopeKey>> {
        let mut of_each = Table::default();
        for own in &self.keys {
            if self.groups.get(&own.group).is_none_or(|group| group.of_count(own.count).is_none()) {
                of_each.at(&own.class(), &own.key);
            }
        }
        (of_each.len() <= MAX_QUERIED_KEYS).then(|| of_each.values().to_vec())
    }

    /// The names that some keys of a group have and others have not, of the groups of these keys.
    pub(crate) fn open_names(&self, keys: &[&ScopeKey]) -> Vec<String> {
        let own = keys.iter().filter_map(|key| self.groups.get(&key.group()));
        set(own.flat_map(|own| own.all.iter().filter(|name| !own.common.contains(*name))).cloned())
            .into_iter()
            .collect()
    }

    /// The inventory, given the open names of keys. None where it would contradict the counts: keys with the same number
    /// of names have different ones, or the fleet has changed between two queries.
    pub(crate) fn inventory(&self, queried: NamesByKey) -> Option<Inventory> {
        let mut examples = Table::default();
        for (key, mut names) in queried.0 {
            let group = key.group();
            names.extend(self.groups.get(&group).into_iter().flat_map(|own| own.common.iter().cloned()));
            examples.at(&class(&group, names.len()), names);
        }
        let (mut kinds, mut keys) = (Vec::<BTreeSet<String>>::new(), Vec::with_capacity(self.keys.len()));
        let mut kinds_of_classes: Table<usize> = Table::default();
        // How many keys of each group have a kind.
        let mut found: Table<Vec<usize>> = Table::default();
        for own in &self.keys {
            let class = own.class();
            let kind = match kinds_of_classes.get(&class) {
                Some(kind) => *kind,
                None => {
                    let counted = self.groups.get(&own.group).and_then(|group| group.of_count(own.count));
                    let names = counted.or_else(|| examples.get(&class))?;
                    let kind = kinds.iter().position(|kind| kind == names).unwrap_or_else(|| {
                        kinds.push(names.clone());
                        kinds.len() - 1
                    });
                    *kinds_of_classes.at(&class, kind)
                }
            };
            let numbers = found.at(&own.group, Vec::new());
            numbers.resize(numbers.len().max(kind + 1), 0);
            numbers[kind] += 1;
            keys.push((own.key.clone(), kind));
        }
        let mut counts = NameCounts::default();
        for (group, numbers) in found.iter() {
            for (names, number) in kinds.iter().zip(numbers).filter(|(_, number)| **number > 0) {
                names.iter().for_each(|name| counts.add(group, name, *number));
            }
        }
        (counts == *self.names).then(|| Inventory::of_kinds(kinds, keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::Number;

    /// The answers of a server whose replicas have these names.
    struct Server(Vec<(String, Vec<&'static str>)>);

    impl Server {
        fn rows(&self) -> Vec<Series<InstantValue>> {
            let row = |replica: &String, name: &str| series(&[("__name__", name), ("replica", replica)], 1);
            self.0.iter().flat_map(|(replica, names)| names.iter().map(move |name| row(replica, name))).collect()
        }

        fn names(&self) -> NameCounts {
            NameCounts::from_vector(&self.rows(), &ScopeLabels::default())
        }

        fn keys(&self) -> Vec<Series<InstantValue>> {
            self.0.iter().map(|(replica, names)| series(&[("replica", replica)], names.len())).collect()
        }

        /// The inventory, and of how many keys the names were queried; none if those of all have to be.
        fn found(&self) -> Option<(Inventory, usize)> {
            let (labels, names) = (ScopeLabels::default(), self.names());
            let counts = Counts::new(&names, &self.keys(), &labels);
            let open = counts.open_keys()?;
            let mut queried = NamesByKey::from_vector(&self.rows(), &labels);
            queried.0.retain(|(key, _)| open.contains(&key));
            let names = counts.open_names(&open);
            queried.0.iter_mut().for_each(|(_, own)| own.retain(|name| names.contains(name)));
            Some((counts.inventory(queried)?, open.len()))
        }

        fn all(&self) -> Inventory {
            Inventory::from_vector(&self.rows(), &ScopeLabels::default())
        }
    }

    fn series(labels: &[(&str, &str)], count: usize) -> Series<InstantValue> {
        let metric = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { metric, samples: InstantValue { value: (0.0, Number(count as f64)) } }
    }

    fn replicas(number: usize, names: impl Fn(usize) -> Vec<&'static str>) -> Server {
        Server((0..number).map(|at| (format!("r{at:04}"), names(at))).collect())
    }

    #[test]
    fn replicas_of_one_kind_are_not_queried() {
        let fleet = replicas(1000, |_| vec!["up", "a", "b"]);
        assert_eq!(fleet.found(), Some((fleet.all(), 0)));
        let fleet = replicas(1000, |at| if at % 3 == 0 { vec!["up", "a"] } else { vec!["up"] });
        assert_eq!(fleet.found(), Some((fleet.all(), 0)), "those with the common names, and those with all");
    }

    #[test]
    fn of_many_replicas_with_the_same_number_of_names_one_is_queried() {
        let fleet = replicas(1000, |at| match at % 3 {
            0 => vec!["up"],
            1 => vec!["up", "a", "b"],
            _ => vec!["up", "c"],
        });
        assert_eq!(fleet.found(), Some((fleet.all(), 2)));
    }

    #[test]
    fn what_one_replica_cannot_say_for_others_is_noticed() {
        let fleet = replicas(1000, |at| if at % 2 == 0 { vec!["up", "a"] } else { vec!["up", "c"] });
        assert_eq!(fleet.found(), None, "the same number of names, and other ones");
        let varied = replicas(1000, |at| ["up", "a", "b", "c", "d", "e", "f", "g"][..=at % 8].to_vec());
        assert_eq!(varied.found().map(|found| found.1), Some(6));
        let (labels, before) = (ScopeLabels::default(), replicas(3, |_| vec!["up"]).names());
        let counts = Counts::new(&before, &replicas(4, |_| vec!["up"]).keys(), &labels);
        assert_eq!(counts.inventory(NamesByKey::default()), None, "one more replica between two queries");
    }
}
