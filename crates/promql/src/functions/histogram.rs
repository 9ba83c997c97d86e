//! `histogram_quantile` and `histogram_fraction`: series with `le` put together into classic histograms.
use super::arg;
use crate::ast::{Call, Expr};
use crate::eval::{Evaluator, Frame, Groups, Steps};
use crate::histogram::{Bucket, fraction, quantile};
use crate::{Error, METRIC_NAME, is_stale, stale_marker};

const BOUND: &str = "le";

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(&self, call: &Call, steps: Steps) -> Result<Frame, Error> {
        let wanted = self.scalar(arg(call, 0)?, steps)?;
        self.annotations.check_quantiles(&wanted);
        let mut forced = false;
        let frame = self.per_histogram(arg(call, 1)?, steps, &mut |step, buckets| {
            let quantile = quantile(wanted[step], buckets);
            forced |= quantile.forced;
            quantile.value
        })?;
        if forced {
            self.annotations.forced_monotonicity();
        }
        Ok(frame)
    }

    pub(super) fn histogram_fraction(&self, call: &Call, steps: Steps) -> Result<Frame, Error> {
        let (lower, upper) = (self.scalar(arg(call, 0)?, steps)?, self.scalar(arg(call, 1)?, steps)?);
        self.per_histogram(arg(call, 2)?, steps, &mut |step, buckets| fraction(lower[step], upper[step], buckets))
    }

    /// One series per histogram among the series of `of`, with what `f` makes of its buckets at each step.
    fn per_histogram(
        &self,
        of: &Expr,
        steps: Steps,
        f: &mut dyn FnMut(usize, &mut Vec<Bucket>) -> f64,
    ) -> Result<Frame, Error> {
        let input = self.frame(of, steps)?;
        let mut histograms: Groups<Vec<(f64, &[f64])>> = Groups::new();
        for line in &input.lines {
            let bound = line.labels.get(BOUND).unwrap_or_default();
            let Some(upper) = parse_bound(bound) else {
                self.annotations.bad_bucket_label(bound, line.labels.metric_name().unwrap_or_default());
                continue;
            };
            let others = line.labels.pairs().iter().filter(|(name, _)| !matches!(&**name, BOUND | METRIC_NAME));
            histograms.entry(others, |_| Ok(Vec::new()))?.push((upper, &line.values));
        }
        let mut frame = Frame::new(&self.meter);
        let mut buckets = Vec::new();
        for (labels, mut columns) in histograms {
            columns.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut values = Vec::with_capacity(steps.count);
            for step in 0..steps.count {
                self.meter.work(columns.len() * 4)?;
                buckets.clear();
                let present = columns.iter().filter(|(_, values)| !is_stale(values[step]));
                buckets.extend(present.map(|(upper, values)| Bucket { upper: *upper, count: values[step] }));
                values.push(if buckets.is_empty() { stale_marker() } else { f(step, &mut buckets) });
            }
            frame.push(labels, values)?;
        }
        Ok(frame)
    }
}

/// The bound that `le` gives, as Go's `ParseFloat` reads it.
fn parse_bound(text: &str) -> Option<f64> {
    text.parse::<f64>().ok()
}
