//! Metrics pages in a store, queried as the page queries them.
use crate::captures::Capture;
use catalogue::{
    ENGINES, EngineRecipe, Graph, LINE_LABEL, QueryContext, Scope, ScopeLabels, Shape, bare_name, family_of,
};
use exposition::{Family, Format};
use promql::{Labels, Options, Value, uninterrupted};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use tsdb::{Group, Store};

/// Times of scrapes are multiples of this.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// Families written out in a test.
pub(crate) fn families(text: &str) -> Vec<Family> {
    exposition::parse(text.as_bytes(), Format::Text, &exposition::Limits::default()).expect("a metrics page")
}

/// The metrics page of a target, and its labels.
pub(crate) type ScrapedTarget<'a> = (&'a [Family], &'a [(&'a str, &'a str)]);

/// A store with a few scrapes.
pub(crate) struct Scraped {
    store: Store,
    group: Group,
    names: BTreeSet<String>,
    models: BTreeMap<String, BTreeSet<String>>,
    last_ms: i64,
    text: String,
}

impl Scraped {
    pub(crate) fn new() -> Self {
        let store = Store::new(tsdb::Limits::default());
        let group = store.group();
        // Later than the start of any process on a captured metrics page.
        Self {
            store,
            group,
            names: BTreeSet::new(),
            models: BTreeMap::new(),
            last_ms: 1_796_000_000_000,
            text: String::new(),
        }
    }

    /// Several scrapes of one capture. Each minute counters grow by their captured value, and those of families without any
    /// by one a second, so that idle captures draw too. Gauges stay as captured.
    pub(crate) fn grown(capture: &Capture, labels: &[(&str, &str)], scrapes: u32) -> Self {
        let growing = cumulative();
        let is_idle = |own: &&Family| own.samples.iter().all(|sample| sample.value == 0.0);
        let idle = capture.families.iter().filter(is_idle).flat_map(|own| &own.samples);
        let idle: BTreeSet<&str> = idle.map(|sample| family_of(&sample.name)).collect();
        let mut scraped = Self::new();
        for scrape in 0..scrapes {
            scraped.scrape(&capture.families, labels, |name, value| {
                let captured = if idle.contains(family_of(name)) { 60.0 } else { value };
                if growing.contains(name) { captured * f64::from(scrape) } else { value }
            });
        }
        scraped
    }

    /// Stores a metrics page as scraped a minute after the previous one, its values changed by `grown`.
    pub(crate) fn scrape(&mut self, families: &[Family], labels: &[(&str, &str)], grown: impl Fn(&str, f64) -> f64) {
        self.scrape_at_once(&[(families, labels)], grown);
    }

    /// As [`Self::scrape`], of the metrics pages of several targets.
    pub(crate) fn scrape_at_once(&mut self, targets: &[ScrapedTarget<'_>], grown: impl Fn(&str, f64) -> f64) {
        self.last_ms += MINUTE_MS;
        let mut values = Vec::new();
        let up = [("__name__", "up"), ("replica", "r1")];
        let up = self.group.register(&Labels::from_pairs(up)).expect("room");
        values.push((up, 1.0));
        let mut seen = HashSet::new();
        for (families, labels) in targets {
            for sample in families.iter().flat_map(|family| &family.samples) {
                let own = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let all = [("__name__", sample.name.as_str())].into_iter().chain(own).chain(labels.iter().copied());
                let all = Labels::from_pairs(all);
                let series = self.group.register(&all).expect("room");
                self.names.insert(sample.name.clone());
                let model = all.get("model").unwrap_or_default().to_owned();
                self.models.entry(sample.name.clone()).or_default().insert(model);
                let value = grown(&sample.name, sample.value);
                values.push((series, value));
                if seen.insert(all.clone()) {
                    let pairs = all.iter().filter(|(name, _)| *name != "__name__");
                    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value:?}")).collect();
                    let (name, time_s) = (&sample.name, self.last_ms / 1000);
                    let _ = writeln!(self.text, "{name}{{{}}} {value} {time_s}", pairs.join(","));
                }
            }
        }
        self.group.append(self.last_ms, values).expect("in order");
    }

    /// Marks series as stale at the next scrape.
    pub(crate) fn end(&mut self, families: &[Family], labels: &[(&str, &str)]) {
        let stale = promql::stale_marker();
        self.scrape(families, labels, |_, _| stale);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        name == "up" || self.names.contains(name)
    }

    /// The models of each metric's series; the empty text for series without one.
    pub(crate) fn models(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.models
    }

    /// All samples as OpenMetrics text, without the final `# EOF`.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.last_ms
    }

    /// The lines of a query at one time.
    pub(crate) fn lines_at(&self, query: &str, time_ms: i64) -> BTreeMap<String, f64> {
        let options = Options::default();
        let parsed = promql::parse(query, &options.limits).unwrap_or_else(|error| panic!("{error}: {query}"));
        let answer = promql::instant(&self.store, &parsed, time_ms, &options, &uninterrupted);
        let Value::Vector(samples) = answer.unwrap_or_else(|error| panic!("{error}: {query}")).value else {
            panic!("not a vector: {query}");
        };
        let mut lines = BTreeMap::new();
        for sample in samples {
            let line = sample.labels.get(LINE_LABEL).unwrap_or_default().to_owned();
            assert!(lines.insert(line, sample.value).is_none(), "two series of one line: {query}");
        }
        lines
    }

    /// The lines of a graph at the last scrape, over a window of five minutes. None if the graph has no query.
    pub(crate) fn lines(&self, graph: &Graph) -> Option<BTreeMap<String, f64>> {
        self.lines_within(graph, &Scope::default())
    }

    /// As [`Self::lines`], within a scope.
    pub(crate) fn lines_within(&self, graph: &Graph, scope: &Scope) -> Option<BTreeMap<String, f64>> {
        let labels = ScopeLabels::default();
        let context = QueryContext::of_moments(scope, &labels, 5 * MINUTE_MS);
        let query = catalogue::drawn_query(graph, &|name| self.has(name), &context)?;
        Some(self.lines_at(&query, self.last_ms))
    }
}

/// Names whose rate some recipe takes, whatever their type.
fn cumulative() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (engine, recipe) in all_recipes() {
        let parts: &[&str] = match recipe.shape {
            Shape::Rate { .. }
            | Shape::RateBy { .. }
            | Shape::RateByClass { .. }
            | Shape::Ratio { .. }
            | Shape::ShareOf { .. }
            | Shape::RatioBy { .. } => &[""],
            Shape::Histogram { .. } => &["_bucket", "_sum", "_count"],
            Shape::Mean { .. } | Shape::MeanBy { .. } => &["_sum", "_count"],
            Shape::Raw { promql, .. } => {
                let is_rated = |name: &&str| {
                    let of = |function: &str| promql.contains(&format!("{function}({name}{{"));
                    ["rate", "deriv"].into_iter().any(of)
                };
                names.extend(recipe.names().filter(is_rated).map(str::to_owned));
                &[]
            }
            _ => &[],
        };
        for name in recipe.names().flat_map(|name| engine.spellings(bare_name(name))) {
            names.extend(parts.iter().map(|part| format!("{name}{part}")));
        }
    }
    names
}

pub(crate) fn all_recipes() -> impl Iterator<Item = EngineRecipe> {
    ENGINES.iter().flat_map(|engine| engine.recipes.iter().map(move |recipe| (*engine, recipe)))
}
