//! The table of models: a row of figures for each model, and what is wrong with it.
use crate::data::discovery::scrapes::ReplicaCount;
use crate::data::overview::{Ask, Overview, When};
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::sort_by;
use crate::wasm_size::table::Table;

/// What is asked of all models together: one query each, whatever their number.
pub(crate) const MODEL_ASKS: [Ask; 11] = [
    ("volume", When::Now),
    ("volume", When::Range),
    ("volume", When::Trend),
    ("end-to-end-latency", When::Range),
    ("end-to-end-latency", When::Before),
    ("end-to-end-latency", When::Trend),
    ("time-to-first-token", When::Range),
    ("tokens-per-second", When::Now),
    ("kv-cache-use", When::Now),
    ("gpu", When::Now),
    ("replicas", When::Now),
];

/// The lines of the graph of GPUs of which the first that is there is a model's use.
pub(crate) const GPU_LINES: [&str; 2] = ["average", "of replicas"];

/// An error share of which a row warns.
const MIN_ERROR_SHARE: f64 = 0.01;

/// Use of the KV cache of which a row warns.
const MIN_FULL_SHARE: f64 = 0.95;

/// A shorter time is no episode.
const MIN_SLOW_MS: f64 = 60_000.0;

/// A latency this many times its usual one is an episode.
const SLOW_FACTOR: f64 = 2.0;

/// A model and its figures; NaN where one is not measured.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Its name; empty for what names no model.
    pub(crate) model: String,
    /// Its replicas that answer.
    pub(crate) count: ReplicaCount,
    /// Requests per second at the end of the range.
    pub(crate) requests: f64,
    /// The share of requests over the range that failed.
    pub(crate) errors: f64,
    /// The 95th percentile of end-to-end latency over the range, in seconds; the newest one where a server reports only
    /// percentiles of the moment.
    pub(crate) latency: f64,
    /// The same of the range before.
    pub(crate) latency_before: f64,
    /// The 95th percentile of time to first token over the range, in seconds.
    pub(crate) first_token: f64,
    /// Tokens generated per second at the end of the range.
    pub(crate) tokens: f64,
    /// Use of the KV cache, 0 to 1.
    pub(crate) cache: f64,
    /// GPU utilization, 0 to 1.
    pub(crate) gpu: f64,
    /// Replicas that serve, and the maximum.
    pub(crate) active: f64,
    pub(crate) max: f64,
    /// Requests per second within the range.
    pub(crate) traffic: Vec<f64>,
    /// The 95th percentile of end-to-end latency within the range.
    pub(crate) latencies: Vec<f64>,
    /// When requests took much longer than usual.
    pub(crate) slow: Option<SlowTime>,
}

/// The time in which the latency of a model was a multiple of its usual one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SlowTime {
    pub(crate) start_ms: i64,
    /// Its end; none if it lasts.
    pub(crate) end_ms: Option<i64>,
    /// The highest latency as a multiple of the usual one.
    pub(crate) factor: f64,
}

/// How urgent it is to look at a model, the most urgent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    Fine,
    Notice,
    Warning,
    Alarm,
}

/// A row for each of `models`, with the replicas of each.
pub(crate) fn model_rows(overview: &Overview, counts: &Table<ReplicaCount>, models: &[String]) -> Vec<ModelRow> {
    let row = |model: &String| {
        let value = |graph, when, line| overview.value((graph, when), model, line).unwrap_or(f64::NAN);
        let gpu = GPU_LINES.into_iter().map(|line| value("gpu", When::Now, line)).find(|value| !value.is_nan());
        let latencies = overview.trend("end-to-end-latency", model, f64::max);
        let latency = overview.value(("end-to-end-latency", When::Range), model, "p95");
        let latency = latency.or(latencies.iter().copied().rfind(|latency| !latency.is_nan()));
        ModelRow {
            count: counts.get(model).copied().unwrap_or_default(),
            requests: overview.sum(("volume", When::Now), model, &|_| true).unwrap_or(f64::NAN),
            errors: error_share(overview, When::Range, model).unwrap_or(f64::NAN),
            latency: latency.unwrap_or(f64::NAN),
            latency_before: value("end-to-end-latency", When::Before, "p95"),
            first_token: value("time-to-first-token", When::Range, "p95"),
            tokens: value("tokens-per-second", When::Now, "generation"),
            cache: value("kv-cache-use", When::Now, "in use"),
            gpu: gpu.unwrap_or(f64::NAN),
            active: value("replicas", When::Now, "active"),
            max: value("replicas", When::Now, "max"),
            traffic: overview.trend("volume", model, |one, other| one + other),
            slow: slow_time(&latencies, overview.trend_range()),
            latencies,
            model: model.clone(),
        }
    };
    models.iter().map(row).collect()
}

/// The share of requests that the server failed; none without requests, or if nothing says how they ended.
pub(crate) fn error_share(overview: &Overview, when: When, model: &str) -> Option<f64> {
    ended_share(overview, when, model, &|line| line.starts_with('5') || line == "failed")
}

/// The share of requests that were served, which those that the server or the client failed are not; none as for
/// [`error_share`].
pub(crate) fn success_share(overview: &Overview, when: When, model: &str) -> Option<f64> {
    ended_share(overview, when, model, &|line| !line.starts_with(['4', '5']) && line != "failed")
}

fn ended_share(overview: &Overview, when: When, model: &str, is_counted: &dyn Fn(&str) -> bool) -> Option<f64> {
    let ask = ("volume", when);
    let has_outcome = |line: &str| line != "finished" && line != "other";
    let total = overview.sum(ask, model, &has_outcome).filter(|total| *total > 0.0)?;
    let counted = overview.sum(ask, model, &|line| has_outcome(line) && is_counted(line));
    Some(counted.unwrap_or(0.0) / total)
}

/// The time from the first to the last of the latencies over the range that are a multiple of the usual one, which is
/// their lower quartile; none without such.
fn slow_time(latencies: &[f64], range: TimeRange) -> Option<SlowTime> {
    let mut known: Vec<f64> = latencies.iter().copied().filter(|value| value.is_finite()).collect();
    sort_by(&mut known, f64::total_cmp);
    let usual = *known.get(known.len() / 4).filter(|usual| **usual > 0.0)?;
    let is_slow = |value: &f64| *value >= SLOW_FACTOR * usual;
    let (first, last) = (latencies.iter().position(is_slow)?, latencies.iter().rposition(is_slow)?);
    let highest = *known.last()?;
    let step_ms = range.length_ms() as f64 / latencies.len() as f64;
    if ((last + 1 - first) as f64) * step_ms < MIN_SLOW_MS {
        return None;
    }
    let time_ms = |at: usize| range.start_ms + (at as f64 * step_ms) as i64;
    let has_later = latencies[last + 1..].iter().any(|value| value.is_finite());
    Some(SlowTime { start_ms: time_ms(first), end_ms: has_later.then(|| time_ms(last + 1)), factor: highest / usual })
}

impl ModelRow {
    /// Whether the share of errors is worth a look.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors >= MIN_ERROR_SHARE
    }

    /// Whether the KV cache is nearly full.
    pub(crate) fn is_full(&self) -> bool {
        self.cache >= MIN_FULL_SHARE
    }

    /// Whether all replicas that are allowed serve.
    pub(crate) fn is_at_max(&self) -> bool {
        self.max > 0.0 && self.active >= self.max
    }

    /// How urgent it is to look at the model.
    pub(crate) fn urgency(&self) -> Urgency {
        let ReplicaCount { answering, total } = self.count;
        let lasts = self.slow.is_some_and(|slow| slow.end_ms.is_none());
        match () {
            () if total > 0 && answering == 0 || self.has_errors() => Urgency::Alarm,
            () if answering < total || lasts || self.is_full() => Urgency::Warning,
            () if self.slow.is_some() || self.is_at_max() => Urgency::Notice,
            () => Urgency::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_time_begins_and_ends_with_high_latencies() {
        let range = TimeRange::new(100_000, 900_000);
        let of = |latencies: &[f64]| slow_time(latencies, range).map(|slow| (slow.start_ms, slow.end_ms, slow.factor));
        let nan = f64::NAN;
        assert_eq!(of(&[1.0, 1.0, 1.0, 1.9, 1.0, 1.0, 1.0, 1.0]), None);
        assert_eq!(of(&[1.0, 1.0, 4.0, nan, 3.0, 1.0, 1.0, 1.0]), Some((300_000, Some(600_000), 4.0)));
        assert_eq!(of(&[1.0, nan, 1.0, 1.0, 1.0, 1.0, 2.0, nan]), Some((700_000, None, 2.0)), "it lasts");
        let brief = TimeRange::new(0, 60_000);
        assert_eq!(slow_time(&[1.0, 1.0, 4.0, 3.0, 1.0, 1.0], brief), None, "it is over in 20 seconds");
        assert_eq!((of(&[]), of(&[nan]), of(&[0.0, 0.0])), (None, None, None));
    }
    #[test]
    fn refused_requests_are_no_success_and_no_error_of_the_server() {
        let shares = |lines: &[(&str, f64)]| {
            let overview = Overview::of_values(("volume", When::Range), lines);
            (success_share(&overview, When::Range, ""), error_share(&overview, When::Range, ""))
        };
        assert_eq!(shares(&[("2xx", 6.0), ("3xx", 1.0), ("4xx", 2.0), ("5xx", 1.0)]), (Some(0.7), Some(0.1)));
        assert_eq!(shares(&[("succeeded", 3.0), ("failed", 1.0), ("finished", 9.0)]), (Some(0.75), Some(0.25)));
        assert_eq!(shares(&[("5xx", 1.0)]), (Some(0.0), Some(1.0)));
        assert_eq!((shares(&[("finished", 9.0)]), shares(&[("2xx", 0.0)])), ((None, None), (None, None)));
    }
}
