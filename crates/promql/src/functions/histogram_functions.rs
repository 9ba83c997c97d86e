//! `histogram_quantile` and `histogram_fraction`, over series with `le` that are grouped into classic histograms.
use crate::ast::{Call, Expr};
use crate::eval::{Evaluator, LabelMap, StepMatrix, Steps};
use crate::histogram::{Bucket, fraction, quantile};
use crate::{Error, METRIC_NAME, is_stale, stale_marker};

const LE: &str = "le";

/// The series of one bucket.
struct BucketSeries<'s> {
    upper: f64,
    counts: &'s [f64],
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(&self, call: &Call, steps: Steps) -> Result<StepMatrix, Error> {
        let quantiles = self.scalar(call.arg(0)?, steps)?;
        self.annotations.check_quantiles(&quantiles);
        let mut forced_monotonic = false;
        let result = self.map_histograms(call.arg(1)?, steps, &mut |step, buckets| {
            let quantile = quantile(quantiles[step], buckets);
            forced_monotonic |= quantile.forced_monotonic;
            quantile.value
        })?;
        if forced_monotonic {
            self.annotations.forced_monotonicity();
        }
        Ok(result)
    }

    pub(super) fn histogram_fraction(&self, call: &Call, steps: Steps) -> Result<StepMatrix, Error> {
        let (lower, upper) = (self.scalar(call.arg(0)?, steps)?, self.scalar(call.arg(1)?, steps)?);
        self.map_histograms(call.arg(2)?, steps, &mut |step, buckets| fraction(lower[step], upper[step], buckets))
    }

    /// One series per histogram in `expr`, with the result of `f` for its buckets at each step.
    fn map_histograms(
        &self,
        expr: &Expr,
        steps: Steps,
        f: &mut dyn FnMut(usize, &mut Vec<Bucket>) -> f64,
    ) -> Result<StepMatrix, Error> {
        let input = self.matrix(expr, steps)?;
        let mut histograms: LabelMap<Vec<BucketSeries<'_>>> = LabelMap::new();
        for series in &input.series {
            let le = series.labels.get(LE).unwrap_or_default();
            // Go's `ParseFloat` accepts the same forms.
            let Ok(upper) = le.parse::<f64>() else {
                self.annotations.bad_bucket_label(le, series.labels.metric_name().unwrap_or_default());
                continue;
            };
            let others = series.labels.labels().iter().filter(|label| !matches!(&**label.name(), LE | METRIC_NAME));
            let bucket = BucketSeries { upper, counts: &series.values };
            histograms.entry(others, |_| Ok(Vec::new()))?.push(bucket);
        }
        let mut result = StepMatrix::new(&self.budget);
        let mut buckets = Vec::new();
        for (labels, mut series) in histograms {
            series.sort_by(|a, b| a.upper.total_cmp(&b.upper));
            let mut values = Vec::with_capacity(steps.count);
            for step in 0..steps.count {
                self.budget.count_work(series.len() * 4)?;
                buckets.clear();
                let present = series.iter().filter(|bucket| !is_stale(bucket.counts[step]));
                buckets.extend(present.map(|bucket| Bucket { upper: bucket.upper, count: bucket.counts[step] }));
                values.push(if buckets.is_empty() { stale_marker() } else { f(step, &mut buckets) });
            }
            result.push(labels, values)?;
        }
        Ok(result)
    }
}
