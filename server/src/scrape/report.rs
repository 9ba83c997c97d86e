//! The series about a scrape itself, and about the target beyond its metrics page.
use crate::scrape::series_slots::Row;
use crate::target::extra_sample::ExtraSample;
use crate::target::failure::Failure;
use crate::target::labels::TargetLabels;
use catalogue::contract::{ScrapeFailure, names};
use exposition::ParseCounts;
use promql::stale_marker;
use std::time::Duration;
use tsdb::{Group, SeriesRef, StoreError};

/// The outcome of a scrape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScrapeOutcome {
    pub(crate) duration: Duration,
    pub(crate) failure: Option<Failure>,
    /// The page's counts, all 0 if the scrape failed.
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
    /// The series of the current failure.
    failed: Option<FailureSeries>,
    /// The engines on its pages.
    detected: ExtraSeries,
    /// The resources of its processes.
    attributed: ExtraSeries,
    /// What is known of it: its models, its role and its machine.
    known: ExtraSeries,
}

#[derive(Clone, Copy, Debug)]
struct FailureSeries {
    reason: ScrapeFailure,
    /// The status of the response, where the reason leaves that open.
    status: Option<u16>,
    series: SeriesRef,
}

/// Series of extra samples.
#[derive(Debug, Default)]
struct ExtraSeries(Vec<RegisteredSample>);

#[derive(Debug)]
struct RegisteredSample {
    sample: ExtraSample,
    series: SeriesRef,
}

impl ExtraSeries {
    /// Replaces the samples, and adds stale markers for series that ended to `row`. Only new series are registered.
    fn replace(
        &mut self,
        samples: Vec<ExtraSample>,
        target: &TargetLabels,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        let mut previous = std::mem::take(&mut self.0);
        let mut current = Vec::with_capacity(samples.len());
        for sample in samples {
            let has_series =
                |own: &RegisteredSample| own.sample.name == sample.name && own.sample.labels == sample.labels;
            let series = match previous.iter().position(has_series) {
                Some(known) => previous.swap_remove(known).series,
                None => {
                    let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
                    group.register(&target.of_extra(sample.name, labels))?
                }
            };
            current.push(RegisteredSample { sample, series });
        }
        row.extend(previous.iter().map(|own| (own.series, stale_marker())));
        self.0 = current;
        Ok(())
    }

    fn write(&self, row: &mut Row) {
        row.extend(self.0.iter().map(|own| (own.series, own.sample.value)));
    }
}

impl Report {
    pub(crate) fn register(labels: TargetLabels, group: &mut Group) -> Result<Self, StoreError> {
        let mut series = |name| group.register(&labels.of_extra(name, None));
        Ok(Self {
            up: series("up")?,
            duration: series("scrape_duration_seconds")?,
            samples: series("scrape_samples_scraped")?,
            series_added: series("scrape_series_added")?,
            failed: None,
            detected: ExtraSeries::default(),
            attributed: ExtraSeries::default(),
            known: ExtraSeries::default(),
            labels,
        })
    }

    /// Adds the samples of `outcome` to `row`.
    pub(crate) fn write(&mut self, outcome: ScrapeOutcome, group: &mut Group, row: &mut Row) -> Result<(), StoreError> {
        row.push((self.up, if outcome.failure.is_none() { 1.0 } else { 0.0 }));
        row.push((self.duration, outcome.duration.as_secs_f64()));
        row.push((self.samples, outcome.count.samples as f64));
        row.push((self.series_added, outcome.count.new_series as f64));
        let failed = outcome.failure.map(|failure| (failure.reason(), failure.status_code()));
        let is_other = |own: &mut FailureSeries| Some((own.reason, own.status)) != failed;
        if let Some(FailureSeries { series, .. }) = self.failed.take_if(is_other) {
            row.push((series, stale_marker()));
        }
        if let Some((reason, status)) = failed {
            let series = match self.failed {
                Some(FailureSeries { series, .. }) => series,
                None => {
                    let code = status.map(|status| status.to_string());
                    let status = code.as_deref().map(|code| ("status", code));
                    let labels = [("reason", reason.id())].into_iter().chain(status);
                    group.register(&self.labels.of_extra(names::SCRAPE_FAILED, labels))?
                }
            };
            self.failed = Some(FailureSeries { reason, status, series });
            row.push((series, 1.0));
        }
        Ok(())
    }

    /// Adds the samples about detected engines to `row`: `changed` ones, or else the previous ones. They continue while
    /// the target is down, because its engine does not change.
    pub(crate) fn write_detected(
        &mut self,
        changed: Option<Vec<ExtraSample>>,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        if let Some(samples) = changed {
            self.detected.replace(samples, &self.labels, group, row)?;
        }
        self.detected.write(row);
        Ok(())
    }

    /// Adds the samples about the target's processes to `row`.
    pub(crate) fn write_attributed(
        &mut self,
        samples: Vec<ExtraSample>,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        self.attributed.replace(samples, &self.labels, group, row)?;
        self.attributed.write(row);
        Ok(())
    }

    /// Adds the samples about what is known of the target to `row`. They continue while it is down.
    pub(crate) fn write_known(
        &mut self,
        samples: Vec<ExtraSample>,
        group: &mut Group,
        row: &mut Row,
    ) -> Result<(), StoreError> {
        self.known.replace(samples, &self.labels, group, row)?;
        self.known.write(row);
        Ok(())
    }

    /// The number of series about detected engines.
    pub(crate) fn detected_count(&self) -> usize {
        self.detected.0.len()
    }

    /// Adds stale markers for all series to `row`.
    pub(crate) fn retire(&self, row: &mut Row) {
        let failed = self.failed.map(|failed| failed.series);
        let series = [self.up, self.duration, self.samples, self.series_added].into_iter().chain(failed);
        let extra = self.detected.0.iter().chain(&self.attributed.0).chain(&self.known.0).map(|sample| sample.series);
        row.extend(series.chain(extra).map(|series| (series, stale_marker())));
    }
}
