//! The generated history of all servers: replicas that start, restart, are unreachable for a while, and end.
//!
//! No sample lies on a whole or half second, and all queries are evaluated at half seconds with windows of whole
//! seconds. So no sample lies on the left edge of a window, which Prometheus 2 includes and Prometheus 3, like the
//! companion, excludes. The two versions also extrapolate a counter differently if a window begins in a gap and the
//! counter is above zero by half to one interval's growth; after a gap, the counters here are zero or far above it.
use super::families::{Family, Kind, families};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use test_kit::Rng;

/// The time of the first sample in Unix milliseconds: two hours before the end of a UTC day, so that blocks of all
/// servers end within the history.
pub(crate) const START_MS: i64 = 1_789_941_600_000;
/// The length of the history.
pub(crate) const LENGTH_MS: i64 = 160 * 60_000;
const INTERVAL_MS: i64 = 15_000;
/// Small enough that no interval exceeds 1.1 times another one, from where on rates treat it as a gap.
const JITTER_MS: usize = 300;
const BOUNDS: [(&str, f64); 6] =
    [("0.05", 0.05), ("0.25", 0.25), ("1.0", 1.0), ("2.5", 2.5), ("10.0", 10.0), ("+Inf", f64::INFINITY)];
/// No families are added above this number of series, so not every replica has all families of a large catalogue.
const MAX_SERIES: usize = 900;

pub(crate) type Labels = BTreeMap<String, String>;

/// One series with its samples in order of time.
#[derive(Clone, Debug)]
pub(crate) struct StoredSeries {
    pub(crate) labels: Labels,
    pub(crate) kind: Kind,
    pub(crate) samples: Vec<(i64, f64)>,
}

/// The series of all replicas.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) series: Vec<StoredSeries>,
}

/// The scrapes of a replica.
struct Lifetime {
    times_ms: Vec<i64>,
    /// Whether each scrape succeeds, and whether a new process has started.
    scrapes: Vec<(bool, bool)>,
    /// Whether its process started long before the history.
    is_old: bool,
}

impl Fleet {
    /// Generates the fleet for a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let (mut rng, families) = (Rng::new(seed), families());
        let mut series = Vec::new();
        for replica in 0..10 {
            let (lifetime, labels) = (Lifetime::new(replica, &mut rng), replica_labels(replica));
            for family in &families {
                let on_host = family.name.starts_with("node_");
                let is_up = family.name == "up";
                let is_omitted = !is_up && (on_host != (replica >= 8) || rng.chance(0.15));
                if is_omitted || series.len() > MAX_SERIES {
                    continue;
                }
                // An upgrade renames some metrics in the middle of the history.
                let part = [(0.0, 1.0), (0.0, 1.0), (0.0, 0.6), (0.6, 1.0)][rng.index(4)];
                let part = if is_up { (0.0, 1.0) } else { part };
                for extra in combinations(&family.labels) {
                    let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone())).chain(extra);
                    family_series(family, &labels.collect(), &lifetime, part, &mut rng, &mut series);
                }
            }
        }
        series.retain(|series| !series.samples.is_empty());
        Self { series }
    }

    /// The metric names of all series.
    pub(crate) fn names(&self) -> std::collections::BTreeSet<String> {
        self.series.iter().filter_map(|series| series.labels.get("__name__").cloned()).collect()
    }

    /// The number of samples.
    pub(crate) fn sample_count(&self) -> usize {
        self.series.iter().map(|series| series.samples.len()).sum()
    }

    /// The history as OpenMetrics text, with times in seconds.
    pub(crate) fn openmetrics(&self) -> String {
        let mut text = self.text(prometheus_api::format_time);
        text.push_str("# EOF\n");
        text
    }

    /// The history as Prometheus text, with times in milliseconds.
    pub(crate) fn prometheus_text(&self) -> String {
        self.text(|at_ms| at_ms.to_string())
    }

    fn text(&self, time: impl Fn(i64) -> String) -> String {
        let mut text = String::new();
        for series in &self.series {
            let matchers = series.labels.iter().filter(|(name, _)| *name != "__name__");
            let matchers: Vec<String> = matchers.map(|(name, value)| format!("{name}={value:?}")).collect();
            let selector = format!("{}{{{}}}", series.labels["__name__"], matchers.join(","));
            for (at_ms, value) in &series.samples {
                // Rust writes positive infinity as `inf`; both formats write `+Inf`.
                let value = if value.is_infinite() { "+Inf".to_owned() } else { value.to_string() };
                let _ = writeln!(text, "{selector} {value} {}", time(*at_ms));
            }
        }
        text
    }
}

impl Lifetime {
    fn new(replica: usize, rng: &mut Rng) -> Self {
        let rows = LENGTH_MS / INTERVAL_MS;
        let offset_ms = replica as i64 * 1409;
        let time_ms = |row: i64| {
            let at_ms = START_MS + offset_ms + row * INTERVAL_MS + rng.index(JITTER_MS) as i64;
            if at_ms % 500 == 0 { at_ms + 1 } else { at_ms }
        };
        let times_ms: Vec<i64> = (0..rows).map(time_ms).collect();
        let is_old = replica % 3 != 2;
        let starts = if replica % 5 == 2 { rows / 4 } else { 0 };
        let ends = if replica % 5 == 4 { rows * 3 / 4 } else { rows };
        let (mut scrapes, mut has_restarted, mut gap) = (Vec::new(), !is_old, 0);
        for row in 0..rows {
            let exists = (starts..ends).contains(&row);
            let is_new_process = row == starts || gap == 1 && has_restarted || rng.chance(0.006);
            gap = if gap > 0 {
                gap - 1
            } else if rng.chance(0.008) {
                2 + rng.index(30)
            } else {
                0
            };
            has_restarted |= is_new_process && row > 0;
            scrapes.push((exists && gap == 0, is_new_process));
        }
        Self { times_ms, scrapes, is_old }
    }
}

fn replica_labels(replica: usize) -> Labels {
    let labels =
        [("instance", format!("10.0.0.{replica}:8000")), ("job", if replica >= 8 { "host" } else { "engine" }.into())];
    let scope_labels = [
        ("model", ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B"][replica % 2].to_owned()),
        ("environment", ["production", "staging"][usize::from(replica % 4 == 3)].to_owned()),
        ("deployment", format!("d{}", replica % 3)),
        ("replica", format!("r{replica}")),
    ];
    let scope_labels = scope_labels.into_iter().filter(|_| replica < 8);
    labels.into_iter().chain(scope_labels).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// All combinations of the values of labels.
fn combinations(labels: &BTreeMap<String, Vec<String>>) -> Vec<Labels> {
    labels.iter().fold(vec![Labels::new()], |combinations, (name, values)| {
        let with = |labels: &Labels| {
            let labels = labels.clone();
            values
                .iter()
                .map(move |value| {
                    labels.iter().map(|(n, v)| (n.clone(), v.clone())).chain([(name.clone(), value.clone())]).collect()
                })
                .collect::<Vec<Labels>>()
        };
        combinations.iter().flat_map(with).collect()
    })
}

fn family_series(
    family: &Family,
    labels: &Labels,
    lifetime: &Lifetime,
    part: (f64, f64),
    rng: &mut Rng,
    series: &mut Vec<StoredSeries>,
) {
    let labels_of = |suffix: &str, le: Option<&str>| {
        let name = ("__name__".to_owned(), format!("{}{suffix}", family.name));
        labels
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .chain([name])
            .chain(le.map(|le| ("le".to_owned(), le.to_owned())))
            .collect()
    };
    let mut stored: Vec<StoredSeries> = match family.kind {
        Kind::Histogram => {
            let buckets = BOUNDS.iter().map(|(le, _)| labels_of("_bucket", Some(le)));
            buckets.chain([labels_of("_sum", None), labels_of("_count", None)]).collect::<Vec<Labels>>()
        }
        Kind::Counter | Kind::Gauge => vec![labels_of("", None)],
    }
    .into_iter()
    .map(|labels| StoredSeries {
        labels,
        kind: if family.kind == Kind::Gauge { Kind::Gauge } else { Kind::Counter },
        samples: Vec::new(),
    })
    .collect();
    let base = if lifetime.is_old { 1e6 } else { 0.0 };
    let mut values = vec![if family.kind == Kind::Gauge { 50.0 * rng.unit() } else { base }; stored.len()];
    let (rate, is_whole) = (rng.unit() * 4.0, rng.chance(0.5));
    let rows = lifetime.scrapes.len() as f64;
    let mut started_s = START_MS as f64 / 1000.0 - 5000.25;
    for (row, ((is_up, is_new_process), at_ms)) in lifetime.scrapes.iter().zip(&lifetime.times_ms).enumerate() {
        if *is_new_process {
            started_s = *at_ms as f64 / 1000.0 - 3.5;
            if row > 0 || !lifetime.is_old {
                values.iter_mut().filter(|_| family.kind != Kind::Gauge).for_each(|value| *value = 0.0);
            }
        }
        let is_new = *is_new_process && (row > 0 || !lifetime.is_old);
        if !is_new {
            advance(family.kind, &mut values, rate, is_whole, rng);
        }
        let progress = row as f64 / rows;
        let appears = part.0 > 0.0 && progress >= part.0 && stored.iter().all(|stored| stored.samples.is_empty());
        if appears && values.iter().all(|value| *value < 1e5) && family.kind != Kind::Gauge {
            values.fill(0.0);
        }
        let value = |value: f64| match family.name.as_str() {
            "up" => f64::from(u8::from(*is_up)),
            "process_start_time_seconds" => started_s,
            _ => value,
        };
        if (*is_up || family.name == "up") && part.0 <= progress && progress < part.1 {
            stored.iter_mut().zip(&values).for_each(|(stored, raw)| stored.samples.push((*at_ms, value(*raw))));
        }
    }
    if family.kind == Kind::Gauge && family.name != "up" && rng.chance(0.03) {
        for stored in &mut stored {
            let count = stored.samples.len();
            // In pairs: an import takes a lone NaN for the end of its series.
            let in_pair = |at: &usize| at % 17 < 2 && at - at % 17 + 1 < count;
            for at in (0..count).filter(in_pair) {
                stored.samples[at].1 = if (at / 17).is_multiple_of(3) { f64::INFINITY } else { f64::NAN };
            }
        }
    }
    series.append(&mut stored);
}

fn advance(kind: Kind, values: &mut [f64], rate: f64, is_whole: bool, rng: &mut Rng) {
    match kind {
        Kind::Gauge => {
            let value = (values[0] + 8.0 * (rng.unit() - 0.5)).abs();
            values[0] = if is_whole { value.round() } else { value };
        }
        Kind::Counter => values[0] += if is_whole { (rate * rng.unit()).round() } else { rate * rng.unit() },
        Kind::Histogram => {
            for _ in 0..(rate * 2.0 * rng.unit()).round() as usize {
                let observed = 0.02 * (8.0 * rng.unit()).exp();
                let buckets = BOUNDS.len();
                let counts = values.iter_mut().zip(BOUNDS).filter(|(_, (_, bound))| observed <= *bound);
                counts.for_each(|(count, _)| *count += 1.0);
                values[buckets] += observed;
                values[buckets + 1] += 1.0;
            }
        }
    }
}
