//! The two ways to ask: at one time, or at many.
use super::memo::Memo;
use super::{Annotations, Evaluator, Meter, Needed, Span, Steps, Windows};
use crate::ast::{AggregateOp, Expr, Type};
use crate::functions::Function;
use crate::result::{QueryResult, Sample, Series, Value};
use crate::{Error, Interrupt, Options, Query, Storage, is_stale};
use std::rc::Rc;

/// Answers `query` at `time_ms`.
///
/// # Errors
/// When evaluation fails, exceeds a limit or is interrupted, or the store fails.
pub fn instant(
    storage: &dyn Storage,
    query: &Query,
    time_ms: i64,
    options: &Options,
    interrupt: Interrupt<'_>,
) -> Result<QueryResult, Error> {
    let steps = Steps { start_ms: time_ms, step_ms: 1, count: 1 };
    let span = Span { start_ms: time_ms, end_ms: time_ms, step_ms: 0 };
    let evaluator = Evaluator::new(storage, query, steps, span, options, interrupt)?;
    let value = match query.expr.value_type() {
        Type::Scalar => Value::Scalar { time_ms, value: evaluator.scalar(&query.expr, steps)?[0] },
        Type::String => Value::String { time_ms, value: query.expr.text()?.to_owned() },
        Type::Vector => Value::Vector(evaluator.samples(&query.expr, steps)?),
        Type::Matrix => Value::Matrix(evaluator.raw_series(&query.expr, steps)?),
    };
    Ok(evaluator.annotations.into_result(value))
}

/// Answers `query` at `start_ms` and each `step_ms` after it up to `end_ms`; a scalar becomes a series without labels.
///
/// # Errors
/// When the range has no steps or too many, the query is not a scalar or an instant vector, evaluation fails, exceeds
/// a limit or is interrupted, or the store fails.
pub fn range(
    storage: &dyn Storage,
    query: &Query,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    options: &Options,
    interrupt: Interrupt<'_>,
) -> Result<QueryResult, Error> {
    let steps = range_steps(start_ms, end_ms, step_ms, options.limits.steps)?;
    let span = Span { start_ms, end_ms, step_ms };
    let value_type = query.expr.value_type();
    if matches!(value_type, Type::String | Type::Matrix) {
        return Err(Error::Syntax(format!(
            "invalid expression type {value_type:?} for range query, must be Scalar or instant Vector"
        )));
    }
    let evaluator = Evaluator::new(storage, query, steps, span, options, interrupt)?;
    let series = if value_type == Type::Scalar {
        let samples = steps.times_ms().zip(evaluator.scalar(&query.expr, steps)?).collect();
        vec![Series { labels: crate::Labels::default(), samples }]
    } else {
        evaluator.series(&query.expr, steps)?
    };
    Ok(evaluator.annotations.into_result(Value::Matrix(series)))
}

fn range_steps(start_ms: i64, end_ms: i64, step_ms: i64, limit: usize) -> Result<Steps, Error> {
    if step_ms <= 0 {
        return Err(Error::BadRange("the step must be above zero"));
    }
    let length_ms = end_ms.checked_sub(start_ms).filter(|length| *length >= 0);
    let length_ms = length_ms.ok_or(Error::BadRange("the end must not be before the start"))?;
    let count = length_ms.unsigned_abs() / step_ms.unsigned_abs() + 1;
    match usize::try_from(count) {
        Ok(count) if count <= limit => Ok(Steps { start_ms, step_ms, count }),
        _ => Err(Error::TooManySteps { count, limit }),
    }
}

impl<'a> Evaluator<'a> {
    fn new(
        storage: &'a dyn Storage,
        query: &Query,
        steps: Steps,
        span: Span,
        options: &'a Options,
        interrupt: Interrupt<'a>,
    ) -> Result<Self, Error> {
        let meter = Meter::new(options, interrupt);
        meter.check()?;
        Ok(Self {
            storage,
            options,
            span,
            meter,
            annotations: Annotations::default(),
            memo: Memo::plan(&query.expr, steps, span, options.default_subquery_step_ms),
        })
    }

    fn samples(&self, expr: &Expr, steps: Steps) -> Result<Vec<Sample>, Error> {
        let frame = self.frame(expr, steps)?;
        let mut samples: Vec<Sample> = frame
            .lines
            .iter()
            .map(|line| Sample { labels: line.labels.clone(), time_ms: steps.start_ms, value: line.values[0] })
            .collect();
        if !is_ordered(expr) {
            samples.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Ok(samples)
    }

    fn series(&self, expr: &Expr, steps: Steps) -> Result<Vec<Series>, Error> {
        let frame = self.frame(expr, steps)?;
        let mut charge = self.meter.charge();
        let mut series = Vec::with_capacity(frame.lines.len());
        let mut finish = |labels: crate::Labels, values: &[f64]| {
            let present = steps.times_ms().zip(values.iter().copied()).filter(|(_, value)| !is_stale(*value));
            let samples: Vec<(i64, f64)> = present.collect();
            charge.values(2 * samples.len())?;
            series.push(Series { labels, samples });
            Ok::<(), Error>(())
        };
        // Each line is dropped as soon as it is copied, where nobody else holds the frame.
        match Rc::try_unwrap(frame) {
            Ok(frame) => frame.lines.into_iter().try_for_each(|line| finish(line.labels, &line.values))?,
            Err(shared) => shared.lines.iter().try_for_each(|line| finish(line.labels.clone(), &line.values))?,
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(series)
    }

    /// The samples of a range vector as they are in the store, or as a subquery made them.
    fn raw_series(&self, expr: &Expr, steps: Steps) -> Result<Vec<Series>, Error> {
        let mut charge = self.meter.charge();
        let mut series = Vec::new();
        self.each_samples(expr, steps, Needed::All, &mut |labels, named, samples, windows: &Windows| {
            let (after_ms, until_ms) = windows.bounds_ms();
            let samples: Vec<(i64, f64)> = samples
                .times_ms
                .iter()
                .copied()
                .zip(samples.values.iter().copied())
                .filter(|(time_ms, _)| after_ms < *time_ms && *time_ms <= until_ms)
                .collect();
            if samples.is_empty() {
                return Ok(());
            }
            charge.values(2 * samples.len())?;
            let labels = if named { labels.clone() } else { labels.without_metric_name() };
            charge.labels(&labels)?;
            series.push(Series { labels, samples });
            Ok(())
        })?;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(series)
    }
}

/// Whether the series of an instant query come in an order of their own.
fn is_ordered(expr: &Expr) -> bool {
    match expr {
        Expr::Aggregate(aggregate) => matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk),
        Expr::Call(call) => match call.function {
            Function::Sort { .. } => true,
            function if function.is_elementwise() => call.args.first().is_some_and(is_ordered),
            _ => false,
        },
        Expr::Binary(binary) if !binary.joins_vectors() => is_ordered(&binary.left) || is_ordered(&binary.right),
        Expr::Negate(inner) | Expr::Paren(inner) => is_ordered(inner),
        _ => false,
    }
}

impl Expr {
    /// The text of a string expression.
    pub(crate) fn text(&self) -> Result<&str, Error> {
        match self.unwrapped() {
            Self::String(text) => Ok(text),
            other => Err(super::mistyped(Type::String, other)),
        }
    }
}
