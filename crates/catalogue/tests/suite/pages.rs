//! Pages of servers, stored and asked as the page asks.
use catalogue::{Ask, ENGINES, Engine, Graph, LINE_LABEL, Recipe, Scope, ScopeLabels, Shape};
use exposition::{Family, Format};
use promql::{Labels, Options, Value, uninterrupted};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write,
    fs,
    io::Read,
    path::{Path, PathBuf},
};
use tsdb::{Group, Store};

/// Times of scrapes are multiples of this.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// A page with the name of its file.
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) families: Vec<Family>,
}

/// Every capture there is: those lent to the project, if they are, and its own recording.
pub(crate) fn captures() -> Vec<Capture> {
    let mut files = vec![recording()];
    for folder in ["", "derived"] {
        let folder = lent().join(folder);
        let Ok(entries) = fs::read_dir(&folder) else {
            println!("skipped: {} is absent; CAPTURES_DIR names another place", folder.display());
            continue;
        };
        let entries = entries.map(|entry| entry.expect("an entry").path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "prom")));
    }
    files.sort();
    files.iter().map(|path| capture(path)).collect()
}

/// The folder of captures that are not part of the repository.
fn lent() -> PathBuf {
    let beside_workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    std::env::var_os("CAPTURES_DIR").map_or_else(beside_workspace, PathBuf::from)
}

/// The last page of the project's own recording before the server restarted.
fn recording() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("tests/fixtures/vllm-0.32-session/1795319959787.up.prom.gz")
}

fn capture(path: &Path) -> Capture {
    let mut body = fs::read(path).expect("a capture");
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).expect("gzip");
        body = text;
    }
    let file = path.file_name().expect("a name").to_string_lossy();
    let name = match file.strip_suffix(".up.prom.gz") {
        Some(_) => "vllm_0.32_session".to_owned(),
        None => file.trim_end_matches(".prom").to_owned(),
    };
    let families = exposition::parse(&body, Format::Text, &exposition::Limits::default());
    Capture { name: name.clone(), families: families.unwrap_or_else(|why| panic!("{name}: {why}")) }
}

/// Families written out in a test.
pub(crate) fn families(text: &str) -> Vec<Family> {
    exposition::parse(text.as_bytes(), Format::Text, &exposition::Limits::default()).expect("a page")
}

/// A store of a few scrapes.
pub(crate) struct Scraped {
    store: Store,
    group: Group,
    names: BTreeSet<String>,
    last_ms: i64,
    text: String,
}

impl Scraped {
    pub(crate) fn new() -> Self {
        let store = Store::new(tsdb::Limits::default());
        let group = store.group();
        // Later than any process on a captured page started.
        Self { store, group, names: BTreeSet::new(), last_ms: 1_795_500_000_000, text: String::new() }
    }

    /// Some scrapes of one page. Counters grow by what they show each minute, and those of families that show nothing by
    /// one a second, so that idle pages draw too; gauges stay as captured.
    pub(crate) fn grown(capture: &Capture, labels: &[(&str, &str)], scrapes: u32) -> Self {
        let growing = cumulative();
        let is_idle = |own: &&Family| own.samples.iter().all(|sample| sample.value == 0.0);
        let idle = capture.families.iter().filter(is_idle).flat_map(|own| &own.samples);
        let idle: BTreeSet<&str> = idle.map(|sample| family(&sample.name)).collect();
        let mut scraped = Self::new();
        for scrape in 0..scrapes {
            scraped.scrape(&capture.families, labels, |name, value| {
                let shown = if idle.contains(family(name)) { 60.0 } else { value };
                if growing.contains(name) { shown * f64::from(scrape) } else { value }
            });
        }
        scraped
    }

    /// Stores a page as scraped a minute after the one before. Cumulative values are what `grown` makes of them.
    pub(crate) fn scrape(&mut self, families: &[Family], labels: &[(&str, &str)], grown: impl Fn(&str, f64) -> f64) {
        self.last_ms += MINUTE_MS;
        let mut values = Vec::new();
        let up = [("__name__", "up"), ("replica", "r1")];
        let up = self.group.register(&Labels::from_pairs(up)).expect("room");
        values.push((up, 1.0));
        let mut seen = HashSet::new();
        for sample in families.iter().flat_map(|family| &family.samples) {
            let own = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let all = [("__name__", sample.name.as_str())].into_iter().chain(own).chain(labels.iter().copied());
            let all = Labels::from_pairs(all);
            let series = self.group.register(&all).expect("room");
            self.names.insert(sample.name.clone());
            let value = grown(&sample.name, sample.value);
            values.push((series, value));
            if seen.insert(all.clone()) {
                let pairs = all.iter().filter(|(name, _)| *name != "__name__");
                let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value:?}")).collect();
                let _ = writeln!(self.text, "{}{{{}}} {value} {}", sample.name, pairs.join(","), self.last_ms / 1000);
            }
        }
        self.group.append(self.last_ms, values).expect("in order");
    }

    /// A series ends: its last sample is marked stale at the next scrape.
    pub(crate) fn end(&mut self, families: &[Family], labels: &[(&str, &str)]) {
        let stale = promql::stale_marker();
        self.scrape(families, labels, |_, _| stale);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        name == "up" || self.names.contains(name)
    }

    /// All samples as OpenMetrics text, without its end.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.last_ms
    }

    /// The lines of a query at a time.
    pub(crate) fn lines_at(&self, query: &str, time_ms: i64) -> BTreeMap<String, f64> {
        let options = Options::default();
        let parsed = promql::parse(query, &options.limits).unwrap_or_else(|why| panic!("{why}: {query}"));
        let answer = promql::instant(&self.store, &parsed, time_ms, &options, &uninterrupted);
        let Value::Vector(samples) = answer.unwrap_or_else(|why| panic!("{why}: {query}")).value else {
            panic!("no vector: {query}");
        };
        let mut lines = BTreeMap::new();
        for sample in samples {
            let line = sample.labels.get(LINE_LABEL).unwrap_or_default().to_owned();
            assert!(lines.insert(line, sample.value).is_none(), "a line twice: {query}");
        }
        lines
    }

    /// The lines of a graph at the last scrape, over a window of five minutes; none when it has no query.
    pub(crate) fn lines(&self, graph: &Graph) -> Option<BTreeMap<String, f64>> {
        let ask = (Scope::default(), ScopeLabels::default());
        let ask = Ask { scope: &ask.0, labels: &ask.1, window_ms: 5 * MINUTE_MS };
        let query = catalogue::drawn_query(graph, &|name| self.has(name), &ask)?;
        Some(self.lines_at(&query, self.last_ms))
    }
}

/// Names whose rate some recipe takes, whatever their type says.
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
            Shape::Spread { .. } => &["_bucket", "_sum", "_count"],
            Shape::Mean { .. } | Shape::MeanBy { .. } => &["_sum", "_count"],
            Shape::Raw { promql, .. } if promql.contains("rate(") => &[""],
            _ => &[],
        };
        for name in recipe.names().flat_map(|name| spellings(engine, bare(name))) {
            names.extend(parts.iter().map(|part| format!("{name}{part}")));
        }
    }
    names
}

pub(crate) fn all_recipes() -> impl Iterator<Item = (&'static Engine, &'static Recipe)> {
    ENGINES.iter().flat_map(|engine| engine.recipes.iter().map(move |recipe| (*engine, recipe)))
}

/// The family of a part of a histogram or summary.
pub(crate) fn family(name: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

pub(crate) fn bare(name: &str) -> &str {
    name.split('{').next().unwrap_or_default()
}

pub(crate) fn spellings(engine: &Engine, name: &str) -> Vec<String> {
    let own = std::iter::once(name.to_owned());
    let others = engine.dialects.into_iter().filter_map(|(prefix, others)| Some((name.strip_prefix(prefix)?, others)));
    own.chain(others.flat_map(|(rest, others)| others.iter().map(move |other| format!("{other}{rest}")))).collect()
}
