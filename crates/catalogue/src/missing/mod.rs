//! Why a graph is missing, in a sentence that says what to do.
use crate::contract::{GpuFault, ScrapeFailure};
use crate::engines::{EngineRecipe, engines, recipes};
use crate::query::{has_data, is_present, role};
use crate::{Engine, Graph, Layer, LineRole, Recipe, Section};
use std::collections::BTreeSet;
use std::fmt;

/// What is known about the targets in scope.
pub struct ScopeStatus<'a> {
    /// The number of targets.
    pub targets: usize,
    /// The number of targets whose last scrape succeeded.
    pub targets_up: usize,
    /// Why the other scrapes failed: values of the label `reason` of `inferboard_scrape_failed`, see [`ScrapeFailure`].
    pub failures: &'a [&'a str],
    /// Why the companion measures no GPUs: the answers to [`GPU_FAULTS_QUERY`], see [`GpuFault`].
    pub gpu_faults: &'a [&'a str],
    /// The engines whose metrics are present, see [`crate::detect`].
    pub engines: &'a [&'static Engine],
    /// Whether a metric is present.
    pub present: &'a dyn Fn(&str) -> bool,
}

/// An instant query for why GPUs are not measured on the companion's machine, by the label `reason`.
pub const GPU_FAULTS_QUERY: &str = "group by (reason) (gpu_collector_up{reason!=\"\"})";

/// Why a graph has nothing to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingReason {
    /// Nothing is scraped in this scope.
    NoTarget,
    /// No scrape succeeds.
    TargetDown {
        /// Values of the label `reason`; empty if unknown.
        reasons: Vec<String>,
    },
    /// Targets respond, but none exports metrics of a known engine.
    Unrecognised,
    /// None of the scraped targets measures this at all.
    NotScraped {
        /// Titles of what measures it.
        sources: Vec<&'static str>,
    },
    /// GPUs are not measured on the companion's machine.
    GpusNotMeasured {
        /// Values of the label `reason` of `gpu_collector_up`.
        reasons: Vec<String>,
        /// Titles of what else measures GPUs.
        others: Vec<&'static str>,
    },
    /// The engines in scope do not export it.
    NotExported {
        /// Their titles.
        engines: Vec<&'static str>,
        /// Titles of those that do.
        others: Vec<&'static str>,
    },
    /// The engine exports it only with a feature or flag.
    Needs {
        /// The engine's title.
        engine: &'static str,
        /// The feature or flag.
        what: &'static str,
    },
    /// Newer versions of the engine export it.
    NeedsVersion {
        /// The engine's title.
        engine: &'static str,
        /// The first version that does.
        since: &'static str,
    },
    /// The engine exports it, but has not done so yet.
    NotYet {
        /// The engine's title.
        engine: &'static str,
    },
}

/// The engine that is the companion's own GPU collector.
const GPU_COLLECTOR: &str = "nvml";

/// Why `graph` has nothing to draw; None if its metrics are present.
pub fn missing_reason(graph: &Graph, status: &ScopeStatus<'_>) -> Option<MissingReason> {
    if has_data(graph, status.present) {
        return None;
    }
    if status.targets == 0 {
        return Some(MissingReason::NoTarget);
    }
    if status.targets_up == 0 {
        let mut reasons = BTreeSet::new();
        reasons.extend(status.failures.iter().copied());
        return Some(MissingReason::TargetDown { reasons: reasons.into_iter().map(str::to_owned).collect() });
    }
    let feeding = || recipes(graph.id).iter().filter(|(_, recipe)| role(graph, recipe) == LineRole::Data);
    Some(missing_of_engines(feeding(), status).unwrap_or_else(|| missing_everywhere(graph, unique(feeding()), status)))
}

/// What the engines in scope lack, the easiest remedy first: a flag, then a newer version, then patience.
fn missing_of_engines(
    feeding: impl Iterator<Item = &'static EngineRecipe>,
    status: &ScopeStatus<'_>,
) -> Option<MissingReason> {
    let present = feeding.filter(|(own, _)| status.engines.iter().any(|engine| engine.id == own.id));
    let missing = present.filter(|(engine, recipe)| !is_present(engine, recipe, status.present));
    let effort = |recipe: &Recipe| (recipe.needs.is_empty(), recipe.since.is_empty());
    let (engine, recipe) = missing.min_by_key(|(_, recipe)| effort(recipe))?;
    let engine = engine.title;
    Some(match (recipe.needs, recipe.since) {
        ("", "") => MissingReason::NotYet { engine },
        ("", since) => MissingReason::NeedsVersion { engine, since },
        (what, _) => MissingReason::Needs { engine, what },
    })
}

/// The reason when no engine in scope feeds the graph: `sources` do.
fn missing_everywhere(graph: &Graph, sources: Vec<&'static Engine>, status: &ScopeStatus<'_>) -> MissingReason {
    let titles = |engines: &[&'static Engine]| engines.iter().map(|engine| engine.title).collect::<Vec<_>>();
    if graph.section == Section::Engine || graph.section == Section::Requests {
        let engines = status.engines.iter().filter(|engine| engine.layer != Layer::Machine);
        let engines: Vec<&'static str> = engines.map(|engine| engine.title).collect();
        return match engines[..] {
            [] => MissingReason::Unrecognised,
            _ => MissingReason::NotExported { engines, others: titles(&sources) },
        };
    }
    if sources.iter().any(|engine| engine.id == GPU_COLLECTOR) && !status.gpu_faults.is_empty() {
        let reasons = status.gpu_faults.iter().map(|reason| (*reason).to_owned()).collect();
        let others: Vec<_> = sources.into_iter().filter(|engine| engine.id != GPU_COLLECTOR).collect();
        return MissingReason::GpusNotMeasured { reasons, others: titles(&others) };
    }
    MissingReason::NotScraped { sources: titles(&sources) }
}

/// The engines of recipes, each once, without those that only re-export another's series.
fn unique(feeding: impl Iterator<Item = &'static EngineRecipe>) -> Vec<&'static Engine> {
    let mut engines: Vec<&'static Engine> = Vec::new();
    for (engine, _) in feeding {
        if engine.reexports.is_none() && engines.iter().all(|other| other.id != engine.id) {
            engines.push(engine);
        }
    }
    engines
}

impl fmt::Display for MissingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTarget => f.write_str("Nothing is scraped here yet. Add a target, or choose a wider scope."),
            Self::TargetDown { reasons } if reasons.is_empty() => {
                f.write_str("No target is responding. Check that the server is running and reachable from here.")
            }
            Self::TargetDown { reasons } => write_target_down(f, reasons),
            Self::Unrecognised => f.write_str(
                "Targets respond, but without metrics of a known engine. Export inferboard's own metrics to draw this \
                 graph, or check the list of metrics that no graph reads.",
            ),
            Self::NotScraped { sources } => {
                write!(f, "No scraped target measures this. It can come from {}.", listed(sources))
            }
            Self::GpusNotMeasured { reasons, others } => {
                write!(f, "GPUs are not measured on the companion's machine ({})", reasons.join(", "))?;
                if let Some(fault) = only(reasons).and_then(GpuFault::from_id) {
                    write!(f, ": {}", fault.advice())?;
                }
                write!(f, ". GPUs of other machines can be measured by {}.", listed(others))
            }
            Self::NotExported { engines, others } => {
                let verb = if engines.len() == 1 { "does" } else { "do" };
                write!(f, "{} {verb} not export this. Engines that do: {}.", listed(engines), listed(others))
            }
            Self::Needs { engine, what } => write!(f, "{engine} exports this with {what}."),
            Self::NeedsVersion { engine, since } => {
                write!(f, "{engine} exports this since version {since}; this one seems older, or has not used it yet.")
            }
            Self::NotYet { engine } => write!(
                f,
                "{engine} exports this, but has not yet: many servers show a metric only after the first request."
            ),
        }
    }
}

fn write_target_down(f: &mut fmt::Formatter<'_>, reasons: &[String]) -> fmt::Result {
    write!(f, "No target is responding ({})", reasons.join(", "))?;
    match only(reasons).and_then(ScrapeFailure::from_id) {
        Some(failure) => write!(f, ": {}.", failure.words().trim_end_matches('?'))?,
        None => f.write_str(". Check each target's log and address.")?,
    }
    // Engines refuse the request while metrics are not enabled.
    if reasons.iter().any(|reason| reason == ScrapeFailure::Status.id()) {
        let engines = engines().iter().filter(|engine| !engine.turn_on.is_empty());
        let needs: Vec<String> = engines.map(|engine| format!("{} needs {}", engine.title, engine.turn_on)).collect();
        write!(f, " To export metrics at all, {}.", needs.join("; "))?;
    }
    Ok(())
}

fn only(reasons: &[String]) -> Option<&str> {
    match reasons {
        [only] => Some(only),
        _ => None,
    }
}

fn listed(titles: &[&str]) -> String {
    match titles {
        [] => "none known".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
