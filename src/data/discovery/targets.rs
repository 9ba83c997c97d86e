//! The targets of a scope and whether they answer: queried once, and then only what has changed.
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::Inventory;
use crate::data::discovery::model_targets::ModelTargets;
use crate::data::discovery::scope_key::{Labels, ScopeKey, text_of, without};
use crate::data::discovery::scrapes::ReplicaCount;
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::data::http::server_clock::browser_ms;
use crate::wasm_size::table::Table;
use catalogue::{ALL_LINE, GONE, LATE_LINE, LINE_LABEL, Scope, ScopeLabels, TargetQueries};
use prometheus_api::{Data, InstantValue, Series};

/// A target whose last sample is older than this many scrape intervals does not count.
const MAX_AGE_INTERVALS: i64 = 3;

/// Changes are queried of the time since the last answer and of this before, since samples arrive late.
const MAX_DELAY_MS: i64 = 10_000;

/// That time is rounded up to multiples of this, so that most queries are the same.
const SINCE_STEP_MS: i64 = 15_000;

/// After a longer time all targets are queried again.
const MAX_SINCE_MS: i64 = 300_000;

/// The targets of a scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// By the labels that the query keeps.
    all: Table<Target>,
    /// Grows when a target is added or removed.
    pub(crate) revision: u32,
    last: Option<LastQuery>,
}

/// A target.
#[derive(Clone, Debug)]
struct Target {
    labels: Labels,
    /// Whether it answers; none if it is not scraped any more.
    is_up: Option<bool>,
    /// The age of its last sample in milliseconds, if it is late.
    age_ms: i64,
}

/// What was queried last, and when by the browser's clock.
#[derive(Clone, Debug, PartialEq)]
struct LastQuery {
    scope: Scope,
    labels: ScopeLabels,
    at_ms: i64,
}

impl Targets {
    /// The labels of the targets, in order.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.all.iter().filter(|(_, target)| target.is_up.is_some()).map(|(_, target)| &target.labels)
    }

    /// Queries what has changed, or all targets if that is not known to be enough. `shortest_ms` is the scrape interval
    /// of those that are scraped most often.
    ///
    /// # Errors
    /// When the server is away or refuses.
    pub(crate) async fn refresh(
        &mut self,
        backend: &Backend,
        scope: &Scope,
        shortest_ms: i64,
    ) -> Result<(), RequestError> {
        let labels = &backend.labels;
        let queries = TargetQueries { scope, labels };
        let (at_ms, max_age_ms) = (browser_ms(), MAX_AGE_INTERVALS * shortest_ms);
        let is_same = |last: &&LastQuery| (&last.scope, &last.labels) == (scope, labels);
        let since_ms = self.last.as_ref().filter(is_same).map(|last| since_ms(at_ms - last.at_ms));
        self.last = Some(LastQuery { scope: scope.clone(), labels: labels.clone(), at_ms });
        if let Some(since_ms) = since_ms.filter(|since_ms| *since_ms <= MAX_SINCE_MS) {
            let changes = vector(backend.instant(queries.changes(since_ms, max_age_ms), None).await?);
            if self.apply(&changes, &queries.kept_labels()) {
                return Ok(());
            }
        }
        let all = vector(backend.instant(queries.all(max_age_ms), None).await?);
        self.replace(&all, &queries.kept_labels());
        Ok(())
    }

    /// The targets that were scraped at a time in the past.
    ///
    /// # Errors
    /// When the server is away or refuses.
    pub(crate) async fn at(backend: &Backend, scope: &Scope, time_ms: i64) -> Result<Self, RequestError> {
        let queries = TargetQueries { scope, labels: &backend.labels };
        let all = vector(backend.instant(queries.all(MAX_SINCE_MS), Some(time_ms)).await?);
        let mut targets = Self::default();
        targets.replace(&all, &queries.kept_labels());
        Ok(targets)
    }

    /// Takes over all targets.
    fn replace(&mut self, all: &[Series<InstantValue>], kept: &[&str]) {
        let old = std::mem::take(self);
        (self.revision, self.last) = (old.revision, old.last.clone());
        self.take(all, kept);
        self.revision = old.revision + u32::from(!old.labels().eq(self.labels()));
    }

    /// Takes over changes. False if the sum of all targets is another than the server's, so that a change was missed.
    fn apply(&mut self, changes: &[Series<InstantValue>], kept: &[&str]) -> bool {
        self.take(changes, kept);
        let sum = changes.iter().find(|series| line(series) == Some(ALL_LINE));
        let known = self.all.values().iter().filter_map(|target| target.is_up);
        let own: usize = known.map(|is_up| 1 + usize::from(is_up)).sum();
        sum.map_or(0.0, |sum| sum.samples.value.1.0) == own as f64
    }

    fn take(&mut self, rows: &[Series<InstantValue>], kept: &[&str]) {
        for target in self.all.values_mut() {
            target.age_ms = 0;
        }
        for series in rows.iter().filter(|series| line(series) != Some(ALL_LINE)) {
            let value = series.samples.value.1.0;
            let target = self.all.at(&text_of(&series.metric, kept), Target::new(&series.metric));
            if line(series) == Some(LATE_LINE) {
                target.age_ms = (value * 1000.0) as i64;
            } else {
                let is_up = (value != GONE).then_some(value == 1.0);
                self.revision += u32::from(target.is_up.is_some() != is_up.is_some());
                target.is_up = is_up;
            }
        }
    }

    /// Counts the replicas in scope.
    pub(crate) fn count_replicas(
        &self,
        targets: &ModelTargets<'_>,
        labels: &ScopeLabels,
        scope: &Scope,
        intervals: &Intervals,
    ) -> ReplicaCount {
        let mut count = ReplicaCount::default();
        self.each_counted(targets, labels, scope, intervals, &mut |_, is_up| count.add(is_up));
        count
    }

    /// Counts the replicas in a scope without a model by each model that they serve; those of which none is known have the
    /// empty name.
    pub(crate) fn count_by_model(
        &self,
        targets: &ModelTargets<'_>,
        labels: &ScopeLabels,
        scope: &Scope,
        (inventory, intervals): (&Inventory, &Intervals),
    ) -> Table<ReplicaCount> {
        let mut counts: Table<ReplicaCount> = Table::default();
        self.each_counted(targets, labels, scope, intervals, &mut |own, is_up| {
            let key = ScopeKey::of(own, labels);
            let mut add = |model: &str| counts.at(model, ReplicaCount::default()).add(is_up);
            let served = inventory.models_of(key.page());
            if !key.model.is_empty() || served.is_empty() {
                return add(&key.model);
            }
            for (at, (_, model)) in served.iter().enumerate() {
                // A model is listed once for each of its deployments.
                if at == 0 || served[at - 1].1 != *model {
                    add(model);
                }
            }
        });
        counts
    }

    /// Calls `count` with the labels of each replica in scope, and whether it answers.
    fn each_counted(
        &self,
        targets: &ModelTargets<'_>,
        labels: &ScopeLabels,
        scope: &Scope,
        intervals: &Intervals,
        count: &mut dyn FnMut(&Labels, bool),
    ) {
        for Target { labels: own, is_up, age_ms } in self.all.values() {
            let is_current = || {
                let intervals = intervals.of_key(&ScopeKey::of(own, labels)).unwrap_or_default();
                *age_ms <= intervals.longest_ms * MAX_AGE_INTERVALS
            };
            let Some(is_up) = is_up else { continue };
            if (*age_ms == 0 || is_current()) && targets.counts(own, *is_up, labels, scope) {
                count(own, *is_up);
            }
        }
    }
}

impl Target {
    fn new(metric: &Labels) -> Self {
        Self { labels: without(metric, &["__name__", LINE_LABEL]), is_up: None, age_ms: 0 }
    }
}

/// The time that changes are queried of, if the last query was `elapsed_ms` ago.
fn since_ms(elapsed_ms: i64) -> i64 {
    (elapsed_ms + MAX_DELAY_MS + SINCE_STEP_MS - 1).div_euclid(SINCE_STEP_MS) * SINCE_STEP_MS
}

fn line(series: &Series<InstantValue>) -> Option<&str> {
    series.metric.get(LINE_LABEL).map(String::as_str)
}

/// The series of an instant query; none for other data.
pub(crate) fn vector(data: Data) -> Vec<Series<InstantValue>> {
    match data {
        Data::Vector(vector) => vector,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::Number;

    const KEPT: [&str; 2] = ["replica", "instance"];

    fn row(labels: &[(&str, &str)], value: f64) -> Series<InstantValue> {
        let metric = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Series { metric, samples: InstantValue { value: (0.0, Number(value)) } }
    }

    fn of(replica: &str, value: f64) -> Series<InstantValue> {
        row(&[("replica", replica), ("__name__", "up")], value)
    }

    fn sum(value: f64) -> Series<InstantValue> {
        row(&[(LINE_LABEL, ALL_LINE)], value)
    }

    fn replicas(targets: &Targets) -> Vec<(&str, bool)> {
        let all = targets.all.iter().filter_map(|(_, target)| Some((target.labels["replica"].as_str(), target.is_up?)));
        all.collect()
    }

    #[test]
    fn changes_are_applied_and_a_missed_one_is_noticed() {
        let mut targets = Targets::default();
        targets.replace(&[of("a", 1.0), of("b", 1.0)], &KEPT);
        let revision = targets.revision;
        assert!(targets.apply(&[sum(4.0)], &KEPT) && targets.revision == revision, "nothing has changed");
        assert!(targets.apply(&[of("a", 0.0), sum(3.0)], &KEPT) && targets.revision == revision);
        assert!(targets.apply(&[of("b", GONE), of("c", 1.0), sum(3.0)], &KEPT));
        assert_eq!((replicas(&targets), targets.revision), (vec![("a", false), ("c", true)], revision + 2));
        assert!(!targets.apply(&[sum(5.0)], &KEPT), "one more than is known");
        targets.replace(&[of("a", 0.0), of("c", 1.0)], &KEPT);
        assert_eq!(targets.revision, revision + 2, "the same as before");
        assert!(targets.apply(&[of("a", GONE), of("c", GONE)], &KEPT), "without targets there is no sum");
    }

    #[test]
    fn a_target_that_is_late_does_not_count() {
        let labels = ScopeLabels::default();
        let mut targets = Targets::default();
        let late = |replica, age_s| row(&[("replica", replica), (LINE_LABEL, LATE_LINE)], age_s);
        targets.replace(&[of("a", 1.0), of("b", 1.0), of("c", 0.0), late("a", 46.0), late("b", 44.0)], &KEPT);
        let inventory = Inventory::default();
        let of_models = ModelTargets::new(&inventory, &Scope::default());
        let count = targets.count_replicas(&of_models, &labels, &Scope::default(), &Intervals::default());
        assert_eq!(count, ReplicaCount { answering: 1, total: 2 });
    }

    #[test]
    fn changes_are_queried_of_more_time_than_has_passed() {
        assert_eq!([0, 1000, 5000, 5001, 60_000].map(since_ms), [15_000, 15_000, 15_000, 30_000, 75_000]);
    }
}
