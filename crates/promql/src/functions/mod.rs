//! The functions of PromQL, and which part of the evaluator each belongs to.
mod calendar;
mod date;
mod histogram;
mod labels;
mod math;
mod over_time;
mod rate;
mod regression;
mod window;

pub(crate) use window::WindowFunction;

use crate::Error;
use crate::ast::{Call, Expr, Type};
use crate::eval::{Evaluator, Frame, Needed, Row, Sink, Steps, absent_labels, mistyped};
use crate::{is_stale, stale_marker};
use date::Date;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    /// A number from a number.
    Math(fn(f64) -> f64),
    /// A number from a date, by default the evaluation's.
    Calendar(fn(Date) -> i64),
    Round,
    Clamp,
    ClampMin,
    ClampMax,
    Timestamp,
    OverWindow(WindowFunction),
    AbsentOverTime,
    Absent,
    Sort {
        descending: bool,
    },
    LabelReplace,
    LabelJoin,
    HistogramQuantile,
    HistogramFraction,
    /// A function of native histograms, of which there are none.
    OfNativeHistogram,
    Vector,
    Scalar,
    Time,
    Pi,
    Start,
    End,
    Step,
    Range,
}

/// The function called `name`; none for what is not offered.
pub(crate) fn by_name(name: &str) -> Option<Function> {
    if let Some(function) = WindowFunction::by_name(name) {
        return Some(Function::OverWindow(function));
    }
    if let Some(function) = math::by_name(name) {
        return Some(Function::Math(function));
    }
    if let Some(function) = calendar::by_name(name) {
        return Some(Function::Calendar(function));
    }
    Some(match name {
        "round" => Function::Round,
        "clamp" => Function::Clamp,
        "clamp_min" => Function::ClampMin,
        "clamp_max" => Function::ClampMax,
        "timestamp" => Function::Timestamp,
        "absent_over_time" => Function::AbsentOverTime,
        "absent" => Function::Absent,
        "sort" => Function::Sort { descending: false },
        "sort_desc" => Function::Sort { descending: true },
        "label_replace" => Function::LabelReplace,
        "label_join" => Function::LabelJoin,
        "histogram_quantile" => Function::HistogramQuantile,
        "histogram_fraction" => Function::HistogramFraction,
        "histogram_avg" | "histogram_count" | "histogram_sum" | "histogram_stddev" | "histogram_stdvar" => {
            Function::OfNativeHistogram
        }
        "vector" => Function::Vector,
        "scalar" => Function::Scalar,
        "time" => Function::Time,
        "pi" => Function::Pi,
        "start" => Function::Start,
        "end" => Function::End,
        "step" => Function::Step,
        "range" => Function::Range,
        _ => return None,
    })
}

impl Function {
    /// Whether the function turns each series into one of the same labels but for the metric's name.
    pub(crate) fn is_elementwise(self) -> bool {
        matches!(
            self,
            Self::Math(_)
                | Self::Calendar(_)
                | Self::Round
                | Self::Clamp
                | Self::ClampMin
                | Self::ClampMax
                | Self::Timestamp
        )
    }

    /// Whether the function's series can be handed on one by one.
    pub(crate) fn streams(self) -> bool {
        self.is_elementwise() || matches!(self, Self::OverWindow(_) | Self::Vector | Self::OfNativeHistogram)
    }
}

/// An argument that the parser has made sure of.
pub(crate) fn arg(call: &Call, index: usize) -> Result<&Expr, Error> {
    call.args.get(index).ok_or_else(|| Error::Execution(format!("{} lacks argument {}", call.name, index + 1)))
}

impl Evaluator<'_> {
    /// Calls of functions that stream.
    pub(crate) fn stream_call(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match call.function {
            Function::Math(function) => self.map(arg(call, 0)?, steps, true, &mut |_, value| function(value), sink),
            Function::Calendar(part) => self.calendar(call, part, steps, sink),
            Function::Round | Function::Clamp | Function::ClampMin | Function::ClampMax => {
                self.bounded(call, steps, sink)
            }
            Function::Timestamp => self.timestamp(arg(call, 0)?, steps, sink),
            Function::OverWindow(function) => self.over_window(call, function, steps, sink),
            Function::Vector => {
                let mut values = self.scalar(arg(call, 0)?, steps)?;
                sink(Row { labels: &crate::Labels::default(), named: false, values: &mut values })
            }
            Function::OfNativeHistogram => self.stream(arg(call, 0)?, steps, &mut |_| Ok(())),
            _ => Err(Error::Execution(format!("{} does not stream", call.name))),
        }
    }

    /// Calls of functions that need all their series at once.
    pub(crate) fn call_frame(&self, call: &Call, steps: Steps) -> Result<Frame, Error> {
        match call.function {
            Function::Absent | Function::AbsentOverTime => self.absent(call, steps),
            Function::Sort { descending } => self.sort(arg(call, 0)?, descending, steps),
            Function::LabelReplace => self.label_replace(call, steps),
            Function::LabelJoin => self.label_join(call, steps),
            Function::HistogramQuantile => self.histogram_quantile(call, steps),
            Function::HistogramFraction => self.histogram_fraction(call, steps),
            _ => Err(Error::Execution(format!("{} gives no vector", call.name))),
        }
    }

    /// Calls of functions that give a number per step.
    pub(crate) fn call_scalar(&self, call: &Call, steps: Steps) -> Result<Vec<f64>, Error> {
        let constant = |value: f64| Ok(vec![value; steps.count]);
        let seconds = |ms: i64| ms as f64 / 1000.0;
        match call.function {
            Function::Scalar => self.only_series(arg(call, 0)?, steps),
            Function::Time => Ok(steps.times_ms().map(seconds).collect()),
            Function::Pi => constant(std::f64::consts::PI),
            Function::Start => constant(seconds(self.span.start_ms)),
            Function::End => constant(seconds(self.span.end_ms)),
            Function::Step => constant(seconds(self.span.step_ms)),
            Function::Range => constant(seconds(self.span.end_ms.saturating_sub(self.span.start_ms))),
            _ => Err(Error::Execution(format!("{} gives no scalar", call.name))),
        }
    }

    /// The value of the only series at each step; NaN where there is none or several.
    fn only_series(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        let mut only = vec![stale_marker(); steps.count];
        self.stream(expr, steps, &mut |row| {
            for (kept, value) in only.iter_mut().zip(&*row.values) {
                if !is_stale(*value) {
                    *kept = if is_stale(*kept) { *value } else { f64::NAN };
                }
            }
            Ok(())
        })?;
        Ok(only.into_iter().map(|value| if is_stale(value) { f64::NAN } else { value }).collect())
    }

    /// One series of ones where the argument has no series.
    fn absent(&self, call: &Call, steps: Steps) -> Result<Frame, Error> {
        let of = arg(call, 0)?;
        let mut absent = vec![1.0; steps.count];
        let mut note = |values: &[f64]| {
            for (flag, value) in absent.iter_mut().zip(values) {
                if !is_stale(*value) {
                    *flag = stale_marker();
                }
            }
        };
        if of.value_type() == Type::Vector {
            self.stream(of, steps, &mut |row| {
                note(row.values);
                Ok(())
            })?;
        } else {
            let mut present = Vec::with_capacity(steps.count);
            self.each_samples(of, steps, Needed::Latest, &mut |_, _, samples, windows| {
                windows.fill(samples, &self.meter, &mut present, |_| 1.0)?;
                note(&present);
                Ok(())
            })?;
        }
        let mut frame = Frame::new(&self.meter);
        frame.push(absent_labels(of), absent)?;
        Ok(frame)
    }

    /// Sorts by the value of the only step; a range has no order but that of labels. NaN comes last either way.
    fn sort(&self, of: &Expr, descending: bool, steps: Steps) -> Result<Frame, Error> {
        let mut frame = self.collect(&mut |sink| self.stream(of, steps, sink))?;
        frame.lines.sort_by(|a, b| a.labels.cmp(&b.labels));
        if steps.count == 1 {
            frame.lines.sort_by(|a, b| {
                let (a, b) = (a.values[0], b.values[0]);
                let order = if descending { b.total_cmp(&a) } else { a.total_cmp(&b) };
                a.is_nan().cmp(&b.is_nan()).then(order)
            });
        }
        Ok(frame)
    }

    fn timestamp(&self, of: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match of.unwrapped() {
            Expr::Select(select) => {
                self.without_names(of, &mut |sink: &mut Sink<'_>| self.stream_timestamps(select, steps, sink), sink)
            }
            other if other.value_type() == Type::Vector => {
                let time = |step: usize, _| steps.time_ms(step) as f64 / 1000.0;
                self.map(other, steps, true, &mut { time }, sink)
            }
            other => Err(mistyped(Type::Vector, other)),
        }
    }
}
