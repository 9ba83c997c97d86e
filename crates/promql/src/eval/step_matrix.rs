//! Intermediate results: series with one value per step.
use super::budget::{Charge, Meter};
use super::label_map::Groups;
use crate::ast::Grouping;
use crate::labels::Pair;
use crate::{Error, Labels, METRIC_NAME, is_stale};

/// One series' values, one per step; the stale marker stands for no value.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
}

/// A finished series on its way to whoever asked for it, who may change or take the values.
pub(crate) struct Row<'r> {
    pub(crate) labels: &'r Labels,
    /// Whether the metric's name is still part of the labels: dropping it for good is left to who keeps them.
    pub(crate) named: bool,
    pub(crate) values: &'r mut Vec<f64>,
}

/// Who takes rows.
pub(crate) type Sink<'s> = dyn FnMut(Row<'_>) -> Result<(), Error> + 's;

impl Row<'_> {
    /// Whether there is no value at any step.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().all(|value| is_stale(*value))
    }

    pub(crate) fn to_labels(&self) -> Labels {
        if self.named { self.labels.clone() } else { self.labels.without_metric_name() }
    }

    /// The labels by which the series is grouped.
    pub(crate) fn key<'k>(&'k self, grouping: &'k Grouping) -> impl Iterator<Item = &'k Pair> + Clone {
        let counts = |name: &str| self.named || name != METRIC_NAME;
        self.labels.pairs().iter().filter(move |(name, _)| counts(name) && grouping.keeps(name))
    }
}

/// A node's whole result, with the memory it holds.
pub(crate) struct Frame {
    pub(crate) lines: Vec<Line>,
    charge: Charge,
}

impl Frame {
    pub(crate) fn new(meter: &Meter<'_>) -> Self {
        Self { lines: Vec::new(), charge: meter.charge() }
    }

    /// Accounts for memory that lines hold beside their values and the number of their labels.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Error> {
        self.charge.bytes(bytes)
    }

    /// Adds a line, unless it has no value at all.
    pub(crate) fn push(&mut self, labels: Labels, values: Vec<f64>) -> Result<(), Error> {
        if values.iter().all(|value| is_stale(*value)) {
            return Ok(());
        }
        self.charge.labels(&labels)?;
        self.charge.values(values.len())?;
        self.lines.push(Line { labels, values });
        Ok(())
    }

    /// Adds a row's copy, unless it has no value at all.
    pub(crate) fn push_row(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.push(row.to_labels(), row.values.clone())
    }

    /// Joins lines with equal labels into one, as Prometheus's `mergeSeriesWithSameLabelset`.
    ///
    /// # Errors
    /// When two of them have a value at the same step.
    pub(crate) fn merge_equal_labels(&mut self) -> Result<(), Error> {
        let mut firsts: Groups<usize> = Groups::new();
        let mut repeated = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            let first = *firsts.entry(line.labels.pairs().iter(), |_| Ok(place))?;
            if first != place {
                repeated.push((first, place));
            }
        }
        for (first, place) in repeated {
            let values = std::mem::take(&mut self.lines[place].values);
            for (kept, value) in self.lines[first].values.iter_mut().zip(values) {
                if is_stale(value) {
                    continue;
                }
                if !is_stale(*kept) {
                    return Err(Error::same_labels());
                }
                *kept = value;
            }
        }
        self.lines.retain(|line| !line.values.is_empty());
        Ok(())
    }

    /// Hands every line to `sink`, and drops it.
    pub(crate) fn drain(self, sink: &mut Sink<'_>) -> Result<(), Error> {
        for mut line in self.lines {
            sink(Row { labels: &line.labels, named: true, values: &mut line.values })?;
        }
        Ok(())
    }

    /// Hands a copy of every line to `sink`.
    pub(crate) fn replay(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut values = Vec::new();
        for line in &self.lines {
            values.clone_from(&line.values);
            sink(Row { labels: &line.labels, named: true, values: &mut values })?;
        }
        Ok(())
    }
}
