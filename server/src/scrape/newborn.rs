//! Finds the series of a scrape that were zero at the previous one: counters and histograms that began in between.
use crate::scrape::parsed_page::ParsedPage;
use crate::target::identity::Identity;
use catalogue::Layer;
use exposition::Label;
use promql::{METRIC_NAME, MatchOp, Matcher, Selector, Storage as _, is_stale};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use tsdb::Store;

/// The difference of start times below which they are the same: some processes compute theirs anew for each page.
const START_TOLERANCE_S: f64 = 1.0;

/// How far a creation time may be after the scrape, as the target's clock may be ahead.
const MAX_AHEAD_MS: f64 = 60_000.0;

/// How old the last scrape may be with which a target continues: one before a restart of this program, or one of another
/// target at its address.
pub(crate) const LOOKBACK_MS: i64 = 3_600_000;

/// The maximum number of missing series that are remembered for one target.
const MAX_MISSING: usize = 100_000;

/// What the companion knows of one target's earlier metrics pages.
#[derive(Debug, Default)]
pub(crate) struct NewbornSeries {
    hasher: RandomState,
    /// When the target was last scraped, successfully or not.
    last_scrape_ms: Option<i64>,
    /// Since when nothing of the target has been missed: its last metrics page, or else its first scrape.
    known_since_ms: Option<i64>,
    has_page: bool,
    /// The start of the process behind the last page, in Unix seconds.
    start_s: Option<f64>,
    /// The latest start on any page.
    max_start_s: Option<f64>,
    /// Counted series that this run of the process has had, and that were not on its last page.
    missing: HashSet<SeriesHash>,
    /// Whether more series are missing than are remembered.
    has_forgotten: bool,
}

/// A keyed hash of a series as the target names it, whatever labels it is stored with.
pub(crate) type SeriesHash = NonZeroU64;

/// A series that counts up from zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountedSeries {
    pub(crate) hash: SeriesHash,
    /// The hash of the series that has its creation time.
    pub(crate) created: SeriesHash,
}

/// The counted series of a page that were zero at the time of the previous scrape.
#[derive(Debug, Default)]
pub(crate) struct Newborn {
    /// Those that the page has and the previous one did not.
    numbers: HashSet<u32>,
    /// Whether all others are newborn too.
    has_all: bool,
    /// Whether the page is the first of another process. What it lacks belonged to the previous one.
    pub(crate) is_of_new_run: bool,
}

impl Newborn {
    /// Whether the counted series with this number is among them.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.has_all || self.numbers.contains(&number)
    }
}

/// What says when the process behind a page started, and whether its counters began then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProcessStart {
    /// In Unix seconds, if the page has it.
    pub(crate) start_s: Option<f64>,
    /// The layer of the engine on the page, if it is known.
    pub(crate) layer: Option<Layer>,
}

impl NewbornSeries {
    /// Continues after a restart of this program: `store` has the target's last scrape, if it was in the hour before
    /// `now_ms`. Which series it had is not known any more, but what began later was zero then.
    pub(crate) fn resume(&mut self, store: &Store, identity: &Identity, now_ms: i64) {
        let label = |name: &str, value: &str| Matcher { name: name.into(), op: MatchOp::Equal, value: value.into() };
        let mut matchers = vec![label(METRIC_NAME, "up"), label("instance", &identity.instance)];
        matchers.extend(identity.job.as_ref().map(|job| label("job", job)));
        let selector = Selector { any_of: vec![matchers] };
        let mut last_ms = None;
        let read = store.select_latest(&selector, now_ms - LOOKBACK_MS, now_ms, &mut |_, samples| {
            let last = samples.times_ms.iter().zip(samples.values).rfind(|(_, value)| !is_stale(**value));
            last_ms = last_ms.max(last.map(|(time_ms, _)| *time_ms));
            ControlFlow::Continue(())
        });
        if read.is_ok() {
            self.last_scrape_ms = last_ms;
            self.known_since_ms = last_ms;
        }
    }

    /// The hash of a series.
    pub(crate) fn hash<'l>(&self, name: &str, suffix: &str, labels: impl Iterator<Item = &'l Label<'l>>) -> SeriesHash {
        let labels = labels.filter(|label| !label.value.is_empty());
        let name = self.hasher.hash_one(("__name__", [name, suffix].concat()));
        let hashes = labels.map(|label| self.hasher.hash_one((&*label.name, &*label.value)));
        NonZeroU64::new(hashes.fold(name, u64::wrapping_add)).unwrap_or(NonZeroU64::MIN)
    }

    /// When the target was last scraped, successfully or not.
    pub(crate) fn last_scrape_ms(&self) -> Option<i64> {
        self.last_scrape_ms
    }

    /// Finds the newborn series of a page that was scraped at `time_ms`. A series is newborn
    /// - if its creation time is after the last page,
    /// - if the last page did not have it, nor any earlier page of this run of the process,
    /// - if the process started after the last page, and counts by itself rather than for a machine.
    pub(crate) fn find(&mut self, time_ms: i64, page: &ParsedPage, process: ProcessStart) -> Newborn {
        let mut newborn = Newborn::default();
        let known_since_ms = self.known_since_ms;
        let has_restarted = self.has_restarted(process.start_s);
        // Behind a load balancer, what the page of one process has and that of another lacks is not new.
        let is_comparable =
            has_restarted || !is_later(process.start_s, self.start_s) && !is_later(self.start_s, process.start_s);
        self.start_s = process.start_s;
        self.max_start_s = process.start_s.into_iter().chain(self.max_start_s).reduce(f64::max);
        // The counters of a machine are older than the exporter, and their labels change.
        if process.layer == Some(Layer::Machine) || known_since_ms.is_none() {
            return newborn;
        }
        newborn.is_of_new_run = has_restarted;
        newborn.has_all = has_restarted && process.layer.is_some();
        let created_ms = created_times_ms(page);
        let is_since = |created_ms: &f64| {
            known_since_ms.is_some_and(|since_ms| *created_ms > since_ms as f64)
                && *created_ms <= time_ms as f64 + MAX_AHEAD_MS
        };
        for added in &page.added {
            let Some(CountedSeries { hash, created }) = added.counted else { continue };
            let was_missing = self.missing.remove(&hash);
            let is_first = self.has_page && is_comparable && !was_missing && !self.has_forgotten;
            if is_first || created_ms.get(&created).is_some_and(is_since) {
                newborn.numbers.insert(added.number);
            }
        }
        if has_restarted {
            // An unknown process may count for others, so what returns at once may be old. What comes later is new.
            self.missing.clear();
            self.has_forgotten = false;
        }
        newborn
    }

    /// Remembers a series that a page lacks.
    pub(crate) fn add_missing(&mut self, hash: SeriesHash) {
        if self.missing.len() < MAX_MISSING {
            self.missing.insert(hash);
        } else {
            self.has_forgotten = true;
        }
    }

    /// Notes a scrape that was stored. `has_page` says whether it was successful.
    pub(crate) fn note_scrape(&mut self, time_ms: i64, has_page: bool) {
        self.last_scrape_ms = Some(time_ms);
        self.has_page |= has_page;
        if has_page || self.known_since_ms.is_none() {
            self.known_since_ms = Some(time_ms);
        }
    }

    /// Whether the process started after the last page.
    fn has_restarted(&self, start_s: Option<f64>) -> bool {
        let is_since = |start_s: f64| self.known_since_ms.is_some_and(|since_ms| start_s * 1000.0 > since_ms as f64);
        start_s.is_some_and(is_since) && (!self.has_page || is_later(start_s, self.max_start_s))
    }
}

/// Whether both start times are known, in Unix seconds, and the first one is of a later start.
fn is_later(start_s: Option<f64>, other_s: Option<f64>) -> bool {
    start_s.zip(other_s).is_some_and(|(start_s, other_s)| start_s > other_s + START_TOLERANCE_S)
}

/// The creation times on a page, in Unix milliseconds, by the hash of the series that has them. Empty if the page has no
/// new series whose creation time matters, as nearly every page.
fn created_times_ms(page: &ParsedPage) -> HashMap<SeriesHash, f64> {
    if page.created.is_empty() || page.added.iter().all(|added| added.counted.is_none()) {
        return HashMap::new();
    }
    let hashes: HashMap<u32, SeriesHash> = page.created.iter().copied().collect();
    let time = |number, value_s: f64| Some((*hashes.get(&number)?, value_s * 1000.0));
    page.samples.iter().filter_map(|sample| time(sample.number, sample.value)).collect()
}
