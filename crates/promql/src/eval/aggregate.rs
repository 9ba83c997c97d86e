//! Aggregations that fold each series into its group as it is streamed, and `quantile`.
use super::evaluator::Evaluator;
use super::label_map::LabelMap;
use super::properties::type_mismatch;
use super::step_matrix::StepMatrix;
use super::steps::Steps;
use crate::ast::{Aggregate, AggregateOp, Expr, ValueType};
use crate::kahan::{KahanMean, KahanSum};
use crate::quantile::quantile;
use crate::{Error, is_stale, stale_marker};

impl Evaluator<'_> {
    pub(super) fn aggregate(&self, aggregate: &Aggregate, steps: Steps) -> Result<StepMatrix, Error> {
        match aggregate.op {
            AggregateOp::Sum => self.fold::<Option<KahanSum>>(aggregate, steps),
            AggregateOp::Avg => self.fold::<Option<KahanMean>>(aggregate, steps),
            AggregateOp::Min => self.fold::<Minimum>(aggregate, steps),
            AggregateOp::Max => self.fold::<Maximum>(aggregate, steps),
            AggregateOp::Count => self.fold::<Count>(aggregate, steps),
            AggregateOp::Group => self.fold::<AnyValue>(aggregate, steps),
            AggregateOp::Stdvar => self.fold::<Variance>(aggregate, steps),
            AggregateOp::Stddev => self.fold::<StandardDeviation>(aggregate, steps),
            AggregateOp::Quantile => self.aggregate_quantile(aggregate, steps),
            AggregateOp::CountValues => self.count_values(aggregate, steps),
            AggregateOp::Topk | AggregateOp::Bottomk => self.topk(aggregate, steps),
        }
    }

    fn fold<F: Fold>(&self, aggregate: &Aggregate, steps: Steps) -> Result<StepMatrix, Error> {
        let mut groups = LabelMap::new();
        let mut charge = self.budget.memory_charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let folds = groups.entry(row.group_labels(&aggregate.grouping), |labels| {
                charge.add_labels(labels)?;
                charge.add_bytes(steps.count * size_of::<F>())?;
                Ok(vec![F::default(); steps.count])
            })?;
            self.budget.count_work(row.values.len())?;
            for (fold, value) in folds.iter_mut().zip(&*row.values) {
                if !is_stale(*value) {
                    fold.add(*value);
                }
            }
            Ok(())
        })?;
        let mut result = StepMatrix::new(&self.budget);
        for (labels, folds) in groups {
            result.push(labels, folds.into_iter().map(|fold| fold.value().unwrap_or_else(stale_marker)).collect())?;
        }
        Ok(result)
    }

    /// `quantile`, which needs all values of a step at once.
    fn aggregate_quantile(&self, aggregate: &Aggregate, steps: Steps) -> Result<StepMatrix, Error> {
        let quantiles = self.scalar(param(aggregate)?, steps)?;
        self.annotations.check_quantiles(&quantiles);
        let mut groups: LabelMap<Vec<Vec<f64>>> = LabelMap::new();
        let mut charge = self.budget.memory_charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            charge.add_values(row.values.len())?;
            let create = |labels: &_| charge.add_labels(labels).map(|()| Vec::new());
            let members = groups.entry(row.group_labels(&aggregate.grouping), create)?;
            members.push(std::mem::take(row.values));
            Ok(())
        })?;
        let mut result = StepMatrix::new(&self.budget);
        let mut present = Vec::new();
        for (labels, members) in groups {
            let mut values = Vec::with_capacity(steps.count);
            for (step, q) in quantiles.iter().enumerate() {
                present.clear();
                present.extend(members.iter().map(|values| values[step]).filter(|value| !is_stale(*value)));
                self.budget.count_work(members.len() * 4)?;
                values.push(if present.is_empty() { stale_marker() } else { quantile(*q, &mut present) });
            }
            result.push(labels, values)?;
        }
        Ok(result)
    }
}

/// The parameter before the operand.
pub(super) fn param(aggregate: &Aggregate) -> Result<&Expr, Error> {
    let missing = || type_mismatch(ValueType::Scalar, &Expr::Aggregate(aggregate.clone()));
    aggregate.param.as_deref().ok_or_else(missing)
}

/// The state of a group at one step.
trait Fold: Clone + Default {
    fn add(&mut self, value: f64);
    /// `None` if no value was added.
    fn value(self) -> Option<f64>;
}

impl Fold for Option<KahanSum> {
    fn add(&mut self, value: f64) {
        match self {
            Some(sum) => sum.add(value),
            None => *self = Some(KahanSum::starting_at(value)),
        }
    }

    fn value(self) -> Option<f64> {
        self.map(KahanSum::value)
    }
}

impl Fold for Option<KahanMean> {
    fn add(&mut self, value: f64) {
        match self {
            Some(mean) => mean.add(value),
            None => *self = Some(KahanMean::starting_at(value)),
        }
    }

    fn value(self) -> Option<f64> {
        self.map(KahanMean::value)
    }
}

#[derive(Clone, Copy, Default)]
struct Minimum(Option<f64>);

impl Fold for Minimum {
    fn add(&mut self, value: f64) {
        if self.0.is_none_or(|min| value < min || min.is_nan()) {
            self.0 = Some(value);
        }
    }

    fn value(self) -> Option<f64> {
        self.0
    }
}

#[derive(Clone, Copy, Default)]
struct Maximum(Option<f64>);

impl Fold for Maximum {
    fn add(&mut self, value: f64) {
        if self.0.is_none_or(|max| value > max || max.is_nan()) {
            self.0 = Some(value);
        }
    }

    fn value(self) -> Option<f64> {
        self.0
    }
}

#[derive(Clone, Copy, Default)]
struct Count(u32);

impl Fold for Count {
    fn add(&mut self, _: f64) {
        self.0 += 1;
    }

    fn value(self) -> Option<f64> {
        (self.0 > 0).then(|| self.0.into())
    }
}

#[derive(Clone, Copy, Default)]
struct AnyValue(bool);

impl Fold for AnyValue {
    fn add(&mut self, _: f64) {
        self.0 = true;
    }

    fn value(self) -> Option<f64> {
        self.0.then_some(1.0)
    }
}

/// Welford's algorithm. Source: `promql/engine.go` of Prometheus 3, `aggregation`.
#[derive(Clone, Copy, Default)]
struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold for Variance {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn value(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.squares / self.count)
    }
}

#[derive(Clone, Copy, Default)]
struct StandardDeviation(Variance);

impl Fold for StandardDeviation {
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }

    fn value(self) -> Option<f64> {
        self.0.value().map(f64::sqrt)
    }
}
