//! What metric names say: the engines behind them, their versions, and which names no recipe reads.
use crate::contract::TargetRole;
use crate::contract::names::PROCESS_START_TIME;
use crate::engines::engines;
use crate::{Engine, Recipe, Signature, metric_name};
use std::collections::BTreeSet;

/// The engine that exports a metric, and its rank. Routers and frameworks re-export the metrics of the engine inside, so
/// of several engines on one metrics page the one with the lowest rank runs there. None for metrics that many servers
/// have.
pub fn engine_of(name: &str) -> Option<(usize, &'static Engine)> {
    let by = |is_match: &dyn Fn(&Signature) -> bool| {
        let found = engines().iter().enumerate().find(|(_, engine)| engine.signatures.iter().any(is_match));
        found.map(|(rank, engine)| (rank, *engine))
    };
    // A full name is more specific than a prefix.
    by(&|signature| matches!(signature, Signature::Name(own) if name == *own))
        .or_else(|| by(&|signature| matches!(signature, Signature::Prefix(prefix) if name.starts_with(prefix))))
}

/// The engines that export these metrics, innermost first. `names` are names of samples or families.
pub fn detect<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'static Engine> {
    let mut is_found = vec![false; engines().len()];
    for (rank, _) in names.into_iter().filter_map(engine_of) {
        is_found[rank] = true;
    }
    engines().iter().zip(is_found).filter(|(_, is_found)| *is_found).map(|(engine, _)| *engine).collect()
}

/// What a target is whose metrics page has metrics of these engines, innermost first; none for a replica. A page without
/// metrics of any known engine is that of a replica: it may be one of its own making.
pub fn role_of(engines: &[&Engine]) -> Option<TargetRole> {
    let repeater = engines.iter().find(|engine| engine.repeats_others);
    repeater.or(engines.first()).and_then(|engine| engine.target_role())
}

/// The engine whose version a sample with this name and these labels holds, and the version.
pub fn version_of<'l>(
    name: &str,
    mut label: impl FnMut(&str) -> Option<&'l str>,
) -> Option<(&'static Engine, &'l str)> {
    let is_named = |metric: &str| metric.strip_suffix('*').map_or(name == metric, |prefix| name.starts_with(prefix));
    engines().iter().find_map(|engine| {
        let version = engine.version.filter(|version| is_named(version.metric))?;
        let mut values = version.labels.iter().filter_map(|name| label(name));
        Some((*engine, values.find(|version| !version.is_empty())?))
    })
}

/// The metrics among `names` that no recipe reads. Creation times are left out, as they repeat the name of their metric.
pub fn unclaimed<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let claimed: BTreeSet<String> = engines()
        .iter()
        .flat_map(|engine| {
            let names = engine.recipes.iter().flat_map(Recipe::names);
            names.flat_map(|name| engine.spellings(metric_name::bare_name(name)))
        })
        .collect();
    let has = |name: &str| {
        claimed.contains(name) || ["_count", "_sum"].iter().any(|part| claimed.contains(&format!("{name}{part}")))
    };
    let is_claimed = |name: &str| has(name) || has(metric_name::family_of(name));
    let common = [PROCESS_START_TIME, "up"];
    names
        .into_iter()
        .filter(|name| !name.ends_with("_created") && !common.contains(name) && !is_claimed(name))
        .collect()
}

/// Whether a name is spelled as the engine writes it, not as another exporter has renamed it.
pub fn is_original(name: &str) -> bool {
    let mut others = engines().iter().filter_map(|engine| engine.prefix_aliases).flat_map(|aliases| aliases.others);
    !others.any(|other| name.starts_with(other))
}
