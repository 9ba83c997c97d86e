//! A storage with a few series: counters, a histogram, gaps, a stale marker, and values that are no numbers.
use promql::{Labels, Samples, Selector, Storage, StorageError, stale_marker};
use std::ops::ControlFlow;

/// The times begin here, in Unix milliseconds.
pub const START_MS: i64 = 1_700_000_000_000;

const STEP_MS: i64 = 15_000;
const STEPS: i64 = 40;

/// The series, each with all its times and values.
pub struct FewSeries(Vec<(Labels, Vec<i64>, Vec<f64>)>);

impl FewSeries {
    /// Makes the series.
    pub fn new() -> Self {
        let mut all = Vec::new();
        let mut add = |pairs: &[(&str, &str)], value: &dyn Fn(i64) -> Option<f64>| {
            let samples = (0..STEPS).filter_map(|step| Some((START_MS + step * STEP_MS, value(step)?)));
            let (times_ms, values) = samples.unzip();
            all.push((Labels::from_pairs(pairs.iter().copied()), times_ms, values));
        };
        for (at, instance) in ["i1", "i2"].into_iter().enumerate() {
            let reset = 13 + at as i64;
            add(&[("__name__", "up"), ("instance", instance)], &|_| Some(1.0));
            add(&[("__name__", "c_total"), ("instance", instance)], &|step| Some((step % reset * 7) as f64));
            add(&[("__name__", "g"), ("instance", instance), ("x", "y")], &|step| Some((step as f64).sin()));
        }
        for (bound, share) in [("0.1", 1), ("1", 3), ("+Inf", 4)] {
            add(&[("__name__", "h_bucket"), ("le", bound)], &|step| Some((step * share) as f64));
        }
        add(&[("__name__", "odd"), ("n", "1")], &|step| {
            Some([f64::NAN, f64::INFINITY, -0.0, 1e308][step as usize % 4])
        });
        add(&[("__name__", "odd"), ("n", "2")], &|step| (step % 3 > 0).then_some(step as f64));
        add(&[("__name__", "gone")], &|step| (step < 9).then_some(if step == 8 { stale_marker() } else { 1.0 }));
        add(&[("__name__", "déjà vu"), ("a label", "\u{202e}")], &|_| Some(2.0));
        Self(all)
    }

    /// The label sets.
    pub fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.0.iter().map(|(labels, ..)| labels)
    }
}

impl Storage for FewSeries {
    fn select(
        &self,
        selector: &Selector,
        after_ms: i64,
        until_ms: i64,
        visit: &mut dyn FnMut(&Labels, Samples<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        for (labels, times_ms, values) in self.0.iter().filter(|(labels, ..)| selector.matches(labels)) {
            let from = times_ms.partition_point(|time_ms| *time_ms <= after_ms);
            let until = times_ms.partition_point(|time_ms| *time_ms <= until_ms).max(from);
            let samples = Samples { times_ms: &times_ms[from..until], values: &values[from..until] };
            if from < until && visit(labels, samples).is_break() {
                break;
            }
        }
        Ok(())
    }
}
