//! Targets that restart, change their labels, die, hang and talk nonsense.
use crate::faults::{Coverage, Fault};
use crate::model::Key;
use promql::stale_marker;
use server::scrape::offline::OfflineScraper;
use server::target::failure::Failure;
use server::target::identity::Identity;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use test_kit::Rng;
use tsdb::Store;

/// Values that are easily mistaken.
const SPECIAL: [&str; 8] = ["NaN", "+Inf", "-Inf", "-0", "4.9e-324", "1e308", "9007199254740993", "0.1"];

/// The numbers of series that a page may have.
const SERIES: u64 = 9;

/// One target.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) instance: String,
    is_replica: bool,
    model: u64,
    counter: u64,
    churned: u64,
    is_dead: bool,
    pub(crate) scraper: OfflineScraper,
    /// The series of the last page, which get stale markers when they end.
    pub(crate) previous: BTreeSet<Key>,
    pub(crate) last_ms: Option<i64>,
    /// The times of its stored scrapes.
    pub(crate) scraped_ms: BTreeSet<i64>,
    /// The last scrape of its present scraper.
    pub(crate) own_last_ms: Option<i64>,
    /// A scrape that was answered late.
    pub(crate) late: Option<Scrape>,
}

/// What a scrape brings.
#[derive(Clone, Debug)]
pub(crate) struct Scrape {
    pub(crate) time_ms: i64,
    pub(crate) answer: Result<Page, Failure>,
}

/// A page, and what it says: name, number, value and own timestamp of each series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) text: String,
    pub(crate) series: BTreeMap<(String, String), (f64, Option<i64>)>,
}

impl Page {
    /// Adds a line. The first of several of one series counts.
    fn push(&mut self, metric: &str, number: &str, more: &str, value: &str, own_ms: Option<i64>) {
        let time = own_ms.map(|own_ms| format!(" {own_ms}")).unwrap_or_default();
        let _ = writeln!(self.text, "{metric}{{n=\"{number}\"{more}}} {value}{time}");
        let parsed = if value == "+Inf" { f64::INFINITY } else { value.parse().expect("a number") };
        self.series.entry((metric.to_owned(), number.to_owned())).or_insert((parsed, own_ms));
    }
}

impl Target {
    pub(crate) fn new(store: &Store, at: usize, now_ms: i64) -> Self {
        let (instance, is_replica) = (format!("target-{at}"), at > 0);
        let scraper = OfflineScraper::new(store, identity(&instance, is_replica), now_ms);
        Self {
            instance,
            is_replica,
            model: 0,
            counter: 0,
            churned: 0,
            is_dead: false,
            scraper,
            previous: BTreeSet::new(),
            last_ms: None,
            scraped_ms: BTreeSet::new(),
            own_last_ms: None,
            late: None,
        }
    }

    /// Scrapes the same target from now on with nothing but what the store has of it.
    pub(crate) fn resume(&mut self, store: &Store, now_ms: i64) {
        self.scraper = OfflineScraper::new(store, identity(&self.instance, self.is_replica), now_ms);
        self.previous.clear();
        self.own_last_ms = None;
        self.late = None;
    }

    /// The key of the series about the last scrape.
    pub(crate) fn up_key(&self) -> Key {
        self.key("up", "", false)
    }

    /// The key of a series of a page.
    pub(crate) fn key(&self, metric: &str, number: &str, has_model: bool) -> Key {
        let model = self.scraper.model().filter(|_| has_model).unwrap_or_default().to_owned();
        Key { metric: metric.to_owned(), instance: self.instance.clone(), number: number.to_owned(), model }
    }

    /// The answer to a scrape.
    pub(crate) fn answer(&mut self, time_ms: i64, rng: &mut Rng, coverage: &Coverage) -> Result<Page, Failure> {
        if rng.chance(0.04) {
            self.is_dead = !self.is_dead;
        }
        if self.is_dead {
            coverage.reach(Fault::TargetDies);
            return Err(*rng.of(&[Failure::Connect, Failure::Timeout, Failure::Broken]));
        }
        if rng.chance(0.05) {
            coverage.reach(Fault::TargetRestarts);
            self.counter = 0;
        }
        if rng.chance(0.04) {
            coverage.reach(Fault::TargetRelabels);
            self.model += 1;
        }
        let mut page = self.page(time_ms, rng, coverage);
        if rng.chance(0.05) {
            coverage.reach(Fault::TargetTalksNonsense);
            page.text.push_str("half a li");
            return Ok(Page { text: page.text, series: BTreeMap::new() });
        }
        Ok(page)
    }

    fn page(&mut self, time_ms: i64, rng: &mut Rng, coverage: &Coverage) -> Page {
        let mut page = Page::default();
        if rng.chance(0.9) {
            let model = format!(",model_name=\"m{}\"", self.model);
            page.push("vllm:num_requests_running", "0", &model, &rng.below(50).to_string(), None);
        }
        page.text.push_str("# TYPE gauge gauge\n");
        for number in 0..SERIES {
            if rng.chance(0.8) {
                let value = match rng.below(8) {
                    0 => format!("{:.3}", rng.unit() * 1000.0),
                    1 => rng.next_u64().to_string(),
                    _ => rng.below(20).to_string(),
                };
                page.push("gauge", &number.to_string(), "", &value, None);
            }
        }
        page.text.push_str("# TYPE odd gauge\n");
        page.push("odd", "0", "", rng.of::<&str>(&SPECIAL), None);
        page.text.push_str("# TYPE work_total counter\n");
        self.counter += rng.below(1000);
        for number in 0..rng.below(3) {
            page.push("work_total", &number.to_string(), "", &(self.counter + number).to_string(), None);
        }
        if rng.chance(0.1) {
            coverage.reach(Fault::TargetChurns);
            self.churned += 1;
            for number in 0..rng.below(30) {
                page.push("churn", &format!("{}-{number}", self.churned), "", "1", None);
            }
        }
        if rng.chance(0.1) {
            coverage.reach(Fault::TargetRepeatsSeries);
            page.push("gauge", "0", "", "12345", None);
        }
        if rng.chance(0.3) {
            coverage.reach(Fault::TargetHasOwnTimes);
            let own_ms = time_ms - rng.below(20_000) as i64;
            page.push("own", "0", "", &rng.below(9).to_string(), Some(own_ms));
        }
        page
    }

    /// What a stored scrape must have put at its time, by series; stale markers for what ended included.
    pub(crate) fn expected(&self, outcome: Result<&Page, ()>) -> BTreeMap<Key, u64> {
        let mut expected = BTreeMap::new();
        let series = outcome.iter().flat_map(|page| &page.series);
        for ((metric, number), (value, own_ms)) in series {
            if own_ms.is_none() {
                expected.insert(self.key(metric, number, true), value.to_bits());
            }
        }
        for key in &self.previous {
            expected.entry(key.clone()).or_insert(stale_marker().to_bits());
        }
        let up: f64 = if outcome.is_ok() { 1.0 } else { 0.0 };
        expected.insert(self.up_key(), up.to_bits());
        expected
    }
}

fn identity(instance: &str, is_replica: bool) -> Identity {
    Identity {
        job: Some("sim".into()),
        instance: instance.into(),
        replica: is_replica.then(|| instance.into()),
        ..Identity::default()
    }
}
