//! Function calls: which of the evaluator's methods a function is, and the simplest functions.
use crate::ast::{Call, Expr, Function, ValueType};
use crate::eval::{Evaluator, Row, Sink, StepMatrix, Steps, type_mismatch};
use crate::{Error, Labels, is_stale, stale_marker};

impl Evaluator<'_> {
    /// Calls a function that streams.
    pub(crate) fn stream_call(&self, call: &Call, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match call.function {
            Function::Math(function) => self.map(call.arg(0)?, steps, true, &mut |_, value| function(value), sink),
            Function::Date(part) => self.date_part(call, part, steps, sink),
            Function::Round => self.round(call, steps, sink),
            Function::Clamp | Function::ClampMin | Function::ClampMax => self.clamp(call, steps, sink),
            Function::Timestamp => self.timestamp(call.arg(0)?, steps, sink),
            Function::OverWindow(function) => self.over_window(call, function, steps, sink),
            Function::Vector => {
                let mut values = self.scalar(call.arg(0)?, steps)?;
                sink(Row { labels: &Labels::default(), named: false, values: &mut values })
            }
            Function::NativeHistogram => self.stream(call.arg(0)?, steps, &mut |_| Ok(())),
            _ => Err(Error::Execution(format!("{} does not stream", call.name))),
        }
    }

    /// Calls a function that computes all series at once.
    pub(crate) fn call_matrix(&self, call: &Call, steps: Steps) -> Result<StepMatrix, Error> {
        match call.function {
            Function::Absent | Function::AbsentOverTime => self.absent(call, steps),
            Function::Sort { descending } => self.sort(call.arg(0)?, descending, steps),
            Function::LabelReplace => self.label_replace(call, steps),
            Function::LabelJoin => self.label_join(call, steps),
            Function::HistogramQuantile => self.histogram_quantile(call, steps),
            Function::HistogramFraction => self.histogram_fraction(call, steps),
            _ => Err(Error::Execution(format!("{} does not return a vector", call.name))),
        }
    }

    /// Calls a function that returns a scalar.
    pub(crate) fn call_scalar(&self, call: &Call, steps: Steps) -> Result<Vec<f64>, Error> {
        let constant = |value: f64| Ok(vec![value; steps.count]);
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let range = self.query_range;
        match call.function {
            Function::Scalar => self.single_series_value(call.arg(0)?, steps),
            Function::Time => Ok(steps.times_ms().map(seconds).collect()),
            Function::Pi => constant(std::f64::consts::PI),
            Function::Start => constant(seconds(range.start_ms)),
            Function::End => constant(seconds(range.end_ms)),
            Function::Step => constant(seconds(range.step_ms)),
            Function::Range => constant(seconds(range.end_ms.saturating_sub(range.start_ms))),
            Function::MinOf => self.of_two(call, f64::min, steps),
            Function::MaxOf => self.of_two(call, f64::max, steps),
            _ => Err(Error::Execution(format!("{} does not return a scalar", call.name))),
        }
    }

    /// `min_of` and `max_of`.
    fn of_two(&self, call: &Call, pick: fn(f64, f64) -> f64, steps: Steps) -> Result<Vec<f64>, Error> {
        let (a, b) = (self.scalar(call.arg(0)?, steps)?, self.scalar(call.arg(1)?, steps)?);
        // As in Go, the result is NaN if either is.
        Ok(a.into_iter().zip(b).map(|(a, b)| if a.is_nan() || b.is_nan() { f64::NAN } else { pick(a, b) }).collect())
    }

    /// The value of the only series at each step; NaN if there is none or several.
    fn single_series_value(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, Error> {
        let mut single = vec![stale_marker(); steps.count];
        self.stream(expr, steps, &mut |row| {
            for (single, value) in single.iter_mut().zip(&*row.values) {
                if !is_stale(*value) {
                    *single = if is_stale(*single) { *value } else { f64::NAN };
                }
            }
            Ok(())
        })?;
        Ok(single.into_iter().map(|value| if is_stale(value) { f64::NAN } else { value }).collect())
    }

    fn timestamp(&self, expr: &Expr, steps: Steps, sink: &mut Sink<'_>) -> Result<(), Error> {
        match expr.without_parens() {
            Expr::VectorSelector(vector) => {
                let mut source = |sink: &mut Sink<'_>| self.stream_timestamps(vector, steps, sink);
                self.without_names(expr, &mut source, sink)
            }
            other if other.value_type() == ValueType::Vector => {
                let time = &mut |step: usize, _| steps.time_ms(step) as f64 / 1000.0;
                self.map(other, steps, true, time, sink)
            }
            other => Err(type_mismatch(ValueType::Vector, other)),
        }
    }
}
