//! Comparisons of a store and its queries with the model.
use crate::disk::Trouble;
use crate::faults::Fault;
use crate::model::{Key, Safety};
use crate::world::World;
use promql::{Labels, MatchOp, Matcher, Options, Selector, Storage, Value, is_stale};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tsdb::Store;

pub(crate) use crate::model::Content;

/// Samples younger than this stay in memory while nothing can be written.
const KEPT_MS: i64 = 15 * 60_000;

/// How far an instant query looks back.
const LOOKBACK_MS: i64 = 300_000;

/// What a store has of a target, or of all if `instance` is empty. Checks the order of times, and that the latest samples
/// are among all.
pub(crate) fn content(store: &Store, instance: &str, after_ms: i64, until_ms: i64) -> Content {
    let op = if instance.is_empty() { MatchOp::NotEqual } else { MatchOp::Equal };
    let matcher = Matcher { name: "instance".into(), op, value: instance.into() };
    let selector = Selector { any_of: vec![vec![matcher]] };
    let mut found = Content::new();
    store
        .select(&selector, after_ms, until_ms, &mut |labels, column| {
            assert!(column.times_ms.is_sorted_by(|a, b| a < b), "{labels:?}: times are not increasing");
            if let Some(key) = Key::of(labels) {
                let bits = column.times_ms.iter().copied().zip(column.values.iter().map(|value| value.to_bits()));
                let previous = found.insert(key, bits.collect());
                assert!(previous.is_none(), "{labels:?} twice");
            }
            ControlFlow::Continue(())
        })
        .expect("a snapshot");
    found
}

impl World {
    /// Compares everything.
    pub(crate) fn check_all(&mut self) {
        let trouble = self.disk.replace_trouble(Trouble::default());
        let keeps_trouble = trouble.reads > 0.0 && self.rng.chance(0.5);
        if keeps_trouble {
            self.disk.set_trouble(trouble);
        }
        let found = content(&self.store, "", i64::MIN, i64::MAX);
        let damaged = self.store.stats().damaged;
        let forgets = !keeps_trouble && !self.is_partial;
        self.coverage.reach(Fault::ComparedStore);
        let lost = self.model.compare(&found, Safety::InMemory, !forgets, "while open");
        self.note(format!("check of {} series, {} lost", found.len(), lost.count));
        if lost.count > 0 && !self.is_partial {
            let has_reported = damaged > self.reported;
            let is_excused = has_reported && (self.is_damaged || keeps_trouble) || self.was_dropped(lost.newest_ms);
            assert!(is_excused, "{} samples are lost, such as {:?}", lost.count, lost.safest);
            self.coverage.reach(if has_reported { Fault::LossReported } else { Fault::DroppedFromMemory });
        }
        self.reported = damaged;
        if forgets {
            self.has_failed = false;
        }
        self.disk.set_trouble(trouble);
    }

    /// Whether lost samples may have been dropped while nothing could be written: memory is bounded.
    pub(crate) fn was_dropped(&self, newest_lost_ms: Option<i64>) -> bool {
        let newest_ms = self.model.newest_ms();
        self.has_failed && newest_ms.zip(newest_lost_ms).is_some_and(|(newest, lost)| lost <= newest - KEPT_MS)
    }

    /// Compares a query with what the model says.
    pub(crate) fn check_query(&mut self) {
        let random = self.rng.next_u64();
        let Some((key, at_ms)) = self.model.pick(random) else { return };
        let (metric, instance) = (key.metric.clone(), key.instance.clone());
        if self.is_uncertain() || !metric.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":_".contains(&byte)) {
            return;
        }
        let time_ms = at_ms + *self.rng.of(&[0, 0, 1, 17, 60_000, 299_999, 300_000, 300_001]);
        let window_ms = *self.rng.of(&[1000, 60_000, 3_600_000, 90_000_000]);
        let trouble = self.disk.replace_trouble(Trouble::default());
        self.coverage.reach(Fault::ComparedQuery);
        let selector = format!("{metric}{{instance=\"{instance}\"}}");
        self.note(format!("query of {selector} at {time_ms} over {window_ms} ms"));
        let found = self.query(&selector, time_ms);
        assert_same(&found, &self.model.instant(&metric, &instance, time_ms, LOOKBACK_MS), &selector);
        let windows = self.model.window(&metric, &instance, time_ms, window_ms);
        let all = |fold: fn(&[f64]) -> f64| -> BTreeMap<Key, f64> {
            let without_name = |key: &Key| Key { metric: String::new(), ..key.clone() };
            windows.iter().map(|(key, values)| (without_name(key), fold(values))).collect()
        };
        for (function, fold) in [
            ("count_over_time", (|values| values.len() as f64) as fn(&[f64]) -> f64),
            ("max_over_time", |values| values.iter().copied().fold(f64::NAN, f64::max)),
            ("min_over_time", |values| values.iter().copied().fold(f64::NAN, f64::min)),
        ] {
            let text = format!("{function}({selector}[{window_ms}ms])");
            assert_same(&self.query(&text, time_ms), &all(fold), &text);
        }
        self.check_range(&metric, &instance, &selector, time_ms);
        self.disk.set_trouble(trouble);
    }

    fn check_range(&self, metric: &str, instance: &str, selector: &str, end_ms: i64) {
        let (step_ms, steps) = (60_000, 10);
        let options = Options::default();
        let query = promql::parse(selector, &options.limits).expect("a query");
        let start_ms = end_ms - step_ms * steps;
        let result = promql::range(&self.store, &query, start_ms, end_ms, step_ms, &options, &promql::uninterrupted);
        let Value::Matrix(series) = result.expect("a result").value else { panic!("no matrix") };
        for step in 0..=steps {
            let time_ms = start_ms + step * step_ms;
            let at =
                |samples: &[(i64, f64)]| samples.iter().find(|(own_ms, _)| *own_ms == time_ms).map(|(_, value)| *value);
            let found = series.iter().filter_map(|series| Some((key(&series.labels), at(&series.samples)?))).collect();
            let expected = self.model.instant(metric, instance, time_ms, LOOKBACK_MS);
            assert_same(&found, &expected, &format!("{selector} at step {time_ms}"));
        }
    }

    fn query(&self, text: &str, time_ms: i64) -> BTreeMap<Key, f64> {
        let options = Options::default();
        let query = promql::parse(text, &options.limits).expect("a query");
        let result = promql::instant(&self.store, &query, time_ms, &options, &promql::uninterrupted);
        let Value::Vector(samples) = result.expect("a result").value else { panic!("{text}: no vector") };
        samples.into_iter().map(|sample| (key(&sample.labels), sample.value)).collect()
    }
}

/// The key of a series of a result, which may have lost its name.
fn key(labels: &Labels) -> Key {
    let get = |name: &str| labels.get(name).unwrap_or_default().to_owned();
    Key { metric: get("__name__"), instance: get("instance"), number: get("n"), model: get("model") }
}

fn assert_same(found: &BTreeMap<Key, f64>, expected: &BTreeMap<Key, f64>, context: &str) {
    let is_same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() && is_stale(a) == is_stale(b);
    let are_same = found.keys().eq(expected.keys()) && found.iter().all(|(key, value)| is_same(*value, expected[key]));
    assert!(are_same, "{context}: {found:?}, not {expected:?}");
}
