//! Aggregations that fold each series into its group as it comes.
use super::label_map::Groups;
use super::{Evaluator, Frame, Steps};
use crate::ast::{Aggregate, AggregateOp, Expr, Type};
use crate::kahan::{Mean, Sum};
use crate::quantile::quantile;
use crate::{Error, is_stale, stale_marker};

impl Evaluator<'_> {
    pub(super) fn aggregate(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        match aggregate.op {
            AggregateOp::Sum => self.fold::<Option<Sum>>(aggregate, steps),
            AggregateOp::Avg => self.fold::<Option<Mean>>(aggregate, steps),
            AggregateOp::Min => self.fold::<Least>(aggregate, steps),
            AggregateOp::Max => self.fold::<Greatest>(aggregate, steps),
            AggregateOp::Count => self.fold::<Count>(aggregate, steps),
            AggregateOp::Group => self.fold::<Presence>(aggregate, steps),
            AggregateOp::Stdvar => self.fold::<Variance>(aggregate, steps),
            AggregateOp::Stddev => self.fold::<Deviation>(aggregate, steps),
            AggregateOp::Quantile => self.quantiles(aggregate, steps),
            AggregateOp::CountValues => self.count_values(aggregate, steps),
            AggregateOp::Topk | AggregateOp::Bottomk => self.ranked(aggregate, steps),
        }
    }

    fn fold<F: Fold>(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        let mut groups = Groups::new();
        let mut charge = self.meter.charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            let folds = groups.entry(row.key(&aggregate.grouping), |labels| {
                charge.labels(labels)?;
                charge.bytes(steps.count * size_of::<F>())?;
                Ok(vec![F::default(); steps.count])
            })?;
            self.meter.work(row.values.len())?;
            for (fold, value) in folds.iter_mut().zip(&*row.values) {
                if !is_stale(*value) {
                    fold.add(*value);
                }
            }
            Ok(())
        })?;
        let mut frame = Frame::new(&self.meter);
        for (labels, folds) in groups {
            frame.push(labels, folds.into_iter().map(|fold| fold.value().unwrap_or_else(stale_marker)).collect())?;
        }
        Ok(frame)
    }

    /// `quantile`, which needs all of a step's values at once.
    fn quantiles(&self, aggregate: &Aggregate, steps: Steps) -> Result<Frame, Error> {
        let wanted = self.scalar(param(aggregate)?, steps)?;
        self.annotations.check_quantiles(&wanted);
        let mut groups: Groups<Vec<Vec<f64>>> = Groups::new();
        let mut charge = self.meter.charge();
        self.stream(&aggregate.inner, steps, &mut |row| {
            charge.values(row.values.len())?;
            let columns =
                groups.entry(row.key(&aggregate.grouping), |labels| charge.labels(labels).map(|()| Vec::new()))?;
            columns.push(std::mem::take(row.values));
            Ok(())
        })?;
        let mut frame = Frame::new(&self.meter);
        let mut present = Vec::new();
        for (labels, columns) in groups {
            let mut values = Vec::with_capacity(steps.count);
            for (step, wanted) in wanted.iter().enumerate() {
                present.clear();
                present.extend(columns.iter().map(|column| column[step]).filter(|value| !is_stale(*value)));
                self.meter.work(columns.len() * 4)?;
                values.push(if present.is_empty() { stale_marker() } else { quantile(*wanted, &mut present) });
            }
            frame.push(labels, values)?;
        }
        Ok(frame)
    }
}

/// The parameter in front of the operand.
pub(super) fn param(aggregate: &Aggregate) -> Result<&Expr, Error> {
    let missing = || super::mistyped(Type::Scalar, &Expr::Aggregate(aggregate.clone()));
    aggregate.param.as_deref().ok_or_else(missing)
}

/// A group's state at one step.
trait Fold: Clone + Default {
    fn add(&mut self, value: f64);
    /// None if nothing was added.
    fn value(self) -> Option<f64>;
}

impl Fold for Option<Sum> {
    fn add(&mut self, value: f64) {
        match self {
            Some(sum) => sum.add(value),
            None => *self = Some(Sum::starting_at(value)),
        }
    }

    fn value(self) -> Option<f64> {
        self.map(Sum::compensated)
    }
}

impl Fold for Option<Mean> {
    fn add(&mut self, value: f64) {
        match self {
            Some(mean) => mean.add(value),
            None => *self = Some(Mean::starting_at(value)),
        }
    }

    fn value(self) -> Option<f64> {
        self.map(Mean::value)
    }
}

#[derive(Clone, Copy, Default)]
struct Least(Option<f64>);

impl Fold for Least {
    fn add(&mut self, value: f64) {
        if self.0.is_none_or(|least| value < least || least.is_nan()) {
            self.0 = Some(value);
        }
    }

    fn value(self) -> Option<f64> {
        self.0
    }
}

#[derive(Clone, Copy, Default)]
struct Greatest(Option<f64>);

impl Fold for Greatest {
    fn add(&mut self, value: f64) {
        if self.0.is_none_or(|greatest| value > greatest || greatest.is_nan()) {
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
struct Presence(bool);

impl Fold for Presence {
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
struct Deviation(Variance);

impl Fold for Deviation {
    fn add(&mut self, value: f64) {
        self.0.add(value);
    }

    fn value(self) -> Option<f64> {
        self.0.value().map(f64::sqrt)
    }
}
