//! From a page to the store: which series its samples belong to, and which series are gone.
use super::failure::Failure;
use super::identity::{Identity, TargetLabels};
use super::page::{Learned, Learning, Page};
use super::pool::Counts;
use super::report::{Outcome, Report};
use exposition::{Limits, SampleRef};
use promql::{Labels, stale_marker};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::{Group, SeriesRef, Store, StoreError};

/// How far a sample's own time may lie from the scrape's; beyond it the sample is dropped.
const MOST_AHEAD_MS: i64 = 10 * 60_000;
const MOST_BEHIND_MS: i64 = 60 * 60_000;

/// Writes the scrapes of one target.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Store,
    counts: Arc<Counts>,
    group: Group,
    identity: Identity,
    learned: Learned,
    labels: TargetLabels,
    report: Option<Report>,
    /// The series of the last page, by their name and labels as they stand on it.
    known: HashMap<Box<[u8]>, Known>,
    scrape: u64,
}

#[derive(Debug, Default)]
struct Known {
    /// The scrape it was last seen in.
    seen: u64,
    row: Option<SeriesRef>,
    /// For samples that carry a time of their own.
    own: Option<Box<(Group, SeriesRef)>>,
}

/// A page whose samples are matched with series, and not stored yet.
#[derive(Default)]
struct Matched {
    samples: usize,
    known: Vec<(SeriesRef, f64)>,
    new: Vec<New>,
    stamped: Vec<Stamped>,
}

/// A sample of a series seen for the first time.
struct New {
    key: Box<[u8]>,
    labels: Labels,
    value: f64,
}

/// A sample that carries a time of its own.
struct Stamped {
    key: Box<[u8]>,
    labels: Labels,
    own_time_ms: i64,
    value: f64,
}

/// What is to be stored at the scrape's time.
#[derive(Default)]
struct Taken {
    values: Vec<(SeriesRef, f64)>,
    samples: usize,
    series_added: usize,
}

impl Writer {
    pub(crate) fn new(store: &Store, counts: Arc<Counts>, identity: Identity) -> Self {
        let learned = Learned::default();
        Self {
            store: store.clone(),
            counts,
            group: store.group(),
            labels: identity.labels(&learned),
            identity,
            learned,
            report: None,
            known: HashMap::new(),
            scrape: 0,
        }
    }

    /// Stores what a scrape at `time_ms` gave: all of the page, or on failure the marks that its series are gone;
    /// and in both cases the series about the scrape. Gives the failure, the page's own or one found here.
    pub(crate) fn write(&mut self, time_ms: i64, duration: Duration, page: Result<&Page, Failure>) -> Option<Failure> {
        self.scrape += 1;
        let mut gone = Vec::new();
        let taken = page.and_then(|page| self.matched(page, &mut gone)).and_then(|page| self.take(time_ms, page));
        let failure = taken.as_ref().err().copied();
        let Taken { values, samples, series_added } = taken.unwrap_or_default();
        let outcome = Outcome { duration, failure, samples, series_added };
        retire_unseen(&mut self.known, failure.is_none().then_some(self.scrape), &mut gone);
        // Of two samples of one series the first counts: a page cannot shadow the report.
        let mut row = Vec::with_capacity(values.len() + gone.len() + 8);
        let reported = self.report(&outcome, &mut row);
        row.extend(values);
        row.extend(gone);
        self.append(time_ms, row);
        failure.or(reported.err().map(|_| Failure::SeriesCap))
    }

    /// Marks everything as gone, for a target that is no longer scraped.
    pub(crate) fn retire(&mut self, time_ms: i64) {
        let mut row = Vec::new();
        self.retire_all(&mut row);
        self.append(time_ms, row);
    }

    fn append(&mut self, time_ms: i64, row: Vec<(SeriesRef, f64)>) {
        let count = row.len() as u64;
        match self.group.append(time_ms, row) {
            Ok(refused) => self.counts.duplicates.add(refused.duplicates),
            Err(_) => self.counts.out_of_order.add(count),
        }
    }

    fn report(&mut self, outcome: &Outcome, row: &mut Vec<(SeriesRef, f64)>) -> Result<(), StoreError> {
        let report = match &mut self.report {
            Some(report) => report,
            none => none.insert(Report::register(self.labels.clone(), &mut self.group)?),
        };
        report.write(outcome, &mut self.group, row)
    }

    fn retire_all(&mut self, gone: &mut Vec<(SeriesRef, f64)>) {
        retire_unseen(&mut self.known, None, gone);
        if let Some(report) = self.report.take() {
            report.retire(gone);
        }
    }

    /// Matches the page's samples with series. When the page tells something new about the target its labels change:
    /// then the old series are gone.
    fn matched(&mut self, page: &Page, gone: &mut Vec<(SeriesRef, f64)>) -> Result<Matched, Failure> {
        let mut learning = Learning::default();
        let matched = self.match_samples(page, &mut learning)?;
        let learned = learning.conclude(&self.learned);
        if learned == self.learned {
            return Ok(matched);
        }
        self.learned = learned;
        let labels = self.identity.labels(&self.learned);
        if labels == self.labels {
            return Ok(matched);
        }
        self.retire_all(gone);
        self.labels = labels;
        self.match_samples(page, &mut Learning::default())
    }

    fn match_samples(&mut self, page: &Page, learning: &mut Learning) -> Result<Matched, Failure> {
        let mut matched = Matched::default();
        let mut key = Vec::new();
        page.for_each_sample(&Limits::default(), &mut |sample| {
            learning.see(sample.name, sample.labels);
            matched.samples += 1;
            write_key(&sample, &mut key);
            let value = sample.value;
            if sample.timestamp_ms.is_none()
                && let Some(known) = self.known.get_mut(key.as_slice())
                && let Some(series) = known.row
            {
                known.seen = self.scrape;
                matched.known.push((series, value));
                return;
            }
            let labels = self.labels.of_sample(sample.name, sample.labels);
            let key = key.as_slice().into();
            match sample.timestamp_ms {
                None => matched.new.push(New { key, labels, value }),
                Some(own_time_ms) => matched.stamped.push(Stamped { key, labels, own_time_ms, value }),
            }
        })?;
        Ok(matched)
    }

    /// Registers new series, and stores the samples that carry a time of their own.
    fn take(&mut self, time_ms: i64, page: Matched) -> Result<Taken, Failure> {
        let Matched { samples, known: mut values, new, stamped } = page;
        let before = self.known.len();
        let registered: Result<Vec<SeriesRef>, _> = new.iter().map(|new| self.group.register(&new.labels)).collect();
        for (New { key, value, .. }, series) in new.into_iter().zip(registered.map_err(|_| Failure::SeriesCap)?) {
            let known = self.known.entry(key).or_default();
            known.seen = self.scrape;
            known.row = Some(series);
            values.push((series, value));
        }
        for sample in stamped {
            self.take_stamped(time_ms, sample)?;
        }
        Ok(Taken { values, samples, series_added: self.known.len() - before })
    }

    fn take_stamped(&mut self, time_ms: i64, sample: Stamped) -> Result<(), Failure> {
        let Stamped { key, labels, own_time_ms, value } = sample;
        let allowed = time_ms.saturating_sub(MOST_BEHIND_MS)..=time_ms.saturating_add(MOST_AHEAD_MS);
        if !allowed.contains(&own_time_ms) {
            self.counts.out_of_bounds.add(1);
            return Ok(());
        }
        let known = self.known.entry(key).or_default();
        known.seen = self.scrape;
        let (group, series) = match &mut known.own {
            Some(own) => &mut **own,
            none => {
                let mut group = self.store.group();
                let series = group.register(&labels).map_err(|_| Failure::SeriesCap)?;
                &mut **none.insert(Box::new((group, series)))
            }
        };
        if group.append(own_time_ms, [(*series, value)]).is_err() {
            self.counts.out_of_order.add(1);
        }
        Ok(())
    }
}

/// Forgets the series not seen in `scrape`, or all, and marks them as gone. Those with times of their own are only
/// forgotten: such a series may pause between two samples, as Prometheus sees it.
fn retire_unseen(known: &mut HashMap<Box<[u8]>, Known>, scrape: Option<u64>, gone: &mut Vec<(SeriesRef, f64)>) {
    known.retain(|_, known| {
        let stays = Some(known.seen) == scrape;
        if !stays {
            gone.extend(known.row.map(|series| (series, stale_marker())));
        }
        stays
    });
}

/// A sample's name and labels in one piece; the separator is in no UTF-8 text.
fn write_key(sample: &SampleRef<'_>, key: &mut Vec<u8>) {
    key.clear();
    key.extend_from_slice(sample.name.as_bytes());
    for text in sample.labels.iter().flat_map(|label| [&label.name, &label.value]) {
        key.push(0xff);
        key.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests;
