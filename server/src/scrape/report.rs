//! The series about a scrape itself.
use crate::scrape::engine_detection::Told;
use crate::scrape::series_slots::Row;
use crate::target::failure::Failure;
use crate::target::identity::TargetLabels;
use catalogue::contract::{ScrapeFailure, names};
use exposition::ParseCounts;
use promql::{Labels, stale_marker};
use std::time::Duration;
use tsdb::{Group, SeriesRef, StoreError};

/// How a scrape went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) duration: Duration,
    pub(crate) failure: Option<Failure>,
    /// What the page came to; nothing where it failed.
    pub(crate) count: ParseCounts,
}

/// The series of one target under one set of labels.
#[derive(Debug)]
pub(crate) struct Report {
    labels: TargetLabels,
    up: SeriesRef,
    duration: SeriesRef,
    samples: SeriesRef,
    series_added: SeriesRef,
    /// The series of the last failure, while it lasts.
    failed: Option<(ScrapeFailure, SeriesRef)>,
    /// What was found on its pages.
    found: Tellings,
    /// What its processes use.
    attributed: Tellings,
}

/// Series that tell something of the target, each with its value.
#[derive(Debug, Default)]
struct Tellings(Vec<(Labels, SeriesRef, f64)>);

impl Tellings {
    /// Tells `told` and nothing else from now on.
    fn replace(
        &mut self,
        told: Vec<Told>,
        target: &TargetLabels,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        let mut now = Vec::with_capacity(told.len());
        for (name, more, value) in told {
            let labels = target.of_finding(name, &more);
            let series = group.register(&labels)?;
            now.push((labels, series, value));
        }
        let ended = self.0.iter().filter(|(labels, ..)| !now.iter().any(|(own, ..)| own == labels));
        row.extend(ended.map(|(_, series, _)| (*series, stale_marker())));
        self.0 = now;
        Ok(())
    }

    fn write(&self, row: &mut Row) {
        row.extend(self.0.iter().map(|(_, series, value)| (*series, *value)));
    }
}

impl Report {
    pub(crate) fn register(labels: TargetLabels, group: &mut Group) -> Result<Self, StoreError> {
        let mut series = |name| group.register(&labels.of_report(name, None));
        Ok(Self {
            up: series("up")?,
            duration: series("scrape_duration_seconds")?,
            samples: series("scrape_samples_scraped")?,
            series_added: series("scrape_series_added")?,
            failed: None,
            found: Tellings::default(),
            attributed: Tellings::default(),
            labels,
        })
    }

    /// The samples that tell of `outcome`.
    pub(crate) fn write(&mut self, outcome: Outcome, group: &mut Group, row: &mut Row) -> Result<(), StoreError> {
        row.push((self.up, if outcome.failure.is_none() { 1.0 } else { 0.0 }));
        row.push((self.duration, outcome.duration.as_secs_f64()));
        row.push((self.samples, outcome.count.samples as f64));
        row.push((self.series_added, outcome.count.new_series as f64));
        let reason = outcome.failure.map(Failure::reason);
        if let Some((_, series)) = self.failed.take_if(|(known, _)| Some(*known) != reason) {
            row.push((series, stale_marker()));
        }
        if let Some(reason) = reason {
            let series = match self.failed {
                Some((_, series)) => series,
                None => group.register(&self.labels.of_report(names::SCRAPE_FAILED, Some(reason.id())))?,
            };
            self.failed = Some((reason, series));
            row.push((series, 1.0));
        }
        Ok(())
    }

    /// The samples that tell what was found: what was told before, or `told` in its place. While the target is down they
    /// go on, as what it is does not change.
    pub(crate) fn tell(&mut self, told: Option<Vec<Told>>, group: &mut Group, row: &mut Row) -> Result<(), StoreError> {
        if let Some(told) = told {
            self.found.replace(told, &self.labels, group, row)?;
        }
        self.found.write(row);
        Ok(())
    }

    /// The samples that tell what its processes use.
    pub(crate) fn attribute(&mut self, told: Vec<Told>, group: &mut Group, row: &mut Row) -> Result<(), StoreError> {
        self.attributed.replace(told, &self.labels, group, row)?;
        self.attributed.write(row);
        Ok(())
    }

    /// How many series tell what was found.
    pub(crate) fn told(&self) -> usize {
        self.found.0.len()
    }

    /// Marks all series as gone.
    pub(crate) fn retire(&self, row: &mut Row) {
        let failed = self.failed.map(|(_, series)| series);
        let series = [self.up, self.duration, self.samples, self.series_added].into_iter().chain(failed);
        let found = self.found.0.iter().chain(&self.attributed.0).map(|(_, series, _)| *series);
        row.extend(series.chain(found).map(|series| (series, stale_marker())));
    }
}
