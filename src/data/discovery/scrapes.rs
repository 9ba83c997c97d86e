//! How many replicas answer, and which targets fail.
use crate::data::discovery::scope_key::Labels;
use crate::wasm_size::sort::{set, sort_by};
use catalogue::contract::ScrapeFailure;
use prometheus_api::Data;

/// How many replicas in scope answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaCount {
    /// Those that answer.
    pub answering: usize,
    /// All of them.
    pub total: usize,
}

impl ReplicaCount {
    /// Counts one more.
    pub(crate) fn add(&mut self, is_up: bool) {
        self.total += 1;
        self.answering += usize::from(is_up);
    }
}

/// The limit of failing targets that are named.
pub(crate) const MAX_NAMED: usize = 3;

/// A target whose last scrape failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedTarget {
    /// Its address.
    pub instance: String,
    /// Why, in words.
    pub words: String,
}

/// The targets whose last scrape failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedTargets {
    /// Some of them, in order of their addresses.
    pub named: Vec<FailedTarget>,
    /// How many there are.
    pub total: usize,
    /// Why they fail, as values of the label `reason`.
    pub reasons: Vec<String>,
}

impl FailedTargets {
    /// Reads the answer to `catalogue::failures_query`: numbers by reason, which have no metric name, and some targets.
    pub(crate) fn new(answer: &Data) -> Self {
        let mut failed = Self::default();
        let Data::Vector(vector) = answer else { return failed };
        let reason = |labels: &Labels| labels.get("reason").cloned().unwrap_or_default();
        failed.reasons = set(vector.iter().map(|series| reason(&series.metric))).into_iter().collect();
        for series in vector {
            match series.metric.contains_key("__name__") {
                true => failed.named.push(FailedTarget {
                    instance: series.metric.get("instance").cloned().unwrap_or_default(),
                    words: failure_words(&series.metric),
                }),
                false => failed.total += series.samples.value.1.0 as usize,
            }
        }
        sort_by(&mut failed.named, |a, b| a.instance.cmp(&b.instance));
        failed
    }

    /// Which targets fail and why; empty if none does.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for FailedTarget { instance, words } in &self.named {
            text += if text.is_empty() { "At " } else { "; at " };
            text = text + instance + ", " + words;
        }
        if self.total > self.named.len() {
            text += &format!("; and {} more", self.total - self.named.len());
        }
        text
    }
}

/// Why a scrape failed, in words, from the labels of its series.
pub(crate) fn failure_words(labels: &Labels) -> String {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    ScrapeFailure::words_of(label("reason"), label("status"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_api::{InstantValue, Number, Series};

    #[test]
    fn failing_targets_are_named_with_the_reason_in_words() {
        let series = |labels: &[(&str, &str)], value: usize| {
            let metric = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Series { metric, samples: InstantValue { value: (0.0, Number(value as f64)) } }
        };
        let failed = |count: usize| {
            let name = |number: usize| format!("h{number}:1");
            let named = (1..=count.min(MAX_NAMED))
                .rev()
                .map(|number| series(&[("__name__", "x"), ("instance", &name(number)), ("reason", "unauthorized")], 1));
            let total = (count > 0).then(|| series(&[("reason", "unauthorized")], count));
            FailedTargets::new(&Data::Vector(total.into_iter().chain(named).collect()))
        };
        assert_eq!(failed(1).text(), "At h1:1, status 401: the credentials are missing or were rejected");
        let many = failed(500);
        assert!(many.text().starts_with("At h1:1, status 401") && many.text().contains("; at h3:1, "), "{many:?}");
        assert!(many.text().ends_with("; and 497 more") && failed(0).text().is_empty());
        assert_eq!((many.total, many.reasons.as_slice()), (500, &["unauthorized".to_owned()][..]));
    }
}
