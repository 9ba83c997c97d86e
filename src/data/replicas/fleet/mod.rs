//! The replicas in scope: the states of each over the range, and its current figures.
use crate::data::discovery::model_targets::ModelTargets;
use crate::data::discovery::scope_key::Labels;
use crate::data::discovery::scrapes::failure_words;
use crate::data::graph::frame::line_name;
use crate::data::graph::grid::Grid;
use crate::data::replicas::intervals::{
    LabelledSample, Restart, StateInterval, StateSeries, restarts, state_intervals, with_startups,
};
use crate::state::replica_figure::{ReplicaFigure, ReplicaFigures};
use crate::state::time_range::TimeRange;
use crate::wasm_size::sort::{set, sort_by};
use crate::wasm_size::table::Table;
use catalogue::contract::ReplicaState::Silent;
use catalogue::{Scope, ScopeLabels};
use prometheus_api::Data;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    /// The name on the page: the replica's, with its address if several have the same.
    pub name: String,
    /// The name in the scope.
    pub replica: String,
    /// The model that it serves, if known.
    pub model: String,
    /// The address of its metrics.
    pub address: String,
    /// The names of its engines with their versions.
    pub engine: String,
    /// Its states over the range, in order of time.
    pub intervals: Vec<StateInterval>,
    /// Its restarts in the range, in order of time.
    pub restarts: Vec<Restart>,
    /// When its scrapes failed, in order of time.
    pub failures: Vec<FailureInterval>,
    /// Its figures, at the end of the range or over it.
    pub figures: ReplicaFigures,
}

/// A time during which scrapes failed for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureInterval {
    /// The first failed scrape, Unix milliseconds.
    pub start_ms: i64,
    /// A step after the last one, Unix milliseconds.
    pub end_ms: i64,
    /// Why, in words.
    pub words: String,
}

/// The replicas in scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// The replicas in the order of their names.
    pub replicas: Vec<Arc<Replica>>,
    /// The visible range.
    pub range: TimeRange,
    /// The step of the states, in milliseconds.
    pub step_ms: i64,
    /// The query for the states.
    pub query: String,
    /// The replicas whose figures were queried; none for all.
    pub figures_of: Option<BTreeSet<String>>,
    /// Why the last query failed, if it did.
    pub failure: Option<String>,
}

/// When a state began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateStart {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Whether it may have begun earlier, before the range.
    pub may_be_earlier: bool,
}

impl Fleet {
    /// Sets the figures of some replicas, or of all.
    pub(crate) fn add_figures(&mut self, figures: &TableFigures, of: Option<BTreeSet<String>>, label: &str) {
        figures.put(&mut self.replicas, label);
        self.figures_of = self.figures_of.take().zip(of).map(|(mut known, new)| {
            known.extend(new);
            known
        });
    }
}

impl Replica {
    /// The interval at the end of the range; none if the state is unknown by then.
    pub fn current(&self, range: TimeRange) -> Option<&StateInterval> {
        self.intervals.last().filter(|interval| interval.end_ms >= range.end_ms)
    }

    /// When it was last seen in the range, if it has no state any more.
    pub fn gone_since(&self, range: TimeRange) -> Option<i64> {
        self.intervals.last().map(|interval| interval.end_ms).filter(|end_ms| *end_ms < range.end_ms)
    }

    /// When the current state began. Gaps within a state do not count, unless the replica restarted in them.
    pub fn since(&self, range: TimeRange) -> Option<StateStart> {
        let mut first = *self.current(range)?;
        for interval in self.intervals.iter().rev().skip(1) {
            let gap = TimeRange::new(interval.end_ms, first.start_ms);
            let has_restarted = self.restarts.iter().any(|restart| gap.contains(restart.time_ms));
            if interval.state != first.state || has_restarted {
                break;
            }
            first = *interval;
        }
        Some(StateStart { time_ms: first.start_ms, may_be_earlier: first.may_start_earlier })
    }

    /// Why its scrapes failed at a time; empty if they did not.
    pub fn failure_at(&self, time_ms: i64) -> &str {
        let at = self.failures.iter().rfind(|failure| (failure.start_ms..=failure.end_ms).contains(&time_ms));
        at.map_or("", |failure| &failure.words)
    }

    /// Milliseconds from its last start in the range to ready, if that was measured.
    pub fn launch_ms(&self) -> Option<i64> {
        self.intervals.iter().rev().find_map(|interval| interval.ready_ms)
    }

    /// The number of restarts in the range.
    pub fn restart_count(&self) -> u32 {
        self.restarts.iter().map(|restart| restart.count).sum()
    }
}

/// The answers to the range queries.
pub(crate) struct StateHistory<'a> {
    pub(crate) states: &'a [StateSeries],
    /// The series of scrape failures, in any state.
    pub(crate) failures: &'a [StateSeries],
    pub(crate) ready: &'a [LabelledSample],
    pub(crate) restarts: &'a [LabelledSample],
    pub(crate) grid: Grid,
    pub(crate) range: TimeRange,
}

/// The answers for one replica name.
#[derive(Default)]
struct NamedHistory<'a> {
    states: Vec<&'a StateSeries>,
    failures: Vec<&'a StateSeries>,
    ready: Vec<&'a LabelledSample>,
    restarts: Vec<&'a LabelledSample>,
}

/// The replicas of the scope that have states. `is_model_target` says whether a replica belongs to the scope by its other
/// metrics, for those whose states have no model.
pub(crate) fn replicas(
    history: &StateHistory<'_>,
    scope: &Scope,
    labels: &ScopeLabels,
    is_model_target: &dyn Fn(&str) -> bool,
) -> Vec<Replica> {
    let by_name = by_name(history, labels);
    let is_in_scope = in_scope(&by_name, scope, labels, is_model_target);
    let mut replicas = Vec::with_capacity(by_name.len());
    for (replica, named) in by_name.iter().filter(|(name, named)| is_in_scope(name, named)) {
        let parts = by_address(&named.states);
        let is_shared = parts.len() > 1;
        for (address, states) in parts {
            let is_own = |labels: &Labels| !is_shared || labels.get("instance").is_none_or(|own| *own == address);
            let ready: Vec<_> = named.ready.iter().filter(|sample| is_own(&sample.labels)).copied().collect();
            let counted: Vec<_> = named.restarts.iter().filter(|sample| is_own(&sample.labels)).copied().collect();
            let failed: Vec<_> = named.failures.iter().filter(|series| is_own(&series.labels)).copied().collect();
            let intervals = state_intervals(&states, history.grid, history.range);
            let intervals = with_startups(intervals, &ready, history.grid, history.range);
            if intervals.is_empty() {
                continue;
            }
            let model = states.iter().find_map(|one| one.labels.get(&labels.model)).cloned().unwrap_or_default();
            replicas.push(Replica {
                name: if is_shared { format!("{replica} {address}") } else { replica.to_owned() },
                replica: replica.to_owned(),
                model,
                restarts: restarts(&counted, &intervals, history.grid, history.range),
                failures: failure_intervals(&failed, history.grid.step_ms),
                address,
                intervals,
                ..Replica::default()
            });
        }
    }
    replicas
}

/// The answers by replica; those without states have none of the replicas.
fn by_name<'a>(history: &StateHistory<'a>, labels: &ScopeLabels) -> Table<NamedHistory<'a>> {
    fn name<'l>(own: &'l Labels, labels: &ScopeLabels) -> &'l str {
        own.get(&labels.replica).or_else(|| own.get("pod")).map_or("", String::as_str)
    }
    let mut by_name: Table<NamedHistory<'_>> = Table::default();
    let mut named = |own: &Labels, put: &mut dyn FnMut(&mut NamedHistory<'a>)| {
        put(by_name.at(name(own, labels), NamedHistory::default()));
    };
    history.states.iter().for_each(|series| named(&series.labels, &mut |named| named.states.push(series)));
    history.failures.iter().for_each(|series| named(&series.labels, &mut |named| named.failures.push(series)));
    history.ready.iter().for_each(|sample| named(&sample.labels, &mut |named| named.ready.push(sample)));
    history.restarts.iter().for_each(|sample| named(&sample.labels, &mut |named| named.restarts.push(sample)));
    by_name
}

/// When scrapes failed, in order of time.
fn failure_intervals(series: &[&StateSeries], step_ms: i64) -> Vec<FailureInterval> {
    let mut failures = Vec::new();
    for one in series {
        let words = failure_words(&one.labels);
        failures.extend(one.runs.iter().map(|run| FailureInterval {
            start_ms: run.start_ms,
            end_ms: run.end_ms + step_ms,
            words: words.clone(),
        }));
    }
    sort_by(&mut failures, |a, b| a.start_ms.cmp(&b.start_ms));
    failures
}

/// Which replicas are in scope. Kubernetes exports the phase of every pod there is: those count that serve models, or are
/// named like one that does.
fn in_scope<'f>(
    by_name: &Table<NamedHistory<'_>>,
    scope: &'f Scope,
    labels: &'f ScopeLabels,
    is_model_target: &'f dyn Fn(&str) -> bool,
) -> impl Fn(&str, &NamedHistory<'_>) -> bool + use<'f> {
    let stem = |name: &str| name.rsplit_once('-').map(|(stem, _)| stem.to_owned());
    let serving = by_name.iter().filter(|(name, named)| !named.states.is_empty() && is_model_target(name));
    let stems = set(serving.filter_map(|(name, _)| stem(name)));
    move |name, named| {
        let is_phase_only = named.states.iter().all(|one| one.labels.contains_key("phase"));
        let is_in_scope = match &scope.model {
            Some(model) => named.states.iter().any(|one| one.labels.get(&labels.model) == Some(model)),
            None => !is_phase_only,
        };
        let is_named_alike = || is_phase_only && stem(name).is_some_and(|stem| stems.contains(&stem));
        !named.states.is_empty() && (is_in_scope || is_model_target(name) || is_named_alike())
    }
}

/// The series of one name, split by address if two addresses overlap in time.
fn by_address<'a>(states: &[&'a StateSeries]) -> Vec<(String, Vec<&'a StateSeries>)> {
    let mut parts: Vec<(String, Vec<&StateSeries>)> = Vec::new();
    for one in states {
        let address = one.labels.get("instance").map_or("", String::as_str);
        match parts.iter_mut().find(|part| part.0 == address) {
            Some(part) => part.1.push(one),
            None => parts.push((address.to_owned(), vec![one])),
        }
    }
    let overlaps = |one: &[&StateSeries], other: &[&StateSeries]| {
        let [one, other] = [one, other].map(|states| {
            let runs = || states.iter().flat_map(|one| &one.runs);
            (runs().map(|run| run.start_ms).min(), runs().map(|run| run.end_ms).max())
        });
        one.0 < other.1 && other.0 < one.1
    };
    let is_shared = (1..parts.len()).any(|at| parts[..at].iter().any(|other| overlaps(&parts[at].1, &other.1)));
    match parts.pop() {
        Some((address, _)) if !is_shared => vec![(address, states.to_vec())],
        last => parts.into_iter().chain(last).collect(),
    }
}

/// The replicas that belong to a deployment that serves models, and did not answer at any time.
pub(crate) fn silent_replicas(
    states: &[StateSeries],
    targets: &ModelTargets<'_>,
    labels: &ScopeLabels,
) -> BTreeSet<String> {
    let named = || states.iter().filter_map(|series| Some((series.labels.get(&labels.replica)?, series)));
    let answered = set(named().filter(|(_, series)| series.state != Silent).map(|(replica, _)| replica.as_str()));
    let is_silent = |(replica, series): &(&String, &StateSeries)| {
        !answered.contains(replica.as_str()) && targets.shares_deployment(&series.labels, labels)
    };
    set(named().filter(is_silent).map(|(replica, _)| replica.clone()))
}

/// When a process started, and of which replica.
pub(crate) struct ProcessStart<'a> {
    pub(crate) time_ms: i64,
    pub(crate) replica: &'a str,
}

/// Derives restarts from the starts of processes, if nothing counts them: every start of a replica that was seen before.
pub(crate) fn with_starts(replicas: &mut [Replica], starts: &[ProcessStart<'_>]) {
    let mut by_replica: Table<Vec<i64>> = Table::default();
    for start in starts {
        by_replica.at(start.replica, Vec::new()).push(start.time_ms);
    }
    for replica in replicas {
        let first_ms = replica.intervals.first().map_or(i64::MAX, |interval| interval.start_ms);
        let own = by_replica.get(&replica.replica).into_iter().flatten().filter(|time_ms| **time_ms > first_ms);
        replica.restarts = own.map(|time_ms| Restart { time_ms: *time_ms, count: 1, reason: String::new() }).collect();
    }
}

/// The answers with the figures of some replicas or all, with the graph of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableFigures(pub(crate) Vec<(&'static str, Data)>);

impl TableFigures {
    /// Sets the figures of replicas in the order of their names; `label` is that of the replica.
    pub(crate) fn put(&self, replicas: &mut [Arc<Replica>], label: &str) {
        let mut by_replica: Table<ReplicaFigures> = Table::default();
        for (graph, answer) in &self.0 {
            let Data::Vector(vector) = answer else { continue };
            for series in vector {
                let (value, line) = (series.samples.value.1.0, line_name(series));
                let Some(name) = series.metric.get(label).filter(|_| value.is_finite()) else { continue };
                let is_own = |figure: &ReplicaFigure| figure.graph() == *graph && figure.has_line(&line);
                let own = by_replica.at(name, ReplicaFigures::default());
                ReplicaFigure::ALL.into_iter().filter(is_own).for_each(|figure| own.add(figure, value));
            }
        }
        for replica in replicas {
            if let Some(figures) = by_replica.get(&replica.replica) {
                Arc::make_mut(replica).figures.update(figures);
            }
        }
    }
}

/// Adds the engines that there are at a time to replicas in the order of their names; `label` is that of the replica.
pub(crate) fn with_engines(replicas: &mut [Replica], engines: &[StateSeries], label: &str, time_ms: i64) {
    for StateSeries { labels, runs, .. } in engines {
        let Some(name) = labels.get(label).filter(|_| runs.last().is_some_and(|run| run.end_ms >= time_ms)) else {
            continue;
        };
        let text = |name: &str| labels.get(name).map_or("", String::as_str);
        let title = catalogue::engine(text("engine")).map_or(text("engine"), |engine| engine.title);
        let engine = format!("{title} {}", text("version"));
        let engine = engine.trim();
        let first = replicas.partition_point(|replica| replica.replica < *name);
        for replica in replicas[first..].iter_mut().take_while(|replica| replica.replica == *name) {
            if !replica.engine.split(", ").any(|known| known == engine) {
                let comma = if replica.engine.is_empty() { "" } else { ", " };
                replica.engine = format!("{}{comma}{engine}", replica.engine);
            }
            if let Some(address) = labels.get("instance").filter(|_| replica.address != replica.replica) {
                replica.address.clone_from(address);
            }
        }
    }
}

#[cfg(test)]
mod tests;
