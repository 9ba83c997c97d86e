//! Lines of a configuration for families that no graph reads, but that look like metrics of the catalogue.
use crate::terminal::one_line;
use catalogue::{ENGINES, Engine, GRAPHS, OwnName, OwnType, Recipe, Shape, Unit, bare_name, engine_of, own_recipes};
use exposition::{Family, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The share of the words, by their weight, that a family must have in common with a metric of the catalogue.
const MIN_LIKENESS: f64 = 0.6;

/// Words that mean the same in names of metrics; the first of a group stands for it.
const SYNONYMS: [&[&str]; 16] = [
    &["prompt", "input", "prefilled"],
    &["generation", "generated", "output", "completion"],
    &["waiting", "queued", "pending"],
    &["queue", "wait"],
    &["running", "active", "inflight", "ongoing", "processing"],
    &["latency", "duration", "time", "elapsed"],
    &["request", "requests", "req", "reqs"],
    &["token", "tokens", "tok"],
    &["use", "usage", "utilization", "utilisation", "used", "busy"],
    &["error", "errors", "failure", "failures", "failed"],
    &["ttft", "firsttoken"],
    &["itl", "intertoken"],
    &["hit", "hits"],
    &["gpu", "gpus"],
    &["preemption", "preemptions", "preempted"],
    &["endtoend", "e2e"],
];

/// Phrases that are one word.
const PHRASES: [(&str, &str); 7] = [
    ("time_to_first_token", "ttft"),
    ("first_token", "ttft"),
    ("inter_token", "itl"),
    ("in_flight", "inflight"),
    ("end_to_end", "endtoend"),
    ("kv_cache", "kvcache"),
    ("time_per_output_token", "tpot"),
];

/// Words without a meaning of their own: types and units.
const EMPTY: [&str; 21] = [
    "total",
    "count",
    "sum",
    "seconds",
    "second",
    "s",
    "ms",
    "milliseconds",
    "us",
    "microseconds",
    "bytes",
    "ratio",
    "num",
    "number",
    "of",
    "the",
    "per",
    "metric",
    "current",
    "percent",
    "http",
];

/// Units at the end of names, without `_total`, and the factor to the unit of the catalogue's graphs.
const UNITS: [(&str, Unit, f64); 11] = [
    ("_seconds", Unit::Seconds, 1.0),
    ("_milliseconds", Unit::Seconds, 1e-3),
    ("_ms", Unit::Seconds, 1e-3),
    ("_microseconds", Unit::Seconds, 1e-6),
    ("_us", Unit::Seconds, 1e-6),
    ("_percent", Unit::Share, 0.01),
    ("_pct", Unit::Share, 0.01),
    ("_ratio", Unit::Share, 1.0),
    ("_bytes", Unit::Bytes, 1.0),
    ("_mib", Unit::Bytes, 1_048_576.0),
    ("_gib", Unit::Bytes, 1_073_741_824.0),
];

/// Labels that hold a status, the likeliest first.
const STATUS_LABELS: [&str; 5] = ["status_code", "code", "status", "http_status", "response_code"];

/// The lines to paste for these families; none for those that look like nothing in the catalogue.
pub(crate) fn proposals(families: &[&Family]) -> Vec<OwnName> {
    let known = Known::new();
    // What the catalogue leaves out of an engine's metrics, it leaves out for a reason.
    let foreign = families.iter().filter(|family| engine_of(&family.name).is_none());
    let mut all: Vec<(f64, OwnName)> = foreign.filter_map(|family| known.proposal(family)).collect();
    // Two families would be added up in one line, so the one that is more alike has it.
    all.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let mut taken = BTreeSet::new();
    all.retain(|(_, own)| taken.insert(own.graph.clone()));
    all.into_iter().map(|(_, own)| own).collect()
}

/// Tables of a configuration file.
pub(crate) fn to_toml(proposals: &[OwnName]) -> String {
    let mut text = String::new();
    for own in proposals {
        // A literal string of TOML holds the quotes of matchers as they are.
        let _ = write!(text, "[[metrics]]\nname = '{}'\ntype = \"{}\"\n", one_line(&own.name), own.kind.id());
        let _ = writeln!(text, "graph = \"{}\"", own.graph);
        if own.scale != 1.0 {
            let _ = writeln!(text, "scale = {:?}", own.scale);
        }
        if !own.label.is_empty() {
            let _ = writeln!(text, "label = \"{}\"", one_line(&own.label));
        }
        text.push('\n');
    }
    text
}

/// A metric of the catalogue.
struct KnownMetric {
    words: BTreeSet<String>,
    name: &'static str,
    recipe: &'static Recipe,
}

/// The metrics of the catalogue, and the weight of each word in their names: rare ones weigh more.
struct Known {
    metrics: Vec<KnownMetric>,
    weights: BTreeMap<String, f64>,
}

impl Known {
    fn new() -> Self {
        // Inferboard's own names are the plainest, so they come first.
        let (first, others): (Vec<&Engine>, Vec<&Engine>) =
            ENGINES.iter().copied().partition(|engine| engine.id == "inferboard");
        let recipes = first.into_iter().chain(others).flat_map(|engine| engine.recipes.iter());
        let plain = recipes.filter(|recipe| {
            let is_share = matches!(recipe.shape, Shape::Ratio { .. } | Shape::RatioBy { .. } | Shape::ShareOf { .. });
            !is_share && !matches!(recipe.shape, Shape::Raw { .. }) && recipe.scale == 1.0
        });
        let metrics: Vec<KnownMetric> = plain
            .flat_map(|recipe| recipe.names().map(move |name| (name, recipe)))
            .map(|(name, recipe)| KnownMetric { words: words(bare_name(name)), name: bare_name(name), recipe })
            .collect();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for word in metrics.iter().flat_map(|metric| &metric.words) {
            *counts.entry(word.clone()).or_default() += 1;
        }
        let all = metrics.len() as f64;
        let weights = counts.into_iter().map(|(word, count)| (word, (all / count as f64).ln().max(0.1))).collect();
        Self { metrics, weights }
    }

    /// The weight of a word; one that no metric has is as rare as can be.
    fn weight(&self, word: &str) -> f64 {
        self.weights.get(word).copied().unwrap_or((self.metrics.len() as f64).ln())
    }

    fn likeness(&self, own: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
        let all: f64 = own.union(other).map(|word| self.weight(word)).sum();
        let common: f64 = own.intersection(other).map(|word| self.weight(word)).sum();
        if all > 0.0 { common / all } else { 0.0 }
    }

    fn proposal(&self, family: &Family) -> Option<(f64, OwnName)> {
        let kind = kind(family)?;
        let name = sample_name(family, kind);
        let own_words = words(name);
        let (unit, scale) = unit_of(name);
        let mut fitting: Vec<(f64, &KnownMetric)> = self
            .metrics
            .iter()
            .filter(|metric| kind.fits(&metric.recipe.shape) && is_unit_right(unit, metric.recipe))
            .map(|metric| (self.likeness(&own_words, &metric.words), metric))
            .filter(|(likeness, _)| *likeness >= MIN_LIKENESS)
            .collect();
        // Of several that are equally alike, one with the same words and not only words of the same meaning; else the first.
        let same = |metric: &KnownMetric| {
            metric.name.split('_').filter(|word| name.split('_').any(|own| own == *word)).count()
        };
        fitting.sort_by(|(one, metric), (other, second)| other.total_cmp(one).then(same(second).cmp(&same(metric))));
        fitting.into_iter().find_map(|(likeness, metric)| {
            let label = label(family, &metric.recipe.shape)?;
            let own = OwnName {
                name: name.to_owned(),
                kind,
                graph: metric.recipe.feeds.to_owned(),
                scale,
                label,
                per: String::new(),
                is_gateway: false,
            };
            own_recipes(&own).is_ok().then_some((likeness, own))
        })
    }
}

/// The words of a name that mean something.
fn words(name: &str) -> BTreeSet<String> {
    let mut name = name.to_ascii_lowercase().replace([':', '.', '-'], "_");
    for (phrase, word) in PHRASES {
        name = name.replace(phrase, word);
    }
    let all: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    // The first word of several is the program's name, unless it means something.
    let is_meant =
        |word: &str| SYNONYMS.iter().any(|group| group.contains(&word)) || PHRASES.iter().any(|(_, own)| *own == word);
    let start = usize::from(all.len() > 2 && all.first().is_some_and(|first| !is_meant(first)));
    let meant = all.into_iter().skip(start).filter(|word| !EMPTY.contains(word));
    let one_word = |word: &str| {
        let group = SYNONYMS.iter().find(|group| group.contains(&word));
        group.and_then(|group| group.first()).map_or_else(|| word.to_owned(), |first| (*first).to_owned())
    };
    meant.map(one_word).collect()
}

fn kind(family: &Family) -> Option<OwnType> {
    match family.kind {
        Kind::Counter => Some(OwnType::Counter),
        Kind::Gauge => Some(OwnType::Gauge),
        Kind::Histogram => Some(OwnType::Histogram),
        Kind::Summary => Some(OwnType::Summary),
        // Without a type, the end of a name says that it counts.
        Kind::Unknown if family.name.ends_with("_total") => Some(OwnType::Counter),
        _ => None,
    }
}

/// The name that a query selects.
fn sample_name(family: &Family, kind: OwnType) -> &str {
    match kind {
        // OpenMetrics names a counter's family without `_total`.
        OwnType::Counter => family.samples.first().map_or(&*family.name, |sample| &*sample.name),
        _ => &family.name,
    }
}

/// The unit that a name ends with, and the factor to the catalogue's.
fn unit_of(name: &str) -> (Option<Unit>, f64) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let found = UNITS.iter().find(|(suffix, ..)| name.ends_with(suffix));
    found.map_or((None, 1.0), |(_, unit, factor)| (Some(*unit), *factor))
}

/// Whether a metric with this unit can feed the graph of a recipe.
fn is_unit_right(unit: Option<Unit>, recipe: &Recipe) -> bool {
    let graph = GRAPHS.iter().find(|graph| graph.id == recipe.graph());
    unit.is_none_or(|unit| graph.is_some_and(|graph| graph.unit == unit))
}

/// The label by whose values there are lines, if the shape has such lines; none if the family has no label for it.
fn label(family: &Family, shape: &Shape) -> Option<String> {
    let has = |label: &str| family.samples.iter().any(|sample| sample.labels.iter().any(|(own, _)| own == label));
    match *shape {
        Shape::GaugeBy { label, .. } | Shape::RateBy { label, .. } | Shape::MeanBy { label, .. } => {
            has(label).then(String::new)
        }
        Shape::RateByClass { .. } => STATUS_LABELS.into_iter().find(|label| has(label)).map(str::to_owned),
        _ => Some(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::{Format, Limits, lint};

    fn proposed(page: &str) -> String {
        let lint = lint(page.as_bytes(), Format::Text, &Limits::default(), 1);
        to_toml(&proposals(&lint.families.iter().collect::<Vec<_>>()))
    }

    #[test]
    fn families_that_look_like_metrics_of_the_catalogue_are_proposed() {
        let page = "# TYPE acme_http_requests_total counter\nacme_http_requests_total{code=\"200\"} 1\n\
            # TYPE acme_generated_tokens_total counter\nacme_generated_tokens_total 1\n\
            # TYPE acme_requests_waiting gauge\nacme_requests_waiting 1\n\
            # TYPE acme_time_to_first_token_milliseconds histogram\n\
            acme_time_to_first_token_milliseconds_bucket{le=\"+Inf\"} 1\n\
            acme_time_to_first_token_milliseconds_sum 1\nacme_time_to_first_token_milliseconds_count 1\n\
            # TYPE acme_kv_cache_usage_percent gauge\nacme_kv_cache_usage_percent 1\n\
            # TYPE acme_colour gauge\nacme_colour 1\n";
        let text = proposed(page);
        for expected in [
            "name = 'acme_generated_tokens_total'\ntype = \"counter\"\ngraph = \"tokens-per-second/generation\"\n",
            "name = 'acme_requests_waiting'\ntype = \"gauge\"\ngraph = \"running-and-waiting/waiting\"\n",
            "name = 'acme_time_to_first_token_milliseconds'\ntype = \"histogram\"\ngraph = \"time-to-first-token\"\nscale = 0.001\n",
            "name = 'acme_kv_cache_usage_percent'\ntype = \"gauge\"\ngraph = \"kv-cache-use/in use\"\nscale = 0.01\n",
            "name = 'acme_http_requests_total'\ntype = \"counter\"\ngraph = \"volume\"\nlabel = \"code\"\n",
        ] {
            assert!(text.contains(expected), "{expected}\nin\n{text}");
        }
        assert!(!text.contains("acme_colour"), "{text}");
    }
}
