//! Remarks made while evaluating, in Prometheus's words (`util/annotations`), without its positions in the text.
use crate::print::go_float;
use crate::result::{QueryResult, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// How many remarks of a kind are told, as in Prometheus's API.
const MOST: usize = 10;

/// The remarks of one query.
#[derive(Default)]
pub(crate) struct Annotations {
    warnings: RefCell<Remarks>,
    infos: RefCell<Remarks>,
}

#[derive(Default)]
struct Remarks {
    texts: BTreeSet<String>,
    omitted: bool,
}

impl Remarks {
    fn add(&mut self, text: String) {
        if self.texts.len() < MOST {
            self.texts.insert(text);
        } else if !self.texts.contains(&text) {
            self.omitted = true;
        }
    }

    fn into_texts(self) -> Vec<String> {
        let omitted = self.omitted.then(|| "more annotations omitted".to_owned());
        self.texts.into_iter().chain(omitted).collect()
    }
}

impl Annotations {
    /// Remarks on each value of `quantiles` outside 0 to 1.
    pub(crate) fn check_quantiles(&self, quantiles: &[f64]) {
        let mut last = 0.0_f64;
        for quantile in quantiles {
            if quantile.to_bits() != last.to_bits() && !(0.0..=1.0).contains(quantile) {
                let got = go_float(*quantile);
                self.warn(&format!("quantile value should be between 0 and 1, got {got}"));
            }
            last = *quantile;
        }
    }

    /// A series given to a histogram function has no usable `le`.
    pub(crate) fn bad_bucket_label(&self, le: &str, metric: &str) {
        let metric = for_metric(metric);
        self.warn(&format!("bucket label \"le\" is missing or has a malformed value of {le:?}{metric}"));
    }

    /// A histogram's buckets were not cumulative.
    pub(crate) fn forced_monotonicity(&self) {
        self.info("input to histogram_quantile needed to be fixed for monotonicity (and may give inaccurate results)");
    }

    /// `rate` or `increase` of something whose name is no counter's.
    pub(crate) fn maybe_no_counter(&self, metric: &str) {
        if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| metric.ends_with(suffix)) {
            let rule = "name does not end in _total/_sum/_count/_bucket";
            self.info(&format!("metric might not be a counter, {rule}: {metric:?}"));
        }
    }

    pub(crate) fn into_result(self, value: Value) -> QueryResult {
        QueryResult {
            value,
            warnings: self.warnings.into_inner().into_texts(),
            infos: self.infos.into_inner().into_texts(),
        }
    }

    fn warn(&self, text: &str) {
        self.warnings.borrow_mut().add(format!("PromQL warning: {text}"));
    }

    fn info(&self, text: &str) {
        self.infos.borrow_mut().add(format!("PromQL info: {text}"));
    }
}

fn for_metric(metric: &str) -> String {
    if metric.is_empty() { String::new() } else { format!(" for metric name {metric:?}") }
}
