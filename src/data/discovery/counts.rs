//! Which metric names each key has, from two counts: how many keys have a name, and how many names a key has.
//!
//! Most keys of a fleet have the same names, which the counts alone tell: a name that is counted as often as there are keys
//! is one of each key. What they leave open is queried of a few keys that stand for the others, and the counts say whether
//! that was right.
use crate::data::discovery::inventory::{Group, Inventory, ScopeKey};
use crate::wasm_size::sort::set;
use catalogue::ScopeLabels;
use prometheus_api::{InstantValue, Series};
use std::collections::{BTreeMap, BTreeSet};

/// The limit of keys whose names are queried one by one.
const MAX_QUERIED_KEYS: usize = 24;

/// How many keys of each group have a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameCounts(BTreeMap<Group, BTreeMap<String, usize>>);

impl NameCounts {
    /// Reads the answer to the query for names.
    pub(crate) fn from_vector(vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut counts = Self::default();
        for series in vector {
            let name = series.metric.get("__name__").cloned().unwrap_or_default();
            let group = counts.0.entry(ScopeKey::of(&series.metric, labels).group()).or_default();
            *group.entry(name).or_default() += count(series);
        }
        counts
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

/// Both counts.
pub(crate) struct Counts<'a> {
    names: &'a NameCounts,
    keys: BTreeMap<ScopeKey, usize>,
    groups: BTreeMap<Group, GroupNames>,
}

impl<'a> Counts<'a> {
    /// Reads the answer to the query for keys beside that for names.
    pub(crate) fn new(names: &'a NameCounts, vector: &[Series<InstantValue>], labels: &ScopeLabels) -> Self {
        let mut keys = BTreeMap::new();
        for series in vector {
            *keys.entry(ScopeKey::of(&series.metric, labels)).or_default() += count(series);
        }
        let mut sizes: BTreeMap<Group, usize> = BTreeMap::new();
        for key in keys.keys() {
            *sizes.entry(key.group()).or_default() += 1;
        }
        let mut groups: BTreeMap<Group, GroupNames> = BTreeMap::new();
        for (group, counted) in &names.0 {
            let own = groups.entry(group.clone()).or_default();
            own.all.extend(counted.keys().cloned());
            let is_common = |count: usize| sizes.get(group) == Some(&count);
            own.common.extend(counted.iter().filter(|(_, count)| is_common(**count)).map(|(name, _)| name.clone()));
        }
        Self { names, keys, groups }
    }

    /// The keys whose names have to be queried: those that the counts leave open or, if they are many, one of each number
    /// of names. None if those are too many too.
    pub(crate) fn open_keys(&self) -> Option<Vec<&ScopeKey>> {
        let mut open = Vec::new();
        let mut of_each = BTreeMap::new();
        for (key, count) in &self.keys {
            let group = key.group();
            if self.groups.get(&group).is_none_or(|own| own.of_count(*count).is_none()) {
                open.push(key);
                of_each.entry((group, *count)).or_insert(key);
            }
        }
        if open.len() > MAX_QUERIED_KEYS {
            open = of_each.into_values().collect();
        }
        (open.len() <= MAX_QUERIED_KEYS).then_some(open)
    }

    /// The names that some keys of a group have and others have not, of the groups of these keys.
    pub(crate) fn open_names(&self, keys: &[&ScopeKey]) -> Vec<String> {
        let own = keys.iter().filter_map(|key| self.groups.get(&key.group()));
        set(own.flat_map(|own| own.all.difference(&own.common)).cloned()).into_iter().collect()
    }

    /// The inventory, given the open names of keys. None where it would contradict the counts: keys with the same number
    /// of names have different ones, or the fleet has changed between two queries.
    pub(crate) fn inventory(&self, mut queried: BTreeMap<ScopeKey, BTreeSet<String>>) -> Option<Inventory> {
        let mut examples = BTreeMap::new();
        for (key, names) in &mut queried {
            names.extend(self.groups.get(&key.group()).into_iter().flat_map(|own| own.common.iter().cloned()));
        }
        for (key, names) in &queried {
            examples.entry((key.group(), names.len())).or_insert(names);
        }
        let (mut kinds, mut keys) = (Vec::<BTreeSet<String>>::new(), BTreeMap::new());
        let mut kinds_of_counts: BTreeMap<(Group, usize), usize> = BTreeMap::new();
        let mut found: BTreeMap<(Group, usize), usize> = BTreeMap::new();
        let mut kind_of = |names: &BTreeSet<String>| {
            kinds.iter().position(|kind| kind == names).unwrap_or_else(|| {
                kinds.push(names.clone());
                kinds.len() - 1
            })
        };
        for (key, count) in &self.keys {
            let class = (key.group(), *count);
            let kind = match (queried.get(key), kinds_of_counts.get(&class)) {
                (Some(names), _) => kind_of(names),
                (None, Some(kind)) => *kind,
                (None, None) => {
                    let counted = self.groups.get(&class.0).and_then(|group| group.of_count(*count));
                    let kind = kind_of(counted.or_else(|| examples.get(&class).copied())?);
                    kinds_of_counts.insert(class.clone(), kind);
                    kind
                }
            };
            *found.entry((class.0, kind)).or_default() += 1;
            keys.insert(key.clone(), kind);
        }
        let mut counts = NameCounts::default();
        for ((group, kind), number) in found {
            let group = counts.0.entry(group).or_default();
            for name in &kinds[kind] {
                *group.entry(name.clone()).or_default() += number;
            }
        }
        (counts == *self.names).then(|| Inventory::of_kinds(kinds, keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::discovery::inventory::names_by_key;
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
            let mut queried = names_by_key(&self.rows(), &labels);
            queried.retain(|key, _| open.contains(&key));
            let names = counts.open_names(&open);
            queried.values_mut().for_each(|own| own.retain(|name| names.contains(name)));
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
        let few = replicas(20, |at| if at % 2 == 0 { vec!["up", "a"] } else { vec!["up", "c"] });
        assert_eq!(few.found(), Some((few.all(), 20)), "few are all queried");
    }

    #[test]
    fn what_one_replica_cannot_say_for_others_is_noticed() {
        let fleet = replicas(1000, |at| if at % 2 == 0 { vec!["up", "a"] } else { vec!["up", "c"] });
        assert_eq!(fleet.found(), None, "the same number of names, and other ones");
        let varied = replicas(1000, |at| ["up", "a", "b", "c", "d", "e", "f", "g"][..=at % 8].to_vec());
        assert_eq!(varied.found().map(|found| found.1), Some(6));
        let (labels, before) = (ScopeLabels::default(), replicas(3, |_| vec!["up"]).names());
        let counts = Counts::new(&before, &replicas(4, |_| vec!["up"]).keys(), &labels);
        assert_eq!(counts.inventory(BTreeMap::new()), None, "one more replica between two queries");
    }
}
