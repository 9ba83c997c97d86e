//! The invented history that all servers get: replicas that are born, restart, are not reached for a while, and end.
//!
//! No sample lies on a whole or half second, and all queries are evaluated at half seconds over whole ones. So none is
//! on the edge of a window, where Prometheus 2 counts it in at the left and Prometheus 3, like the companion, does not.
//! The two extrapolate a counter differently where a window begins in a hole and the counter is between half an
//! interval's growth and one above zero; after each hole, counters here stand at zero or high above it.
use super::families::{Family, Kind, families};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use test_kit::Rng;

/// Unix milliseconds of the first sample: two hours before the end of a UTC day, so that blocks of both servers end
/// within the history.
pub(crate) const START_MS: i64 = 1_789_941_600_000;
/// How long the history is.
pub(crate) const SPAN_MS: i64 = 160 * 60_000;
const INTERVAL_MS: i64 = 15_000;
/// So small that no interval is longer than 1.1 others, from where on rates are extrapolated as over a hole.
const JITTER_MS: usize = 300;
const BOUNDS: [(&str, f64); 6] =
    [("0.05", 0.05), ("0.25", 0.25), ("1.0", 1.0), ("2.5", 2.5), ("10.0", 10.0), ("+Inf", f64::INFINITY)];
/// Series are enough at this many; a large catalogue is not held as a whole by every replica.
const MAX_SERIES: usize = 900;

pub(crate) type Labels = BTreeMap<String, String>;

/// One series with its samples, in order of time.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) labels: Labels,
    pub(crate) kind: Kind,
    pub(crate) points: Vec<(i64, f64)>,
}

/// All series.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) series: Vec<Held>,
}

/// What happens to a replica at each scrape.
struct Lifetime {
    times_ms: Vec<i64>,
    /// Whether the scrape succeeds, and whether the process is new.
    scrapes: Vec<(bool, bool)>,
    /// Its counters were at work long before the history begins.
    old: bool,
}

impl Fleet {
    /// The fleet of that seed.
    pub(crate) fn new(seed: u64) -> Self {
        let (mut rng, families) = (Rng::new(seed), families());
        let mut series = Vec::new();
        for replica in 0..10 {
            let (lifetime, labels) = (Lifetime::new(replica, &mut rng), replica_labels(replica));
            for family in &families {
                let on_host = family.name.starts_with("node_");
                let is_up = family.name == "up";
                let is_left_out = !is_up && (on_host != (replica >= 8) || rng.chance(0.15));
                if is_left_out || series.len() > MAX_SERIES {
                    continue;
                }
                // An upgrade renames metrics in the middle.
                let within = [(0.0, 1.0), (0.0, 1.0), (0.0, 0.6), (0.6, 1.0)][rng.index(4)];
                let within = if is_up { (0.0, 1.0) } else { within };
                for extra in combinations(&family.labels) {
                    let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone())).chain(extra);
                    family_series(family, &labels.collect(), &lifetime, within, &mut rng, &mut series);
                }
            }
        }
        series.retain(|series| !series.points.is_empty());
        Self { series }
    }

    /// Names of metrics, as series have them.
    pub(crate) fn names(&self) -> std::collections::BTreeSet<String> {
        self.series.iter().filter_map(|series| series.labels.get("__name__").cloned()).collect()
    }

    /// How many samples there are.
    pub(crate) fn samples(&self) -> usize {
        self.series.iter().map(|series| series.points.len()).sum()
    }

    /// OpenMetrics text, with times in seconds.
    pub(crate) fn openmetrics(&self) -> String {
        let mut text = self.text(prometheus_api::format_time);
        text.push_str("# EOF\n");
        text
    }

    /// Text of the Prometheus format, with times in milliseconds.
    pub(crate) fn prometheus_text(&self) -> String {
        self.text(|at_ms| at_ms.to_string())
    }

    fn text(&self, time: impl Fn(i64) -> String) -> String {
        let mut text = String::new();
        for series in &self.series {
            let matchers = series.labels.iter().filter(|(name, _)| *name != "__name__");
            let matchers: Vec<String> = matchers.map(|(name, value)| format!("{name}={value:?}")).collect();
            let selector = format!("{}{{{}}}", series.labels["__name__"], matchers.join(","));
            for (at_ms, value) in &series.points {
                // Rust, unlike both formats, has no sign before infinity and no trouble with long numbers.
                let value = if value.is_infinite() { "+Inf".to_owned() } else { value.to_string() };
                let _ = writeln!(text, "{selector} {value} {}", time(*at_ms));
            }
        }
        text
    }
}

impl Lifetime {
    fn new(replica: usize, rng: &mut Rng) -> Self {
        let rows = SPAN_MS / INTERVAL_MS;
        let phase_ms = replica as i64 * 1409;
        let time_ms = |row: i64| {
            let at_ms = START_MS + phase_ms + row * INTERVAL_MS + rng.index(JITTER_MS) as i64;
            if at_ms % 500 == 0 { at_ms + 1 } else { at_ms }
        };
        let times_ms: Vec<i64> = (0..rows).map(time_ms).collect();
        let old = replica % 3 != 2;
        let born = if replica % 5 == 2 { rows / 4 } else { 0 };
        let ends = if replica % 5 == 4 { rows * 3 / 4 } else { rows };
        let (mut scrapes, mut restarted, mut hole) = (Vec::new(), !old, 0);
        for row in 0..rows {
            let lives = (born..ends).contains(&row);
            let begins = row == born || hole == 1 && restarted || rng.chance(0.006);
            hole = if hole > 0 {
                hole - 1
            } else if rng.chance(0.008) {
                2 + rng.index(30)
            } else {
                0
            };
            restarted |= begins && row > 0;
            scrapes.push((lives && hole == 0, begins));
        }
        Self { times_ms, scrapes, old }
    }
}

fn replica_labels(replica: usize) -> Labels {
    let own =
        [("instance", format!("10.0.0.{replica}:8000")), ("job", if replica >= 8 { "host" } else { "engine" }.into())];
    let of_model = [
        ("model", ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B"][replica % 2].to_owned()),
        ("environment", ["production", "staging"][usize::from(replica % 4 == 3)].to_owned()),
        ("deployment", format!("d{}", replica % 3)),
        ("replica", format!("r{replica}")),
    ];
    let of_model = of_model.into_iter().filter(|_| replica < 8);
    own.into_iter().chain(of_model).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Every combination of the values of labels.
fn combinations(labels: &BTreeMap<String, Vec<String>>) -> Vec<Labels> {
    labels.iter().fold(vec![Labels::new()], |made, (name, values)| {
        let with = |made: &Labels| {
            let made = made.clone();
            values
                .iter()
                .map(move |value| {
                    made.iter().map(|(n, v)| (n.clone(), v.clone())).chain([(name.clone(), value.clone())]).collect()
                })
                .collect::<Vec<Labels>>()
        };
        made.iter().flat_map(with).collect()
    })
}

fn family_series(
    family: &Family,
    labels: &Labels,
    lifetime: &Lifetime,
    within: (f64, f64),
    rng: &mut Rng,
    series: &mut Vec<Held>,
) {
    let named = |suffix: &str, le: Option<&str>| {
        let name = ("__name__".to_owned(), format!("{}{suffix}", family.name));
        labels
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .chain([name])
            .chain(le.map(|le| ("le".to_owned(), le.to_owned())))
            .collect()
    };
    let mut held: Vec<Held> = match family.kind {
        Kind::Histogram => {
            let buckets = BOUNDS.iter().map(|(le, _)| named("_bucket", Some(le)));
            buckets.chain([named("_sum", None), named("_count", None)]).collect::<Vec<Labels>>()
        }
        Kind::Counter | Kind::Gauge => vec![named("", None)],
    }
    .into_iter()
    .map(|labels| Held {
        labels,
        kind: if family.kind == Kind::Gauge { Kind::Gauge } else { Kind::Counter },
        points: Vec::new(),
    })
    .collect();
    let base = if lifetime.old { 1e6 } else { 0.0 };
    let mut values = vec![if family.kind == Kind::Gauge { 50.0 * rng.unit() } else { base }; held.len()];
    let (busy, whole) = (rng.unit() * 4.0, rng.chance(0.5));
    let rows = lifetime.scrapes.len() as f64;
    let mut started_s = START_MS as f64 / 1000.0 - 5000.25;
    for (row, ((up, begins), at_ms)) in lifetime.scrapes.iter().zip(&lifetime.times_ms).enumerate() {
        if *begins {
            started_s = *at_ms as f64 / 1000.0 - 3.5;
            if row > 0 || !lifetime.old {
                values.iter_mut().filter(|_| family.kind != Kind::Gauge).for_each(|value| *value = 0.0);
            }
        }
        let is_new = *begins && (row > 0 || !lifetime.old);
        if !is_new {
            advance(family.kind, &mut values, busy, whole, rng);
        }
        let place = row as f64 / rows;
        let appears = within.0 > 0.0 && place >= within.0 && held.iter().all(|held| held.points.is_empty());
        if appears && values.iter().all(|value| *value < 1e5) && family.kind != Kind::Gauge {
            values.fill(0.0);
        }
        let value = |value: f64| match family.name.as_str() {
            "up" => f64::from(u8::from(*up)),
            "process_start_time_seconds" => started_s,
            _ => value,
        };
        if (*up || family.name == "up") && within.0 <= place && place < within.1 {
            held.iter_mut().zip(&values).for_each(|(held, own)| held.points.push((*at_ms, value(*own))));
        }
    }
    if family.kind == Kind::Gauge && family.name != "up" && rng.chance(0.03) {
        let odd = held.iter_mut().flat_map(|held| &mut held.points).step_by(17);
        odd.for_each(|point| point.1 = if point.0 % 3 == 0 { f64::INFINITY } else { f64::NAN });
    }
    series.append(&mut held);
}

fn advance(kind: Kind, values: &mut [f64], busy: f64, whole: bool, rng: &mut Rng) {
    match kind {
        Kind::Gauge => {
            let value = (values[0] + 8.0 * (rng.unit() - 0.5)).abs();
            values[0] = if whole { value.round() } else { value };
        }
        Kind::Counter => values[0] += if whole { (busy * rng.unit()).round() } else { busy * rng.unit() },
        Kind::Histogram => {
            for _ in 0..(busy * 2.0 * rng.unit()).round() as usize {
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
