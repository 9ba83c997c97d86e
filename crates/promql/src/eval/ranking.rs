//! Aggregations whose results are series of their operand, or counts of its values.
use super::aggregate::param;
use super::grouping::{Groups, key};
use super::{Evaluator, Frame, Steps};
use crate::ast::{Aggregate, AggregateOp, Grouping};
use crate::{Error, Labels, is_stale, stale_marker};
use std::cmp::Ordering;
use std::collections::HashMap;

/// One step's best series of a group, the best first.
type Ranking = Vec<(f64, Labels)>;

impl Evaluator<'_> {
    /// `topk` and `bottomk`: at each step the k series with the highest or lowest values; those of an instant query
    /// come in that order. NaN ranks last; equal values rank by labels.
    pub(super) fn ranked(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        let sizes = self.scalar(param(aggregate)?, steps)?.into_iter().map(ranking_size);
        let sizes = sizes.collect::<Result<Vec<usize>, Error>>()?;
        let descending = aggregate.op == AggregateOp::Topk;
        let order = |(a, a_labels): &(f64, Labels), (b, b_labels): &(f64, Labels)| {
            let by_value = if descending { b.partial_cmp(a) } else { a.partial_cmp(b) };
            let by_value = by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
            by_value.then_with(|| a_labels.cmp(b_labels))
        };
        let mut groups: Groups<'_, Vec<Ranking>> = Groups::new(&aggregate.grouping);
        let mut charge = self.meter.charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let rankings = groups.of(&row, |labels| {
                charge.labels(labels)?;
                charge.bytes(steps.count * size_of::<Ranking>())?;
                Ok::<_, Error>(vec![Ranking::new(); steps.count])
            })?;
            let labels = row.to_labels();
            self.meter.work(row.values.len() * 4)?;
            for ((ranking, size), value) in rankings.iter_mut().zip(&sizes).zip(&*row.values) {
                if is_stale(*value) {
                    continue;
                }
                let entry = (*value, labels.clone());
                let full = ranking.len() >= *size;
                if full && ranking.last().is_none_or(|last| order(&entry, last) != Ordering::Less) {
                    continue;
                }
                if full {
                    ranking.pop();
                } else {
                    charge.bytes(size_of::<(f64, Labels)>())?;
                }
                let place = ranking.partition_point(|other| order(other, &entry) == Ordering::Less);
                ranking.insert(place, entry);
            }
            Ok(())
        })?;
        let mut frame = Frame::new(&self.meter);
        for (_, rankings) in groups.groups {
            self.unrank(rankings, &mut frame)?;
        }
        Ok(frame)
    }

    /// Turns rankings into series, in the order in which they rank first.
    fn unrank(&self, rankings: Vec<Ranking>, frame: &mut Frame) -> Result<(), Error> {
        let count = rankings.len();
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut columns: Vec<(Labels, Vec<f64>)> = Vec::new();
        for (step, ranking) in rankings.into_iter().enumerate() {
            for (value, labels) in ranking {
                let place = *places.entry(labels).or_insert_with_key(|labels| {
                    columns.push((labels.clone(), vec![stale_marker(); count]));
                    columns.len() - 1
                });
                columns[place].1[step] = value;
            }
            self.meter.work(1)?;
        }
        columns.into_iter().try_for_each(|(labels, values)| frame.push(labels, values))
    }

    /// `count_values`: for each value how many series have it, the value in a label of the given name.
    pub(super) fn count_values(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        let label = param(aggregate)?.text()?;
        if !is_label_name(label) {
            return Err(Error::Execution(format!("invalid label name {label:?}")));
        }
        let mut counts: HashMap<Labels, Vec<f64>> = HashMap::new();
        let mut charge = self.meter.charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let group = key(&aggregate.grouping, &row);
            // Under `without (label)` the label is dropped after it was set.
            let dropped = matches!(&aggregate.grouping, Grouping::Without(labels) if labels.iter().any(|l| l == label));
            self.meter.work(row.values.len() * 64)?;
            for (step, value) in row.values.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
                let labels = if dropped { group.clone() } else { group.with(label, &decimal(*value)) };
                if !counts.contains_key(&labels) {
                    charge.labels(&labels)?;
                    charge.values(steps.count)?;
                }
                let column = counts.entry(labels).or_insert_with(|| vec![stale_marker(); steps.count]);
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
