//! Functions of a range vector, which compute a value from the samples of each window.
use super::rate::{self, Change};
use super::{extended_rate, over_time, regression};
use crate::ast::{Call, Edges, ValueType, WindowFunction};
use crate::eval::{Evaluator, Row, SamplesNeeded, Sink, Steps, WindowedSamples};
use crate::quantile::quantile;
use crate::{Error, Labels};
use std::collections::HashSet;

impl Evaluator<'_> {
    pub(super) fn over_window(
        &self,
        call: &Call,
        function: WindowFunction,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let matrix = call.args.iter().find(|arg| arg.value_type() == ValueType::Matrix);
        let matrix = matrix.map_or_else(|| call.arg(0), Ok)?;
        let edges = matrix.edges();
        extended_rate::check_edges(call, Some(function), edges)?;
        let numbers = match call.args.iter().find(|arg| arg.value_type() == ValueType::Scalar) {
            Some(expr) => self.scalar(expr, steps)?,
            None => Vec::new(),
        };
        let keeps_name = function.keeps_name();
        let mut seen = (!keeps_name && !matrix.is_distinct_without_name()).then(HashSet::<Labels>::new);
        let mut out = Vec::with_capacity(steps.count);
        self.stream_windows(matrix, steps, samples_needed(function), &mut |series| {
            if edges == Edges::Plain {
                apply(function, &numbers, series.samples, &mut out)?;
            } else {
                apply_extended(function, edges, series.samples, &mut out)?;
            }
            let row = Row { labels: series.labels, named: series.named && keeps_name, values: &mut out };
            if row.is_empty() {
                return Ok(());
            }
            if let Some(seen) = &mut seen
                && !seen.insert(row.to_labels())
            {
                return Err(Error::duplicate_label_set());
            }
            if series.named && matches!(function, WindowFunction::Rate | WindowFunction::Increase) {
                self.annotations.check_counter_name(series.labels.metric_name().unwrap_or("_total"));
            }
            if function == WindowFunction::Quantile {
                self.annotations.check_quantiles(&numbers);
            }
            sink(row)
        })
    }
}

fn samples_needed(function: WindowFunction) -> SamplesNeeded {
    if matches!(function, WindowFunction::Last | WindowFunction::Present) {
        SamplesNeeded::Latest
    } else {
        SamplesNeeded::All
    }
}

/// Sets `out` to the result of the function over windows whose edges have a value, at each step.
fn apply_extended(
    function: WindowFunction,
    edges: Edges,
    windowed: WindowedSamples<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    match function {
        WindowFunction::Rate => extended_rate::change(Change::CounterRate, edges, windowed, out),
        WindowFunction::Increase => extended_rate::change(Change::CounterIncrease, edges, windowed, out),
        WindowFunction::Changes => extended_rate::count_pairs(is_change, edges, windowed, out),
        WindowFunction::Resets => extended_rate::count_pairs(is_reset, edges, windowed, out),
        // The call was checked: only `delta` is left.
        _ => extended_rate::change(Change::GaugeDelta, edges, windowed, out),
    }
}

/// Whether `changes` counts two neighbouring values.
fn is_change(previous: f64, value: f64) -> bool {
    previous != value && !(previous.is_nan() && value.is_nan())
}

/// Whether `resets` counts two neighbouring values.
fn is_reset(previous: f64, value: f64) -> bool {
    value < previous
}

/// Sets `out` to the result of the function at each step. `numbers` is the scalar argument at each step.
fn apply(
    function: WindowFunction,
    numbers: &[f64],
    windowed: WindowedSamples<'_>,
    out: &mut Vec<f64>,
) -> Result<(), Error> {
    match function {
        WindowFunction::Rate => rate::extrapolated(Change::CounterRate, windowed, out),
        WindowFunction::Increase => rate::extrapolated(Change::CounterIncrease, windowed, out),
        WindowFunction::Delta => rate::extrapolated(Change::GaugeDelta, windowed, out),
        WindowFunction::Irate => windowed.fill(out, |w| rate::between_last_two(&w, true)),
        WindowFunction::Idelta => windowed.fill(out, |w| rate::between_last_two(&w, false)),
        WindowFunction::Deriv => windowed.fill(out, |w| regression::slope(&w)),
        WindowFunction::PredictLinear => {
            let steps = windowed.steps();
            windowed.fill_by_step(out, |w| regression::predict(&w, steps.time_ms(w.step), numbers[w.step]))
        }
        WindowFunction::Changes => over_time::count_pairs(is_change, windowed, out),
        WindowFunction::Resets => over_time::count_pairs(is_reset, windowed, out),
        WindowFunction::Sum => over_time::sum(windowed, out),
        WindowFunction::Avg => over_time::mean(windowed, out),
        WindowFunction::Min => over_time::min(windowed, out),
        WindowFunction::Max => over_time::max(windowed, out),
        WindowFunction::Count => windowed.fill(out, |w| w.values.len() as f64),
        WindowFunction::First => windowed.fill(out, |w| w.values[0]),
        WindowFunction::Last => windowed.fill(out, |w| w.values[w.values.len() - 1]),
        WindowFunction::Present => windowed.fill(out, |_| 1.0),
        WindowFunction::Stddev => windowed.fill(out, |w| over_time::variance(w.values).sqrt()),
        WindowFunction::Stdvar => windowed.fill(out, |w| over_time::variance(w.values)),
        WindowFunction::Quantile => {
            let mut values = Vec::new();
            windowed.fill_by_step(out, |w| {
                values.clear();
                values.extend_from_slice(w.values);
                quantile(numbers[w.step], &mut values)
            })
        }
    }
}
