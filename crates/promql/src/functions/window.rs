//! Functions of a range vector: from the samples of a window to one number.
use super::over_time::{self, Extreme};
use super::rate::{self, Change};
use super::{arg, regression};
use crate::ast::{Call, Type};
use crate::eval::{Evaluator, Needed, Row, Sink, Steps, Windows};
use crate::quantile::quantile;
use crate::{Error, Labels, Samples};
use std::collections::HashSet;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WindowFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Deriv,
    PredictLinear,
    Changes,
    Resets,
    Sum,
    Avg,
    Min,
    Max,
    Count,
    First,
    Last,
    Present,
    Stddev,
    Stdvar,
    Quantile,
}

impl WindowFunction {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "delta" => Self::Delta,
            "irate" => Self::Irate,
            "idelta" => Self::Idelta,
            "deriv" => Self::Deriv,
            "predict_linear" => Self::PredictLinear,
            "changes" => Self::Changes,
            "resets" => Self::Resets,
            "sum_over_time" => Self::Sum,
            "avg_over_time" => Self::Avg,
            "min_over_time" => Self::Min,
            "max_over_time" => Self::Max,
            "count_over_time" => Self::Count,
            "first_over_time" => Self::First,
            "last_over_time" => Self::Last,
            "present_over_time" => Self::Present,
            "stddev_over_time" => Self::Stddev,
            "stdvar_over_time" => Self::Stdvar,
            "quantile_over_time" => Self::Quantile,
            _ => return None,
        })
    }

    fn needed(self) -> Needed {
        if matches!(self, Self::Last | Self::Present) { Needed::Latest } else { Needed::All }
    }

    /// Whether the metric's name stays: a sample of the window is the result.
    pub(crate) fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }
}

impl Evaluator<'_> {
    pub(super) fn over_window(
        &self,
        call: &Call,
        function: WindowFunction,
        steps: Steps,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let of = call.args.iter().find(|arg| arg.value_type() == Type::Matrix);
        let of = of.map_or_else(|| arg(call, 0), Ok)?;
        let number = match call.args.iter().find(|arg| arg.value_type() == Type::Scalar) {
            Some(expr) => self.scalar(expr, steps)?,
            None => Vec::new(),
        };
        let keeps_name = function.keeps_name();
        let mut met = (!keeps_name && !of.is_distinct_without_name()).then(HashSet::<Labels>::new);
        let mut out = Vec::with_capacity(steps.count);
        self.each_samples(of, steps, function.needed(), &mut |labels, named, samples, windows| {
            self.apply(function, &number, samples, windows, &mut out)?;
            let row = Row { labels, named: named && keeps_name, values: &mut out };
            if row.is_empty() {
                return Ok(());
            }
            if let Some(met) = &mut met
                && !met.insert(row.to_labels())
            {
                return Err(Error::same_labels());
            }
            if named && matches!(function, WindowFunction::Rate | WindowFunction::Increase) {
                self.annotations.maybe_no_counter(labels.metric_name().unwrap_or("_total"));
            }
            if function == WindowFunction::Quantile {
                self.annotations.check_quantiles(&number);
            }
            sink(row)
        })
    }

    /// Sets `out` to the function's result at each step.
    fn apply(
        &self,
        function: WindowFunction,
        number: &[f64],
        samples: Samples<'_>,
        windows: &Windows,
        out: &mut Vec<f64>,
    ) -> Result<(), Error> {
        let meter = &self.meter;
        match function {
            WindowFunction::Rate => rate::extrapolated(Change::PerSecond, samples, windows, meter, out),
            WindowFunction::Increase => rate::extrapolated(Change::Increase, samples, windows, meter, out),
            WindowFunction::Delta => rate::extrapolated(Change::Delta, samples, windows, meter, out),
            WindowFunction::Irate => windows.fill(samples, meter, out, |w| rate::of_last_two(&w, true)),
            WindowFunction::Idelta => windows.fill(samples, meter, out, |w| rate::of_last_two(&w, false)),
            WindowFunction::Deriv => windows.fill(samples, meter, out, |w| regression::slope(&w)),
            WindowFunction::PredictLinear => {
                let steps = windows.steps();
                windows.fill_by_step(samples, meter, out, |w| {
                    regression::predict(&w, steps.time_ms(w.step), number[w.step])
                })
            }
            WindowFunction::Changes => {
                let changed = |a: f64, b: f64| a != b && !(a.is_nan() && b.is_nan());
                over_time::count_pairs(changed, samples, windows, meter, out)
            }
            WindowFunction::Resets => over_time::count_pairs(|a, b| b < a, samples, windows, meter, out),
            WindowFunction::Sum => over_time::sum(samples, windows, meter, out),
            WindowFunction::Avg => over_time::mean(samples, windows, meter, out),
            WindowFunction::Min => over_time::extreme(Extreme::Least, samples, windows, meter, out),
            WindowFunction::Max => over_time::extreme(Extreme::Greatest, samples, windows, meter, out),
            WindowFunction::Count => windows.fill(samples, meter, out, |w| w.values.len() as f64),
            WindowFunction::First => windows.fill(samples, meter, out, |w| w.values[0]),
            WindowFunction::Last => windows.fill(samples, meter, out, |w| w.values[w.values.len() - 1]),
            WindowFunction::Present => windows.fill(samples, meter, out, |_| 1.0),
            WindowFunction::Stddev => windows.fill(samples, meter, out, |w| over_time::variance(w.values).sqrt()),
            WindowFunction::Stdvar => windows.fill(samples, meter, out, |w| over_time::variance(w.values)),
            WindowFunction::Quantile => {
                let mut values = Vec::new();
                windows.fill_by_step(samples, meter, out, |w| {
                    values.clear();
                    values.extend_from_slice(w.values);
                    quantile(number[w.step], &mut values)
                })
            }
        }
    }
}
