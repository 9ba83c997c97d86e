//! The words an engine is described in: how it is recognised, and what its metrics draw.
use crate::{Recipe, Shape, engines::ENGINES};

/// Whose metrics a recipe reads: an inference engine, a gateway, a platform's export, an exporter of hardware.
#[derive(Debug)]
pub struct Engine {
    /// Stable name.
    pub id: &'static str,
    /// Name on the page.
    pub title: &'static str,
    /// What it measures from where.
    pub layer: Layer,
    /// How its metrics are recognised; one sign is enough.
    pub signs: &'static [Sign],
    /// The prefix of its metrics, and what others make of it on the way: `vllm:` and `ray_vllm_`.
    pub dialects: Option<(&'static str, &'static [&'static str])>,
    /// Matchers that its own series pass and copies, re-exported by a router, do not.
    pub own: &'static str,
    /// Labels of processes that each report the same requests; of them the largest value counts.
    pub ranks: &'static [&'static str],
    /// The label that tells its replicas apart; empty for the backend's own.
    pub replica: &'static str,
    /// The label that tells GPUs apart.
    pub gpu: &'static str,
    /// Metric and label that hold its version; an asterisk ends a prefix of metrics that all have it.
    pub version: Option<(&'static str, &'static str)>,
    /// The engine whose series it re-exports: lines of both go by one name, and the original counts.
    pub relays: Option<&'static str>,
    /// What it takes to have its metrics at all: a flag, a path; empty where it takes nothing.
    pub turn_on: &'static str,
    /// Where its metrics are described.
    pub source: &'static str,
    /// Whether a page of a running server is among the captures that the recipes are tested with.
    pub is_captured: bool,
    /// What its metrics draw.
    pub recipes: &'static [Recipe],
}

impl Engine {
    /// What most engines are like.
    pub(crate) const PLAIN: Self = Self {
        id: "",
        title: "",
        layer: Layer::Engine,
        signs: &[],
        dialects: None,
        own: "",
        ranks: &[],
        replica: "",
        gpu: "gpu",
        version: None,
        relays: None,
        turn_on: "",
        source: "",
        is_captured: true,
        recipes: &[],
    };

    /// All names that a name of its recipes goes by, itself first.
    pub(crate) fn spellings(&self, name: &str) -> Vec<String> {
        let mut names = vec![name.to_owned()];
        if let Some((prefix, others)) = self.dialects
            && let Some(rest) = name.strip_prefix(prefix)
        {
            names.extend(others.iter().map(|other| format!("{other}{rest}")));
        }
        names
    }
}

/// From where requests are measured, in the order in which a count is believed. Two layers may count the same requests;
/// two engines of one layer do not. Machines stand beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Before everything: what a platform or gateway reports for inferboard's own names, or a hosted platform exports.
    Platform,
    /// A gateway or router made for inference, in front of several servers.
    Gateway,
    /// The server's HTTP side, or the framework around the engine.
    Server,
    /// The engine itself.
    Engine,
    /// A proxy for anything. It sees inference requests first, but may see others too: what it counts stands in only
    /// where nothing else does.
    Proxy,
    /// Hosts, containers and GPUs. Their series are narrowed by a label of the scope only where they carry it.
    Machine,
}

/// How an engine is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Metrics begin like this.
    Prefix(&'static str),
    /// One metric, where the others' names could be anyone's.
    Name(&'static str),
}

/// The engine that a metric tells of, and its rank: where a page has metrics of several, the lowest rank is what runs
/// there, as routers and frameworks come with the metrics of the engine inside. None for metrics that many servers
/// have.
pub fn engine_of(name: &str) -> Option<(usize, &'static Engine)> {
    let by = |is_signed: &dyn Fn(&Sign) -> bool| {
        let found = ENGINES.iter().enumerate().find(|(_, engine)| engine.signs.iter().any(is_signed));
        found.map(|(rank, engine)| (rank, *engine))
    };
    // A name of its own tells more than a beginning.
    by(&|sign| matches!(sign, Sign::Name(own) if name == *own))
        .or_else(|| by(&|sign| matches!(sign, Sign::Prefix(prefix) if name.starts_with(prefix))))
}

/// The engines that these metrics tell of, innermost first. `names` are names of samples or families.
pub fn detect<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'static Engine> {
    let mut is_found = vec![false; ENGINES.len()];
    for (rank, _) in names.into_iter().filter_map(engine_of) {
        is_found[rank] = true;
    }
    ENGINES.iter().zip(is_found).filter(|(_, is_found)| *is_found).map(|(engine, _)| *engine).collect()
}

/// Whose version a sample of this metric and these labels tells, and which.
pub fn version_of<'l>(
    name: &str,
    mut label: impl FnMut(&str) -> Option<&'l str>,
) -> Option<(&'static Engine, &'l str)> {
    let tells = |metric: &str| metric.strip_suffix('*').map_or(name == metric, |prefix| name.starts_with(prefix));
    ENGINES.iter().find_map(|engine| {
        let (_, holder) = engine.version.filter(|(metric, _)| tells(metric))?;
        Some((*engine, label(holder).filter(|version| !version.is_empty())?))
    })
}

/// The metrics, of those given, that nothing in the catalogue reads or knows; without times of creation, which repeat
/// the name of their metric.
pub fn unclaimed<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let claimed: std::collections::BTreeSet<String> = ENGINES
        .iter()
        .flat_map(|engine| engine.recipes.iter().flat_map(Recipe::names).flat_map(|name| engine.spellings(bare(name))))
        .collect();
    let is_claimed = |name: &str| {
        let family = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix));
        claimed.contains(name)
            || family.is_some_and(|family| claimed.contains(family))
            || ["_count", "_sum"].iter().any(|part| claimed.contains(&format!("{name}{part}")))
            || ["_count", "_sum"].iter().any(|part| family.is_some_and(|f| claimed.contains(&format!("{f}{part}"))))
    };
    let own = [crate::query::START_TIME, "up"];
    names.into_iter().filter(|name| !name.ends_with("_created") && !own.contains(name) && !is_claimed(name)).collect()
}

/// Whether a name is as engines write it, and not what others make of it on the way.
pub fn is_original(name: &str) -> bool {
    let mut others = ENGINES.iter().filter_map(|engine| engine.dialects).flat_map(|(_, others)| others);
    !others.any(|other| name.starts_with(other))
}

/// A name without the matchers that it may carry.
pub(crate) fn bare(name: &str) -> &str {
    name.split_once('{').map_or(name, |(bare, _)| bare)
}

impl Recipe {
    /// Every name that it reads, as written.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let (first, second): (&[&str], &[&str]) = match self.shape {
            Shape::Gauge { names, .. }
            | Shape::GaugeBy { names, .. }
            | Shape::Rate { names, .. }
            | Shape::RateBy { names, .. }
            | Shape::RateByClass { names, .. }
            | Shape::Spread { names }
            | Shape::Mean { names }
            | Shape::MeanBy { names, .. }
            | Shape::Quantiles { names }
            | Shape::Raw { names, .. } => (names, &[]),
            Shape::Ratio { part, whole: second }
            | Shape::RatioBy { part, whole: second, .. }
            | Shape::ShareOf { part, rest: second } => (part, second),
        };
        first.iter().chain(second).copied()
    }
}
