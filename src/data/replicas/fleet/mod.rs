//! The replicas in scope, one by one: what each was doing over the range, and what is known of it now.
use crate::data::graph::frame::line_name;
use crate::data::replicas::intervals::{Event, Labels, Points, Restart, Span, Told, restarts, spans, with_startups};
use crate::wasm_size::sort::set;
use catalogue::{Scope, ScopeLabels};
use prometheus_api::{Data, InstantValue, Series};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    /// Name on the page: the replica's, with its address where several have it.
    pub name: String,
    /// Name in the scope.
    pub replica: String,
    /// What it serves, if known.
    pub model: String,
    /// Where its metrics come from.
    pub address: String,
    /// Names of engines with their versions.
    pub engine: String,
    /// Its states over the range, in order of time.
    pub spans: Vec<Span>,
    /// Its restarts in the range, in order of time.
    pub restarts: Vec<Restart>,
    /// Requests that run.
    pub running: Option<f64>,
    /// Requests that wait.
    pub waiting: Option<f64>,
    /// Processor cores in use.
    pub cores: Option<f64>,
    /// Share of time that its GPUs were busy.
    pub gpu: Option<f64>,
}

/// All of them, as last asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// In the order of their names.
    pub replicas: Vec<Arc<Replica>>,
    /// Start and end of the visible range, Unix milliseconds.
    pub range: (i64, i64),
    /// Distance of the points of time that were asked for, in milliseconds.
    pub step_ms: i64,
    /// The query for the states.
    pub query: String,
    /// Why there is nothing new, if so.
    pub failure: Option<String>,
}

impl Replica {
    /// The state that goes on at the end of the range; none where nothing is told by then.
    pub fn current(&self, range: (i64, i64)) -> Option<&Span> {
        self.spans.last().filter(|span| span.end_ms >= range.1)
    }

    /// Since when it is in its state, and whether it may be longer. Holes in between count as more of the same, unless it
    /// has restarted.
    pub fn since(&self, range: (i64, i64)) -> Option<(i64, bool)> {
        let mut since = *self.current(range)?;
        for span in self.spans.iter().rev().skip(1) {
            let has_restarted = self.restarts.iter().any(|one| (span.end_ms..=since.start_ms).contains(&one.time_ms));
            if span.state != since.state || has_restarted {
                break;
            }
            since = *span;
        }
        Some((since.start_ms, since.is_older))
    }

    /// How often it restarted in the range.
    pub fn restart_count(&self) -> u32 {
        self.restarts.iter().map(|restart| restart.count).sum()
    }
}

/// What the range queries told.
pub(crate) struct Seen<'a> {
    pub(crate) told: &'a [Told],
    pub(crate) ready: &'a [Event],
    pub(crate) restarts: &'a [Event],
    pub(crate) points: Points,
    pub(crate) range: (i64, i64),
}

/// All that was told of one name.
#[derive(Default)]
struct Named<'a> {
    told: Vec<&'a Told>,
    ready: Vec<&'a Event>,
    restarts: Vec<&'a Event>,
}

/// The replicas of the scope that something was told of. `serves` says whether a replica belongs to the scope by its
/// other metrics, for those whose states carry no model.
pub(crate) fn replicas(
    seen: &Seen<'_>,
    scope: &Scope,
    labels: &ScopeLabels,
    serves: &dyn Fn(&str) -> bool,
) -> Vec<Replica> {
    let name = |own: &'_ Labels| own.get(&labels.replica).or_else(|| own.get("pod")).cloned().unwrap_or_default();
    let mut by_name: BTreeMap<String, Named<'_>> = BTreeMap::new();
    for told in seen.told {
        by_name.entry(name(&told.labels)).or_default().told.push(told);
    }
    for (events, part) in [(seen.ready, true), (seen.restarts, false)] {
        for event in events {
            if let Some(named) = by_name.get_mut(&name(&event.labels)) {
                if part { &mut named.ready } else { &mut named.restarts }.push(event);
            }
        }
    }
    // Phases are told of every pod there is: those count that serve, or are made like one that does.
    let stem = |name: &str| name.rsplit_once('-').map(|(stem, _)| stem.to_owned());
    let stems = set(by_name.keys().filter(|name| serves(name)).filter_map(|name| stem(name)));
    by_name.retain(|name, named| {
        let is_phase_only = named.told.iter().all(|one| one.labels.contains_key("phase"));
        let is_told = match &scope.model {
            Some(model) => named.told.iter().any(|one| one.labels.get(&labels.model) == Some(model)),
            None => !is_phase_only,
        };
        is_told || serves(name) || is_phase_only && stem(name).is_some_and(|stem| stems.contains(&stem))
    });
    let mut replicas = Vec::with_capacity(by_name.len());
    for (replica, named) in by_name {
        let parts = apart(&named.told);
        let is_shared = parts.len() > 1;
        for (address, told) in parts {
            let its = |event: &&&Event| !is_shared || event.labels.get("instance").is_none_or(|own| *own == address);
            let ready: Vec<&Event> = named.ready.iter().filter(its).copied().collect();
            let again: Vec<&Event> = named.restarts.iter().filter(its).copied().collect();
            let spans = with_startups(spans(&told, seen.points, seen.range), &ready, seen.points, seen.range);
            if spans.is_empty() {
                continue;
            }
            let model = told.iter().find_map(|one| one.labels.get(&labels.model)).cloned().unwrap_or_default();
            replicas.push(Replica {
                name: if is_shared { format!("{replica} {address}") } else { replica.clone() },
                replica: replica.clone(),
                model,
                restarts: restarts(&again, &spans, seen.points, seen.range),
                address,
                spans,
                ..Replica::default()
            });
        }
    }
    replicas
}

/// The parts of what goes by one name: by address, where two of them tell of the same time.
fn apart<'a>(told: &[&'a Told]) -> Vec<(String, Vec<&'a Told>)> {
    let mut parts: Vec<(String, Vec<&Told>)> = Vec::new();
    for one in told {
        let address = one.labels.get("instance").map_or("", String::as_str);
        match parts.iter_mut().find(|part| part.0 == address) {
            Some(part) => part.1.push(one),
            None => parts.push((address.to_owned(), vec![one])),
        }
    }
    let overlaps = |one: &[&Told], other: &[&Told]| {
        let [one, other] = [one, other].map(|told| {
            let runs = || told.iter().flat_map(|one| &one.runs);
            (runs().map(|run| run.0).min(), runs().map(|run| run.1).max())
        });
        one.0 < other.1 && other.0 < one.1
    };
    let is_shared = (1..parts.len()).any(|at| parts[..at].iter().any(|other| overlaps(&parts[at].1, &other.1)));
    match parts.pop() {
        Some((address, _)) if !is_shared => vec![(address, told.to_vec())],
        last => parts.into_iter().chain(last).collect(),
    }
}

/// Restarts from the starts of processes, where nothing counts them: those of replicas that had been seen before.
pub(crate) fn with_starts(replicas: &mut [Replica], starts: &[(i64, &str)]) {
    for replica in replicas {
        let first_ms = replica.spans.first().map_or(i64::MAX, |span| span.start_ms);
        let own = starts.iter().filter(|(time_ms, name)| *name == replica.replica && *time_ms > first_ms);
        replica.restarts =
            own.map(|(time_ms, _)| Restart { time_ms: *time_ms, count: 1, reason: String::new() }).collect();
    }
}

/// Fills in, to replicas in the order of their names, what the instant queries of the table gave: load, processor, GPU and engines.
pub(crate) fn with_details(replicas: &mut [Replica], [load, cores, gpu, engines]: [Option<Data>; 4], label: &str) {
    let vector = |data: Option<Data>| match data {
        Some(Data::Vector(vector)) => vector,
        _ => Vec::new(),
    };
    let value = |series: &Series<InstantValue>| Some(series.samples.value.1.0).filter(|value| value.is_finite());
    let mut each = |data: Option<Data>, put: &dyn Fn(&mut Replica, &Series<InstantValue>)| {
        for series in vector(data) {
            let Some(name) = series.metric.get(label) else { continue };
            // They are in the order of their names.
            let first = replicas.partition_point(|replica| replica.replica < *name);
            let own = replicas[first..].iter_mut().take_while(|replica| replica.replica == *name);
            own.for_each(|replica| put(replica, &series));
        }
    };
    each(load, &|replica, series| {
        let line = line_name(series);
        if line.starts_with("running") {
            replica.running = value(series).or(replica.running);
        } else if line.starts_with("waiting") {
            replica.waiting = value(series).or(replica.waiting);
        }
    });
    each(cores, &|replica, series| {
        if line_name(series).starts_with("in use") {
            replica.cores = value(series).or(replica.cores);
        }
    });
    each(gpu, &|replica, series| {
        if line_name(series).starts_with("average") {
            replica.gpu = value(series).or(replica.gpu);
        }
    });
    each(engines, &|replica, series| {
        let text = |name: &str| series.metric.get(name).map_or("", String::as_str);
        let title = catalogue::engine(text("engine")).map_or(text("engine"), |engine| engine.title);
        let told = format!("{title} {}", text("version"));
        let told = told.trim();
        if !replica.engine.split(", ").any(|known| known == told) {
            let comma = if replica.engine.is_empty() { "" } else { ", " };
            replica.engine = format!("{}{comma}{told}", replica.engine);
        }
        if let Some(address) = series.metric.get("instance").filter(|_| replica.address != replica.replica) {
            replica.address.clone_from(address);
        }
    });
}

#[cfg(test)]
mod tests;
