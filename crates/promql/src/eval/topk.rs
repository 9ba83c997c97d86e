//! `topk` and `bottomk`.
use super::aggregate::param;
use super::evaluator::Evaluator;
use super::label_map::LabelMap;
use super::step_matrix::StepMatrix;
use super::steps::Steps;
use crate::ast::{Aggregate, AggregateOp};
use crate::{Error, Labels, is_stale, stale_marker};
use std::cmp::Ordering;

/// The series of a group that rank highest at one step, in descending order of rank.
type Ranking = Vec<RankedValue>;

#[derive(Clone)]
struct RankedValue {
    value: f64,
    labels: Labels,
}

impl RankedValue {
    /// NaN ranks last. Equal values rank by labels.
    fn compare(&self, value: f64, labels: &Labels, descending: bool) -> Ordering {
        let by_value = if descending { value.partial_cmp(&self.value) } else { self.value.partial_cmp(&value) };
        let by_value = by_value.unwrap_or_else(|| self.value.is_nan().cmp(&value.is_nan()));
        by_value.then_with(|| self.labels.cmp(labels))
    }
}

impl Evaluator<'_> {
    /// `topk` and `bottomk`: at each step the k series with the highest or lowest values. Those of an instant query are
    /// in this order.
    pub(super) fn topk(&self, aggregate: &Aggregate, steps: Steps) -> Result<StepMatrix, Error> {
        let sizes = self.scalar(param(aggregate)?, steps)?.into_iter().map(ranking_size);
        let sizes = sizes.collect::<Result<Vec<usize>, Error>>()?;
        let descending = aggregate.op == AggregateOp::Topk;
        let mut groups: LabelMap<Vec<Ranking>> = LabelMap::new();
        let mut charge = self.budget.memory_charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let rankings = groups.entry(row.group_labels(&aggregate.grouping), |labels| {
                charge.add_labels(labels)?;
                charge.add_bytes(steps.count * size_of::<Ranking>())?;
                Ok(vec![Ranking::new(); steps.count])
            })?;
            let labels = row.to_labels();
            for ((ranking, size), value) in rankings.iter_mut().zip(&sizes).zip(&*row.values) {
                let ranks_higher = |other: &RankedValue| other.compare(*value, &labels, descending).is_lt();
                self.budget.count_work(8)?;
                let full = ranking.len() >= *size;
                if is_stale(*value) || full && ranking.last().is_none_or(ranks_higher) {
                    continue;
                }
                if full {
                    ranking.pop();
                } else {
                    charge.add_bytes(size_of::<RankedValue>())?;
                }
                let rank = ranking.partition_point(ranks_higher);
                self.budget.count_work(ranking.len() - rank)?;
                ranking.insert(rank, RankedValue { value: *value, labels: labels.clone() });
            }
            Ok(())
        })?;
        let mut result = StepMatrix::new(&self.budget);
        for (_, rankings) in groups {
            self.push_ranked(rankings, &mut result)?;
        }
        Ok(result)
    }

    /// Converts the rankings of a group to series, in the order in which they first rank.
    fn push_ranked(&self, rankings: Vec<Ranking>, result: &mut StepMatrix) -> Result<(), Error> {
        let count = rankings.len();
        let mut series: LabelMap<Vec<f64>> = LabelMap::new();
        let mut charge = self.budget.memory_charge();
        for (step, ranking) in rankings.into_iter().enumerate() {
            self.budget.count_work(ranking.len() * 16)?;
            for RankedValue { value, labels } in ranking {
                let values = series.entry(labels.labels().iter(), |labels| {
                    charge.add_labels(labels)?;
                    charge.add_values(count)?;
                    Ok(vec![stale_marker(); count])
                })?;
                values[step] = value;
            }
        }
        series.into_iter().try_for_each(|(labels, values)| result.push(labels, values))
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
