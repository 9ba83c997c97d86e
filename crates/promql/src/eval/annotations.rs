//! Warnings and infos of an evaluation, in Prometheus's words (`util/annotations`) but without positions in the query.
use crate::print::format_float;
use crate::result::{QueryResult, SampleCounts, Value};
use crate::storage::Notice;
use chrono::DateTime;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The maximum number of warnings and of infos, as in Prometheus's API.
const MAX_PER_KIND: usize = 10;

/// The annotations of one query.
#[derive(Default)]
pub(crate) struct Annotations {
    warnings: RefCell<AnnotationSet>,
    infos: RefCell<AnnotationSet>,
}

#[derive(Default)]
struct AnnotationSet {
    texts: BTreeSet<String>,
    is_truncated: bool,
}

impl AnnotationSet {
    fn add(&mut self, text: String) {
        if self.texts.len() < MAX_PER_KIND {
            self.texts.insert(text);
        } else if !self.texts.contains(&text) {
            self.is_truncated = true;
        }
    }

    fn into_texts(self) -> Vec<String> {
        let omitted = self.is_truncated.then(|| "more annotations omitted".to_owned());
        self.texts.into_iter().chain(omitted).collect()
    }
}

impl Annotations {
    /// Warns about each of `quantiles` that is not between 0 and 1.
    pub(crate) fn check_quantiles(&self, quantiles: &[f64]) {
        let mut previous = 0.0_f64;
        for quantile in quantiles {
            if quantile.to_bits() != previous.to_bits() && !(0.0..=1.0).contains(quantile) {
                let got = format_float(*quantile);
                self.warn(&format!("quantile value should be between 0 and 1, got {got}"));
            }
            previous = *quantile;
        }
    }

    /// Warns that an input series of a histogram function has no valid `le`.
    pub(crate) fn bad_bucket_label(&self, le: &str, metric: &str) {
        let metric = if metric.is_empty() { String::new() } else { format!(" for metric name {metric:?}") };
        self.warn(&format!("bucket label \"le\" is missing or has a malformed value of {le:?}{metric}"));
    }

    /// Notes that the buckets of a histogram were not monotonic.
    pub(crate) fn forced_monotonicity(&self) {
        self.info("input to histogram_quantile needed to be fixed for monotonicity (and may give inaccurate results)");
    }

    /// Notes a `rate` or `increase` of a metric whose name does not look like a counter's.
    pub(crate) fn check_counter_name(&self, metric: &str) {
        if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| metric.ends_with(suffix)) {
            let rule = "name does not end in _total/_sum/_count/_bucket";
            self.info(&format!("metric might not be a counter, {rule}: {metric:?}"));
        }
    }

    /// Warns about something that the storage knows of what was read.
    pub(crate) fn notice(&self, Notice { first_ms, last_ms, text }: &Notice) {
        let minute = |ms: &i64| Some(DateTime::from_timestamp_millis(*ms)?.format("%Y-%m-%d %H:%M").to_string());
        let text = match minute(first_ms).zip(minute(last_ms)) {
            Some((first, last)) if first == last => format!("{text}, at {first} UTC"),
            Some((first, last)) => format!("{text}, between {first} and {last} UTC"),
            None => text.clone(),
        };
        self.warnings.borrow_mut().add(text);
    }

    pub(crate) fn into_result(self, value: Value, samples: SampleCounts) -> QueryResult {
        let (warnings, infos) = (self.warnings.into_inner(), self.infos.into_inner());
        QueryResult { value, warnings: warnings.into_texts(), infos: infos.into_texts(), samples }
    }

    fn warn(&self, text: &str) {
        self.warnings.borrow_mut().add(format!("PromQL warning: {text}"));
    }

    fn info(&self, text: &str) {
        self.infos.borrow_mut().add(format!("PromQL info: {text}"));
    }
}
