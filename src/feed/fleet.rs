//! The replicas in scope, one by one: what each was doing over the range, and what is known of it now.
use super::{
    frames::line_name,
    spans::{Event, Labels, Points, Restart, Span, Told, restarts, spans, with_startups},
};
use catalogue::{Scope, ScopeLabels};
use promapi::{Data, One, Series};
use std::{collections::BTreeMap, sync::Arc};

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
pub(super) struct Seen<'a> {
    pub(super) told: &'a [Told],
    pub(super) ready: &'a [Event],
    pub(super) restarts: &'a [Event],
    pub(super) points: Points,
    pub(super) range: (i64, i64),
}

/// The replicas of the scope that something was told of. `is_known` says whether a replica belongs to the scope by its
/// other metrics, for those whose states carry no model.
pub(super) fn replicas(
    seen: &Seen<'_>,
    scope: &Scope,
    labels: &ScopeLabels,
    is_known: &dyn Fn(&str) -> bool,
) -> Vec<Replica> {
    let named = |own: &Labels| own.get(&labels.replica).or_else(|| own.get("pod")).cloned();
    let mut by_name: BTreeMap<String, Vec<&Told>> = BTreeMap::new();
    for told in seen.told {
        if let Some(name) = named(&told.labels) {
            by_name.entry(name).or_default().push(told);
        }
    }
    let mut replicas = Vec::with_capacity(by_name.len());
    for (replica, told) in by_name {
        let is_told = match &scope.model {
            Some(model) => told.iter().any(|one| one.labels.get(&labels.model) == Some(model)),
            // Phases are told of every pod there is.
            None => told.iter().any(|one| !one.labels.contains_key("phase")),
        };
        if !is_told && !is_known(&replica) {
            continue;
        }
        let parts = apart(&told);
        let is_shared = parts.len() > 1;
        for (address, told) in parts {
            let its = |event: &&Event| {
                named(&event.labels).as_ref() == Some(&replica)
                    && (!is_shared || event.labels.get("instance").is_none_or(|own| *own == address))
            };
            let ready: Vec<&Event> = seen.ready.iter().filter(its).collect();
            let again: Vec<&Event> = seen.restarts.iter().filter(its).collect();
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
    let mut by_address: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for one in told {
        by_address.entry(one.labels.get("instance").map_or("", String::as_str)).or_default().push(one);
    }
    let extent = |told: &[&Told]| {
        let runs = || told.iter().flat_map(|one| &one.runs);
        (runs().map(|run| run.0).min().unwrap_or(0), runs().map(|run| run.1).max().unwrap_or(0))
    };
    let mut extents: Vec<(i64, i64)> = by_address.values().map(|told| extent(told)).collect();
    extents.sort_unstable();
    let last = by_address.keys().next_back().map_or(String::new(), |address| (*address).to_owned());
    if extents.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        by_address.into_iter().map(|(address, told)| (address.to_owned(), told)).collect()
    } else {
        vec![(last, told.to_vec())]
    }
}

/// Restarts from the starts of processes, where nothing counts them: those of replicas that had been seen before.
pub(super) fn with_starts(replicas: &mut [Replica], starts: &[(i64, &str)]) {
    for replica in replicas {
        let first_ms = replica.spans.first().map_or(i64::MAX, |span| span.start_ms);
        let own = starts.iter().filter(|(time_ms, name)| *name == replica.replica && *time_ms > first_ms);
        replica.restarts =
            own.map(|(time_ms, _)| Restart { time_ms: *time_ms, count: 1, reason: String::new() }).collect();
    }
}

/// Fills in what the instant queries of the table gave: load, processor, GPU and engines.
pub(super) fn with_details(replicas: &mut [Replica], [load, cores, gpu, engines]: [Option<Data>; 4], label: &str) {
    let vector = |data: Option<Data>| match data {
        Some(Data::Vector(vector)) => vector,
        _ => Vec::new(),
    };
    let value = |series: &Series<One>| Some(series.points.value.1.0).filter(|value| value.is_finite());
    let mut by_name: BTreeMap<String, Vec<&mut Replica>> = BTreeMap::new();
    for replica in replicas {
        by_name.entry(replica.replica.clone()).or_default().push(replica);
    }
    let mut each = |data: Option<Data>, put: &dyn Fn(&mut Replica, &Series<One>)| {
        for series in vector(data) {
            let own = series.metric.get(label).and_then(|name| by_name.get_mut(name));
            own.into_iter().flatten().for_each(|replica| put(replica, &series));
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
