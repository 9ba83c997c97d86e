//! Intermediate results: series with one value per step.
use super::budget::{Budget, MemoryCharge};
use super::label_map::LabelMap;
use crate::ast::Grouping;
use crate::labels::Label;
use crate::{Error, Labels, METRIC_NAME, is_stale};

/// A series with one value per step; the stale marker stands for a missing value.
#[derive(Clone, Debug)]
pub(crate) struct StepSeries {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
}

/// A finished series on its way to a [`Sink`], which may modify or take the values.
pub(crate) struct Row<'r> {
    pub(crate) labels: &'r Labels,
    /// Whether the metric name counts as part of `labels`. Removing it is left to sinks that keep the labels.
    pub(crate) named: bool,
    pub(crate) values: &'r mut Vec<f64>,
}

/// A consumer of streamed series.
pub(crate) type Sink<'s> = dyn FnMut(Row<'_>) -> Result<(), Error> + 's;

impl Row<'_> {
    /// Whether no step has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().all(|value| is_stale(*value))
    }

    pub(crate) fn to_labels(&self) -> Labels {
        if self.named { self.labels.clone() } else { self.labels.without_metric_name() }
    }

    /// The labels of the group that the series belongs to.
    pub(super) fn group_labels<'g>(&'g self, grouping: &'g Grouping) -> impl Iterator<Item = &'g Label> + Clone {
        let has_label = |name: &str| self.named || name != METRIC_NAME;
        self.labels.labels().iter().filter(move |label| has_label(label.name()) && grouping.keeps(label.name()))
    }
}

/// All series of an expression, with the memory they hold.
pub(crate) struct StepMatrix {
    pub(crate) series: Vec<StepSeries>,
    charge: MemoryCharge,
}

impl StepMatrix {
    pub(crate) fn new(budget: &Budget<'_>) -> Self {
        Self { series: Vec::new(), charge: budget.memory_charge() }
    }

    /// Accounts for memory that the series hold besides their values and label entries.
    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.charge.add_bytes(bytes)
    }

    /// Adds a series, unless no step has a value.
    pub(crate) fn push(&mut self, labels: Labels, values: Vec<f64>) -> Result<(), Error> {
        if values.iter().all(|value| is_stale(*value)) {
            return Ok(());
        }
        self.charge.add_labels(&labels)?;
        self.charge.add_values(values.len())?;
        self.series.push(StepSeries { labels, values });
        Ok(())
    }

    /// Adds a copy of a row, unless no step has a value.
    pub(crate) fn push_row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.push(row.to_labels(), row.values.clone())
    }

    /// Merges series with equal labels, like Prometheus's `mergeSeriesWithSameLabelset`.
    ///
    /// # Errors
    /// If two of them have a value at the same step.
    pub(crate) fn merge_equal_labels(&mut self) -> Result<(), Error> {
        let mut first_indices: LabelMap<usize> = LabelMap::new();
        let mut duplicates = Vec::new();
        for (index, series) in self.series.iter().enumerate() {
            let first = *first_indices.entry(series.labels.labels().iter(), |_| Ok(index))?;
            if first != index {
                duplicates.push((first, index));
            }
        }
        for (first, duplicate) in duplicates {
            let values = std::mem::take(&mut self.series[duplicate].values);
            for (merged, value) in self.series[first].values.iter_mut().zip(values) {
                if is_stale(value) {
                    continue;
                }
                if !is_stale(*merged) {
                    return Err(Error::duplicate_label_set());
                }
                *merged = value;
            }
        }
        self.series.retain(|series| !series.values.is_empty());
        Ok(())
    }

    /// Passes each series to `sink` and drops it.
    pub(crate) fn stream_into(self, sink: &mut Sink<'_>) -> Result<(), Error> {
        for mut series in self.series {
            sink(Row { labels: &series.labels, named: true, values: &mut series.values })?;
        }
        Ok(())
    }

    /// Passes a copy of each series to `sink`.
    pub(crate) fn stream_copies(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut values = Vec::new();
        for series in &self.series {
            values.clone_from(&series.values);
            sink(Row { labels: &series.labels, named: true, values: &mut values })?;
        }
        Ok(())
    }
}
