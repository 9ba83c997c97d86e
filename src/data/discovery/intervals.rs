//! How often targets are scraped, by the scope that their series have.
use crate::data::discovery::inventory::{Inventory, Labels, ScopeKey};
use crate::wasm_size::sort::sort_by;
use crate::wasm_size::table::Table;
use catalogue::{Scope, ScopeLabels};
use prometheus_api::{Number, RangeValues, Series};

/// The scrape interval that is assumed until one has been measured.
const DEFAULT_INTERVAL_MS: i64 = 15_000;

/// The window in which [`Intervals::add_counts`] counts samples, in milliseconds.
pub(crate) const COUNT_WINDOW_MS: i64 = 900_000;

/// The shortest and the longest interval at which the targets behind some series are scraped. Steps fit the shortest,
/// windows the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeIntervals {
    /// That of the target that is scraped most often, in milliseconds.
    pub shortest_ms: i64,
    /// That of the target that is scraped least often.
    pub longest_ms: i64,
}

impl Default for ScrapeIntervals {
    fn default() -> Self {
        Self { shortest_ms: DEFAULT_INTERVAL_MS, longest_ms: DEFAULT_INTERVAL_MS }
    }
}

impl ScrapeIntervals {
    /// The same interval for all.
    pub(crate) fn of(interval_ms: i64) -> Self {
        Self { shortest_ms: interval_ms, longest_ms: interval_ms }
    }

    /// Those of the targets behind either.
    pub(crate) fn or(self, other: Self) -> Self {
        let shortest_ms = self.shortest_ms.min(other.shortest_ms);
        Self { shortest_ms, longest_ms: self.longest_ms.max(other.longest_ms) }
    }
}

/// The scrape intervals of targets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intervals {
    /// By replica, since a fleet has many: the targets of one are few.
    targets: Table<Vec<(ScopeKey, ScrapeIntervals)>>,
    /// What numbers of samples say of groups of keys without a replica, and of those with one.
    groups: [Table<ScrapeIntervals>; 2],
    /// Whether these count also for targets that are known.
    is_long: bool,
}

impl Intervals {
    /// The intervals of targets, by their labels. With `is_long`, what is counted in the range counts for all of them.
    pub(crate) fn new<'a>(
        targets: impl Iterator<Item = (&'a Labels, ScrapeIntervals)>,
        labels: &ScopeLabels,
        is_long: bool,
    ) -> Self {
        let mut all = Self { is_long, ..Self::default() };
        for (target, own) in targets {
            all.add(ScopeKey::of(target, labels), own);
        }
        all
    }

    /// Adds what the numbers of samples in windows of [`COUNT_WINDOW_MS`] say of groups. A single low number is the
    /// beginning, the end or a gap of a series, so the second lowest counts.
    pub(crate) fn add_counts(&mut self, counts: &[Series<RangeValues>], labels: &ScopeLabels, has_replica: bool) {
        for series in counts {
            let mut counts: Vec<f64> = series.samples.values.iter().map(|(_, count)| count.0).collect();
            sort_by(&mut counts, f64::total_cmp);
            let Some(high) = counts.last() else { continue };
            let low = counts.get(1).unwrap_or(high);
            let interval_ms = |count: f64| (COUNT_WINDOW_MS as f64 / count.max(1.0) / 100.0).round() as i64 * 100;
            let own = ScrapeIntervals { shortest_ms: interval_ms(*high), longest_ms: interval_ms(*low) };
            let group = ScopeKey::of(&series.metric, labels).group();
            let known = self.groups[usize::from(has_replica)].at(&group, own);
            *known = known.or(own);
        }
    }

    fn add(&mut self, key: ScopeKey, own: ScrapeIntervals) {
        let targets = self.targets.at(&key.replica, Vec::new());
        match targets.iter_mut().find(|(other, _)| *other == key) {
            Some((_, known)) => *known = known.or(own),
            None => targets.push((key, own)),
        }
    }

    /// Takes over what was counted.
    pub(crate) fn with_counts_of(self, others: &Self) -> Self {
        Self { groups: others.groups.clone(), ..self }
    }

    /// Whether nothing has been measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.groups.iter().all(Table::is_empty)
    }

    /// The intervals of the targets behind the series that `names` selects within the scope.
    pub(crate) fn of(&self, inventory: &Inventory, scope: &Scope, names: &[String]) -> ScrapeIntervals {
        let own = inventory.keys_with(scope, names).filter_map(|key| self.of_key(key));
        own.reduce(ScrapeIntervals::or).unwrap_or_default()
    }

    /// The intervals of all targets within the scope.
    pub(crate) fn of_scope(&self, scope: &Scope) -> ScrapeIntervals {
        let targets = self.targets.values().iter().flatten().filter(|(key, _)| key.is_within(scope));
        let groups = self.groups.iter().flat_map(Table::iter);
        let groups = groups.filter(|(group, _)| ScopeKey::of_group(group).is_within(scope)).map(|(_, own)| *own);
        targets.map(|(_, own)| *own).chain(groups).reduce(ScrapeIntervals::or).unwrap_or_default()
    }

    /// The intervals of a key: those of its targets, or what was counted of its group.
    pub(crate) fn of_key(&self, key: &ScopeKey) -> Option<ScrapeIntervals> {
        let own = self.of_targets(key);
        let groups = &self.groups[usize::from(!key.replica.is_empty())];
        if own.is_some() && (!self.is_long || groups.is_empty()) {
            return own;
        }
        let group = groups.get(&key.group()).copied();
        own.into_iter().chain(group).reduce(ScrapeIntervals::or)
    }

    /// The intervals of the targets that are most like a key: those that share most of its parts and contradict none. A
    /// replica is known only by its own scrapes.
    fn of_targets(&self, key: &ScopeKey) -> Option<ScrapeIntervals> {
        let likeness = |other: &ScopeKey| {
            let parts = key.parts().into_iter().zip(other.parts());
            let mut shared = 0;
            for (own, other) in parts {
                match own == other {
                    true => shared += 1 + 4 * usize::from(!own.is_empty()),
                    false if own.is_empty() || other.is_empty() => {}
                    false => return None,
                }
            }
            Some(shared)
        };
        let mut most: Option<(usize, ScrapeIntervals)> = None;
        let mut consider = |targets: &[(ScopeKey, ScrapeIntervals)]| {
            for (other, own) in targets {
                let Some(shared) = likeness(other) else { continue };
                most = match most {
                    Some((best, _)) if best > shared => most,
                    Some((best, all)) if best == shared => Some((best, all.or(*own))),
                    _ => Some((shared, *own)),
                };
            }
        };
        match key.replica.is_empty() {
            true => self.targets.values().iter().for_each(|targets| consider(targets)),
            false => consider(self.targets.get(&key.replica)?),
        }
        most.map(|(_, own)| own)
    }
}

/// An interval in seconds as milliseconds, to a tenth of a second.
pub(crate) fn rounded_ms(interval_s: f64) -> i64 {
    ((interval_s * 10.0).round() as i64 * 100).max(100)
}

/// The median distance between samples, to a tenth of a second; none for less than two samples.
pub(crate) fn median_distance_ms(samples: &[(f64, Number)]) -> Option<i64> {
    let distance_ms = |pair: &[(f64, Number)]| ((pair[1].0 - pair[0].0) * 10.0).round() as i64 * 100;
    let mut distances: Vec<i64> = samples.windows(2).map(distance_ms).filter(|distance| *distance > 0).collect();
    sort_by(&mut distances, i64::cmp);
    distances.get(distances.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::InstantValue;

    fn series(labels: &[(&str, &str)], values: &[(f64, f64)]) -> Series<RangeValues> {
        let metric = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let values = values.iter().map(|(time_s, value)| (*time_s, Number(*value))).collect();
        Series { metric, samples: RangeValues { values } }
    }

    fn intervals(targets: &[(&[(&str, &str)], i64)], labels: &ScopeLabels) -> Intervals {
        let target =
            |(pairs, interval_ms): &(&[(&str, &str)], i64)| (series(pairs, &[]).metric, interval(*interval_ms));
        let targets: Vec<(Labels, ScrapeIntervals)> = targets.iter().map(target).collect();
        Intervals::new(targets.iter().map(|(target, own)| (target, *own)), labels, false)
    }

    fn inventory(rows: &[&[(&str, &str)]]) -> Inventory {
        let one = |labels: &&[(&str, &str)]| Series {
            metric: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            samples: InstantValue { value: (0.0, Number(1.0)) },
        };
        let vector: Vec<Series<InstantValue>> = rows.iter().map(one).collect();
        Inventory::from_vector(&vector, &ScopeLabels::default())
    }

    fn interval(interval_ms: i64) -> ScrapeIntervals {
        ScrapeIntervals::of(interval_ms)
    }

    #[test]
    fn the_interval_of_a_target_is_the_median_distance_of_its_samples() {
        let at = |times: &[f64]| times.iter().map(|time| (*time, Number(1.0))).collect::<Vec<_>>();
        assert_eq!(median_distance_ms(&at(&[0.0, 5.003, 10.001, 25.0])), Some(5000));
        assert_eq!(median_distance_ms(&at(&[3.0])), None);
    }

    #[test]
    fn a_graph_has_the_intervals_of_the_targets_that_feed_it() {
        let labels = ScopeLabels::default();
        let quick: &[(&str, &str)] = &[("model", "a"), ("replica", "quick")];
        let slow: &[(&str, &str)] = &[("model", "b"), ("replica", "slow")];
        let intervals = intervals(&[(quick, 5000), (slow, 60_000), (&[("job", "host")], 1000)], &labels);
        let inventory = inventory(&[
            &[("__name__", "x"), ("model", "a"), ("replica", "quick")],
            &[("__name__", "y"), ("model", "b"), ("replica", "slow")],
            &[("__name__", "x"), ("model", "b"), ("replica", "slow")],
            &[("__name__", "node"), ("job", "host")],
            &[("__name__", "imported"), ("model", "c"), ("replica", "old")],
        ]);
        let of = |scope: &Scope, name: &str| intervals.of(&inventory, scope, &[name.to_owned()]);
        let all = Scope::default();
        assert_eq!(of(&all, "x"), ScrapeIntervals { shortest_ms: 5000, longest_ms: 60_000 });
        assert_eq!(of(&all, "y"), interval(60_000));
        assert_eq!(of(&Scope { model: Some("a".into()), ..Scope::default() }, "x"), interval(5000));
        assert_eq!(of(&all, "node"), interval(1000));
        assert_eq!(of(&all, "imported"), ScrapeIntervals::default(), "another replica says nothing about this one");
    }

    #[test]
    fn a_prometheus_whose_up_has_no_model_names_the_replica() {
        let labels = ScopeLabels::of_prometheus();
        let intervals = intervals(&[(&[("job", "vllm"), ("instance", "a:8000")], 30_000)], &labels);
        let metric = series(&[("model_name", "m"), ("job", "vllm"), ("instance", "a:8000")], &[]).metric;
        assert_eq!(intervals.of_key(&ScopeKey::of(&metric, &labels)), Some(interval(30_000)));
    }

    #[test]
    fn counts_say_the_interval_and_beginnings_and_gaps_do_not() {
        let labels = ScopeLabels::default();
        let counts = [7.0, 60.0, 60.0, 180.0, 180.0].iter().enumerate();
        let values: Vec<(f64, f64)> = counts.map(|(at, count)| (at as f64, *count)).collect();
        let key = |model| ScopeKey::of(&series(&[("model", model), ("replica", "a")], &[]).metric, &labels);
        let counted = ScrapeIntervals { shortest_ms: 5000, longest_ms: 15_000 };
        for (is_long, expected) in [(false, interval(1000)), (true, ScrapeIntervals { shortest_ms: 1000, ..counted })] {
            let known = series(&[("model", "m"), ("replica", "known")], &[]).metric;
            let mut intervals = Intervals::new([(&known, interval(1000))].into_iter(), &labels, is_long);
            intervals.add_counts(&[series(&[("model", "m")], &values)], &labels, true);
            assert_eq!(intervals.of_key(&key("m")), Some(counted), "a replica without scrapes");
            assert_eq!(intervals.of_key(&key("other")), None, "another model says nothing about this one");
            assert_eq!(intervals.of_key(&ScopeKey::of(&known, &labels)), Some(expected), "{is_long}");
        }
    }
}
