//! Queries the replicas: their states over the range, continued by their tails, and the figures of the table.
use crate::data::discovery::model_targets::ModelTargets;
use crate::data::events::{Event, EventKind};
use crate::data::graph::grid::Grid;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::{RequestLimit, all};
use crate::data::replicas::fleet::{
    Fleet, ProcessStart, Replica, StateHistory, TableAnswers, replicas, silent_replicas, with_starts, with_table,
};
use crate::data::replicas::intervals::{LabelledSample, StateSeries, continued, samples, state_series};
use crate::data::round::Round;
use catalogue::contract::ReplicaState::Pending;
use catalogue::{ReplicaQueries, replica_queries, replica_table_queries};
use futures::FutureExt;
use leptos::prelude::window;
use prometheus_api::{Data, RangeValues, Series};
use std::sync::Arc;

/// Values of all replicas together in one answer, so that parsing it does not block the page.
const MAX_VALUES: i64 = 90_000;

/// The steps of a replica's states, whatever the number of pixels and replicas.
const MIN_STEPS: i64 = 120;
const MAX_STEPS: i64 = 1600;

/// The states that were queried so far, and by which queries.
#[derive(Clone, Default)]
pub(crate) struct ReplicaHistory {
    queries: Option<ReplicaQueries>,
    grid: Option<Grid>,
    states: Vec<StateSeries>,
    failures: Vec<StateSeries>,
    ready: Vec<LabelledSample>,
    restarts: Vec<LabelledSample>,
}

/// The answers of one round.
struct FleetAnswers {
    states: Vec<Series<RangeValues>>,
    failures: Vec<Series<RangeValues>>,
    ready: Vec<Series<RangeValues>>,
    restarts: Vec<Series<RangeValues>>,
    table: TableAnswers,
}

/// How a query of the replicas is evaluated.
#[derive(Clone, Copy)]
enum Evaluation {
    /// At every step from this time on.
    RangeFrom(i64),
    /// At the end of the range.
    Instant,
}

impl ReplicaHistory {
    /// Queries what the history lacks, and the fleet that results.
    pub(crate) async fn continued(
        self,
        round: &Round,
        events: &[Event],
        limit: &RequestLimit,
    ) -> Result<(Self, Fleet), RequestError> {
        let names = round.names(&round.scope);
        let present = |name: &str| names.contains(name);
        let grid = grid(round);
        let fleet = Fleet { range: round.range, step_ms: grid.step_ms, ..Fleet::default() };
        let Some(queries) = replica_queries(&present, &round.context(grid.window), grid.step_ms) else {
            return Ok((Self::default(), fleet));
        };
        let is_same = self.queries.as_ref() == Some(&queries);
        let old_grid = self.grid.filter(|old| is_same && grid.continues(old));
        let tail_start_ms = old_grid.map(|old| grid.tail_start_ms(old.end_ms.min(grid.end_ms)));
        let from_ms = tail_start_ms.unwrap_or(grid.start_ms);
        let answers = fetch(round, &queries, grid, from_ms, limit).await?;
        let old = if old_grid.is_some() { self } else { Self::default() };
        let history = Self {
            failures: continued(&old.failures, state_series(&answers.failures, grid.step_ms), from_ms, grid),
            states: continued(&old.states, state_series(&answers.states, grid.step_ms), from_ms, grid),
            ready: with_tail(old.ready, samples(&answers.ready), grid.start_ms, from_ms),
            restarts: with_tail(old.restarts, samples(&answers.restarts), grid.start_ms, from_ms),
            grid: Some(grid),
            queries: None,
        };
        let mut replicas = history.replicas(round, grid);
        if queries.restarts.is_none() {
            let starts = events.iter().filter(|event| event.kind == EventKind::Started);
            let starts: Vec<ProcessStart<'_>> =
                starts.map(|start| ProcessStart { time_ms: start.time_ms, replica: &start.name }).collect();
            with_starts(&mut replicas, &starts);
        }
        with_table(&mut replicas, answers.table, &round.backend.labels.replica);
        let targets = ModelTargets::new(&round.inventory, &round.scope);
        for replica in &mut replicas {
            if replica.engine.is_empty() {
                replica.engine = targets.engines(&replica.replica);
            }
            if replica.model.is_empty() {
                let models = round.inventory.models_of(&replica.address).iter().map(|(_, model)| model.as_str());
                replica.model = models.collect::<Vec<_>>().join(", ");
            }
        }
        let fleet =
            Fleet { replicas: replicas.into_iter().map(Arc::new).collect(), query: queries.states.clone(), ..fleet };
        Ok((Self { queries: Some(queries), ..history }, fleet))
    }

    fn replicas(&self, round: &Round, grid: Grid) -> Vec<Replica> {
        let (scope, labels) = (&round.scope, &round.backend.labels);
        let targets = ModelTargets::new(&round.inventory, scope);
        let mut silent = silent_replicas(&self.states, &targets, labels);
        if let Some(model) = &scope.model {
            let own = self.states.iter().filter(|one| round.inventory.is_of_model(&one.labels, labels, model));
            silent.extend(own.filter_map(|one| one.labels.get(&labels.replica).cloned()));
        }
        let is_model_target = |replica: &str| targets.contains(replica) || silent.contains(replica);
        let history = StateHistory {
            states: &self.states,
            failures: &self.failures,
            ready: &self.ready,
            restarts: &self.restarts,
            grid,
            range: round.range,
        };
        let mut replicas = replicas(&history, scope, labels, &is_model_target);
        if targets.is_needed() {
            let is_pending = |one: &Replica| one.intervals.iter().any(|interval| interval.state == Pending);
            replicas.retain(|one| is_model_target(&one.replica) || is_pending(one));
        }
        replicas
    }
}

/// Runs all queries of the replicas.
async fn fetch(
    round: &Round,
    queries: &ReplicaQueries,
    grid: Grid,
    from_ms: i64,
    limit: &RequestLimit,
) -> Result<FleetAnswers, RequestError> {
    let ask = async |query: Option<String>, evaluation: Evaluation| -> Result<Option<Data>, RequestError> {
        let Some(query) = query else { return Ok(None) };
        let _permit = limit.permit().await;
        match evaluation {
            Evaluation::RangeFrom(from_ms) => {
                round.backend.range(query, from_ms, grid.end_ms, grid.step_ms).await.map(Some)
            }
            // The table's figures are an extra: without them the states are still right.
            Evaluation::Instant => Ok(round.backend.instant(query, round.end_ms()).await.ok()),
        }
    };
    let names = round.names(&round.scope);
    let table = replica_table_queries(&|name| names.contains(name), &round.context(grid.window));
    let range = Evaluation::RangeFrom(from_ms);
    let requests = [
        (Some(queries.states.clone()), range),
        (queries.ready.clone(), range),
        (queries.restarts.clone(), range),
        (queries.failures.clone(), range),
        (table.load, Evaluation::Instant),
        (table.cpu, Evaluation::Instant),
        (table.gpu, Evaluation::Instant),
        (Some(table.engines), Evaluation::Instant),
    ];
    let answers = all(requests.into_iter().map(|(query, evaluation)| ask(query, evaluation).boxed_local())).await;
    let Ok([states, ready, restarts, failures, load, cores, gpu, engines]) = <[_; 8]>::try_from(answers) else {
        return Err(RequestError::Unreachable);
    };
    let table = TableAnswers { load: load?, cores: cores?, gpu: gpu?, engines: engines? };
    Ok(FleetAnswers {
        states: matrix(states?)?,
        failures: matrix(failures?)?,
        ready: matrix(ready?)?,
        restarts: matrix(restarts?)?,
        table,
    })
}

fn matrix(answer: Option<Data>) -> Result<Vec<Series<RangeValues>>, RequestError> {
    match answer {
        Some(Data::Matrix(matrix)) => Ok(matrix),
        None => Ok(Vec::new()),
        Some(_) => Err(RequestError::Foreign("a range query gave something other than a matrix".into())),
    }
}

/// The `old` samples from `start_ms` up to `tail_start_ms`, and the tail.
fn with_tail(
    old: Vec<LabelledSample>,
    tail: Vec<LabelledSample>,
    start_ms: i64,
    tail_start_ms: i64,
) -> Vec<LabelledSample> {
    let kept = old.into_iter().filter(|sample| (start_ms..tail_start_ms).contains(&sample.time_ms));
    kept.chain(tail).collect()
}

/// As many steps as the page has pixels for, and as the number of replicas leaves room for.
fn grid(round: &Round) -> Grid {
    let pixels = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1000.0) as i64;
    let replicas = round.inventory.replicas(&round.scope).len() as i64;
    let steps = (MAX_VALUES / replicas.max(1)).clamp(MIN_STEPS, pixels.clamp(MIN_STEPS, MAX_STEPS));
    Grid::fine(round.range, round.intervals.of_scope(&round.scope), steps)
}
