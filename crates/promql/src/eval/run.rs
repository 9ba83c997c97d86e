//! The entry points: instant queries and range queries.
use super::evaluator::Evaluator;
use super::extended::Extender;
use super::select::{SamplesNeeded, WindowedSeries};
use super::steps::{QueryRange, Steps};
use super::windows::WindowedSamples;
use crate::ast::{Edges, Expr, ValueType};
use crate::result::{QueryResult, Sample, Series, Value};
use crate::{Error, Interrupt, Labels, Options, Query, Samples, Storage, is_stale};
use std::rc::Rc;

/// Evaluates `query` at `time_ms`.
///
/// # Errors
/// If evaluation fails, exceeds a limit or is interrupted, or the storage fails.
pub fn instant(
    storage: &dyn Storage,
    query: &Query,
    time_ms: i64,
    options: &Options,
    interrupt: Interrupt<'_>,
) -> Result<QueryResult, Error> {
    let steps = Steps { start_ms: time_ms, step_ms: 1, count: 1 };
    let query_range = QueryRange { start_ms: time_ms, end_ms: time_ms, step_ms: 0 };
    let expr = &*query.expr.with_durations(query_range)?;
    let evaluator = Evaluator::new(storage, expr, steps, query_range, options, interrupt)?;
    let value = match expr.value_type() {
        ValueType::Scalar => Value::Scalar { time_ms, value: evaluator.scalar(expr, steps)?[0] },
        ValueType::String => Value::String { time_ms, value: expr.text()?.to_owned() },
        ValueType::Vector => Value::Vector(evaluator.vector(expr, steps)?),
        ValueType::Matrix => Value::Matrix(evaluator.raw_matrix(expr, steps)?),
    };
    let samples = evaluator.budget.sample_counts();
    Ok(evaluator.annotations.into_result(value, samples))
}

/// Evaluates `query` at `start_ms` and each `step_ms` after it up to `end_ms`. A scalar becomes a series without labels.
///
/// # Errors
/// If the range has no steps or too many, the query is neither a scalar nor an instant vector, evaluation fails, exceeds
/// a limit or is interrupted, or the storage fails.
pub fn range(
    storage: &dyn Storage,
    query: &Query,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
    options: &Options,
    interrupt: Interrupt<'_>,
) -> Result<QueryResult, Error> {
    let query_range = QueryRange { start_ms, end_ms, step_ms };
    let steps = range_steps(query_range, options.limits.steps)?;
    let value_type = query.expr.value_type();
    if matches!(value_type, ValueType::String | ValueType::Matrix) {
        return Err(Error::Syntax(format!(
            "invalid expression type {value_type} for range query, must be scalar or instant vector"
        )));
    }
    let expr = &*query.expr.with_durations(query_range)?;
    let evaluator = Evaluator::new(storage, expr, steps, query_range, options, interrupt)?;
    let series = if value_type == ValueType::Scalar {
        let samples = steps.times_ms().zip(evaluator.scalar(expr, steps)?).collect();
        vec![Series { labels: Labels::default(), samples }]
    } else {
        evaluator.range_series(expr, steps)?
    };
    let samples = evaluator.budget.sample_counts();
    Ok(evaluator.annotations.into_result(Value::Matrix(series), samples))
}

fn range_steps(range: QueryRange, limit: usize) -> Result<Steps, Error> {
    let QueryRange { start_ms, end_ms, step_ms } = range;
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

/// The samples of the only window, with the values at its edges if `edges` has them.
fn window_samples(windowed: &WindowedSamples<'_>, edges: Edges) -> Result<Vec<(i64, f64)>, Error> {
    let mut samples = Vec::new();
    let mut extender = Extender::new(edges, false, windowed.samples);
    windowed.fill(&mut Vec::new(), |window| {
        if edges == Edges::Plain {
            samples.extend(window.times_ms.iter().copied().zip(window.values.iter().copied()));
        } else if let Some(extended) = extender.extend(&window) {
            let Samples { times_ms, values } = windowed.samples;
            samples.push((window.after_ms, extended.left));
            samples.extend(extended.inside.map(|index| (times_ms[index], values[index])));
            samples.push((window.until_ms, extended.right));
        }
        0.0
    })?;
    Ok(samples)
}

impl Evaluator<'_> {
    fn vector(&self, expr: &Expr, steps: Steps) -> Result<Vec<Sample>, Error> {
        let matrix = self.matrix(expr, steps)?;
        let mut samples: Vec<Sample> = matrix
            .series
            .iter()
            .map(|series| Sample { labels: series.labels.clone(), time_ms: steps.start_ms, value: series.values[0] })
            .collect();
        if !expr.is_ordered() {
            samples.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        Ok(samples)
    }

    fn range_series(&self, expr: &Expr, steps: Steps) -> Result<Vec<Series>, Error> {
        let matrix = self.matrix(expr, steps)?;
        let mut charge = self.budget.memory_charge();
        let mut result = Vec::with_capacity(matrix.series.len());
        let mut push = |labels: Labels, values: &[f64]| {
            let present = steps.times_ms().zip(values.iter().copied()).filter(|(_, value)| !is_stale(*value));
            let samples: Vec<(i64, f64)> = present.collect();
            charge.add_values(2 * samples.len())?;
            result.push(Series { labels, samples });
            Ok::<(), Error>(())
        };
        // If the matrix is not shared, each series is dropped as soon as it is copied.
        match Rc::try_unwrap(matrix) {
            Ok(matrix) => matrix.series.into_iter().try_for_each(|series| push(series.labels, &series.values))?,
            Err(shared) => shared.series.iter().try_for_each(|series| push(series.labels.clone(), &series.values))?,
        }
        result.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(result)
    }

    /// The samples of a range vector as they are in the storage, or as a subquery computes them.
    fn raw_matrix(&self, expr: &Expr, steps: Steps) -> Result<Vec<Series>, Error> {
        let mut charge = self.budget.memory_charge();
        let mut result = Vec::new();
        self.stream_windows(expr, steps, SamplesNeeded::All, &mut |WindowedSeries { labels, named, samples }| {
            let samples = window_samples(&samples, expr.edges())?;
            if samples.is_empty() {
                return Ok(());
            }
            charge.add_values(2 * samples.len())?;
            let labels = if named { labels.clone() } else { labels.without_metric_name() };
            charge.add_labels(&labels)?;
            result.push(Series { labels, samples });
            Ok(())
        })?;
        result.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(result)
    }
}
