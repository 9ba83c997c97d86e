//! Aggregations whose results are series of their operand, or counts of its values.
use super::aggregate::param;
use super::label_map::{Groups, names};
use super::{Evaluator, Frame, Steps};
use crate::ast::{Aggregate, AggregateOp, Grouping};
use crate::{Error, Labels, is_stale, stale_marker};
use std::cmp::Ordering;

/// One step's best series of a group, the best first.
type Ranking = Vec<(f64, Labels)>;

impl Evaluator<'_> {
    /// `topk` and `bottomk`: at each step the k series with the highest or lowest values; those of an instant query
    /// come in that order. NaN ranks last; equal values rank by labels.
    pub(super) fn ranked(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        let sizes = self.scalar(param(aggregate)?, steps)?.into_iter().map(ranking_size);
        let sizes = sizes.collect::<Result<Vec<usize>, Error>>()?;
        let descending = aggregate.op == AggregateOp::Topk;
        let order = |(a, a_labels): (f64, &Labels), (b, b_labels): (f64, &Labels)| {
            let by_value = if descending { b.partial_cmp(&a) } else { a.partial_cmp(&b) };
            let by_value = by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
            by_value.then_with(|| a_labels.cmp(b_labels))
        };
        let mut groups: Groups<Vec<Ranking>> = Groups::new();
        let mut charge = self.meter.charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let rankings = groups.entry(row.key(&aggregate.grouping), |labels| {
                charge.labels(labels)?;
                charge.bytes(steps.count * size_of::<Ranking>())?;
                Ok(vec![Ranking::new(); steps.count])
            })?;
            let labels = row.to_labels();
            for ((ranking, size), value) in rankings.iter_mut().zip(&sizes).zip(&*row.values) {
                let precedes =
                    |(other, others): &(f64, Labels)| order((*other, others), (*value, &labels)) == Ordering::Less;
                self.meter.work(8)?;
                let full = ranking.len() >= *size;
                if is_stale(*value) || full && ranking.last().is_none_or(precedes) {
                    continue;
                }
                if full {
                    ranking.pop();
                } else {
                    charge.bytes(size_of::<(f64, Labels)>())?;
                }
                let place = ranking.partition_point(precedes);
                self.meter.work(ranking.len() - place)?;
                ranking.insert(place, (*value, labels.clone()));
            }
            Ok(())
        })?;
        let mut frame = Frame::new(&self.meter);
        for (_, rankings) in groups {
            self.unrank(rankings, &mut frame)?;
        }
        Ok(frame)
    }

    /// Turns rankings into series, in the order in which they rank first.
    fn unrank(&self, rankings: Vec<Ranking>, frame: &mut Frame) -> Result<(), Error> {
        let count = rankings.len();
        let mut columns: Groups<Vec<f64>> = Groups::new();
        let mut charge = self.meter.charge();
        for (step, ranking) in rankings.into_iter().enumerate() {
            self.meter.work(ranking.len() * 16)?;
            for (value, labels) in ranking {
                let column = columns.entry(labels.pairs().iter(), |labels| {
                    charge.labels(labels)?;
                    charge.values(count)?;
                    Ok(vec![stale_marker(); count])
                })?;
                column[step] = value;
            }
        }
        columns.into_iter().try_for_each(|(labels, values)| frame.push(labels, values))
    }

    /// `count_values`: for each value how many series have it, the value in a label of the given name.
    pub(super) fn count_values(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        let label = param(aggregate)?.text()?;
        if !is_label_name(label) {
            return Err(Error::Execution(format!("invalid label name {label:?}")));
        }
        // Under `without (label)` the label is dropped after it was set.
        let dropped = matches!(&aggregate.grouping, Grouping::Without(labels) if names(labels, label));
        let mut counts: Groups<Vec<f64>> = Groups::new();
        let mut charge = self.meter.charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let group = Labels::from_sorted(row.key(&aggregate.grouping));
            self.meter.work(row.values.len() * 64)?;
            for (step, value) in row.values.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
                let labels = if dropped { group.clone() } else { group.with(label, &decimal(*value)) };
                let column = counts.entry(labels.pairs().iter(), |labels| {
                    charge.labels(labels)?;
                    charge.values(steps.count)?;
                    Ok(vec![stale_marker(); steps.count])
                })?;
                column[step] = if is_stale(column[step]) { 1.0 } else { column[step] + 1.0 };
            }
            Ok(())
        })?;
        let mut frame = Frame::new(&self.meter);
        counts.into_iter().try_for_each(|(labels, values)| frame.push(labels, values))?;
        Ok(frame)
    }
}

fn ranking_size(k: f64) -> Result<usize, Error> {
    if k.is_nan() {
        return Err(Error::Execution("Parameter value is NaN".into()));
    }
    if k.abs() >= i64::MAX as f64 {
        return Err(Error::Execution(format!("Scalar value {k} overflows int64")));
    }
    Ok(k.max(0.0) as usize)
}

/// Whether a query may make a label of this name. Prometheus 3 allows any text; new names keep to the classic letters
/// here, so that a typing error does not go unseen.
pub(crate) fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A value as a label: without an exponent, however long.
fn decimal(value: f64) -> String {
    if value.is_infinite() { (if value > 0.0 { "+Inf" } else { "-Inf" }).into() } else { value.to_string() }
}
