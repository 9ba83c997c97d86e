//! Queries the replicas: their states over the range, continued by what changes, and the figures of the table.
use crate::data::discovery::model_targets::ModelTargets;
use crate::data::events::{Event, EventKind};
use crate::data::graph::grid::Grid;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::{RequestLimit, all};
use crate::data::replicas::fleet::{
    Fleet, ProcessStart, Replica, StateHistory, TableFigures, replicas, silent_replicas, with_engines, with_starts,
};
use crate::data::replicas::intervals::{LabelledSample, samples};
use crate::data::replicas::state_log::StateLog;
use crate::data::replicas::table_rows::{RangeFigures, TableRows};
use crate::data::round::Round;
use catalogue::contract::ReplicaState::Pending;
use catalogue::{ChangingQuery, ReplicaQueries, replica_queries};
use futures::FutureExt;
use futures::future::join3;
use leptos::prelude::window;
use prometheus_api::{Data, RangeValues, Series};
use std::sync::Arc;

/// The moments at which a server looks at the states of all replicas together. The answer has only what changes.
const MAX_MOMENTS: i64 = 300_000;

/// The steps of a replica's states, whatever the number of pixels and replicas.
const MIN_STEPS: i64 = 120;
const MAX_STEPS: i64 = 1600;

/// If changes were missed, all is queried again, but not more often than this, in milliseconds.
const MIN_WHOLE_DISTANCE_MS: i64 = 60_000;

/// The states that were queried so far, and by which queries.
#[derive(Clone, Default)]
pub(crate) struct ReplicaHistory {
    queries: Option<ReplicaQueries>,
    grid: Option<Grid>,
    /// When all was queried, and not only what has changed; by the server's clock.
    whole_ms: i64,
    states: StateLog,
    failures: StateLog,
    engines: StateLog,
    ready: Vec<LabelledSample>,
    restarts: Vec<LabelledSample>,
    range_figures: RangeFigures,
}

/// How far servers look back for the newest sample of a series, in milliseconds.
const DEFAULT_LOOKBACK_MS: i64 = 300_000;

/// The answers of one round.
struct FleetAnswers {
    states: StateLog,
    failures: StateLog,
    engines: StateLog,
    ready: Vec<Series<RangeValues>>,
    restarts: Vec<Series<RangeValues>>,
    /// Whether the server has no more states than the page.
    is_whole: bool,
    figures: TableFigures,
    range_figures: RangeFigures,
}

/// The requests of one round.
struct FleetRequests<'a> {
    round: &'a Round,
    queries: &'a ReplicaQueries,
    grid: Grid,
    /// The time from which on the answers are missing; none if nothing is known.
    from_ms: Option<i64>,
    limit: &'a RequestLimit,
}

impl ReplicaHistory {
    /// Queries what the history lacks, and the fleet that results, with the figures of the table's `rows`.
    pub(crate) async fn continued(
        self,
        round: &Round,
        events: &[Event],
        rows: &TableRows,
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
        let old = if old_grid.is_some() { self } else { Self::default() };
        let from_ms = old_grid.map(|old| grid.tail_start_ms(old.end_ms.min(grid.end_ms)));
        let requests = FleetRequests { round, queries: &queries, grid, from_ms, limit };
        let mut whole_ms = if from_ms.is_some() { old.whole_ms } else { round.now_ms };
        let mut answers = requests.fetch(&old, rows).await?;
        if !answers.is_whole && round.now_ms - whole_ms > MIN_WHOLE_DISTANCE_MS {
            whole_ms = round.now_ms;
            let figures = Self { range_figures: answers.range_figures, ..Self::default() };
            answers = FleetRequests { from_ms: None, ..requests }.fetch(&figures, rows).await?;
        }
        let tail_ms = from_ms.unwrap_or(grid.start_ms);
        let history = Self {
            ready: with_tail(old.ready, samples(&answers.ready), grid.start_ms, tail_ms),
            restarts: with_tail(old.restarts, samples(&answers.restarts), grid.start_ms, tail_ms),
            states: answers.states,
            failures: answers.failures,
            engines: answers.engines,
            range_figures: answers.range_figures,
            grid: Some(grid),
            queries: None,
            whole_ms,
        };
        let replicas = history.replicas(round, grid, events, queries.restarts.is_some());
        let mut replicas: Vec<Arc<Replica>> = replicas.into_iter().map(Arc::new).collect();
        answers.figures.put(&mut replicas, &round.backend.labels.replica);
        let fleet = Fleet { replicas, query: queries.states.all.clone(), figures_of: rows.named(), ..fleet };
        Ok((Self { queries: Some(queries), ..history }, fleet))
    }

    fn replicas(&self, round: &Round, grid: Grid, events: &[Event], counts_restarts: bool) -> Vec<Replica> {
        let (scope, labels) = (&round.scope, &round.backend.labels);
        let targets = ModelTargets::new(&round.inventory, scope);
        let mut silent = silent_replicas(self.states.series(), &targets, labels);
        if let Some(model) = &scope.model {
            let own = self.states.series().iter();
            let own = own.filter(|one| round.inventory.is_of_model(&one.labels, labels, model));
            silent.extend(own.filter_map(|one| one.labels.get(&labels.replica).cloned()));
        }
        let is_model_target = |replica: &str| targets.contains(replica) || silent.contains(replica);
        let history = StateHistory {
            states: self.states.series(),
            failures: self.failures.series(),
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
        if !counts_restarts {
            let starts = events.iter().filter(|event| event.kind == EventKind::Started);
            let starts: Vec<ProcessStart<'_>> =
                starts.map(|start| ProcessStart { time_ms: start.time_ms, replica: &start.name }).collect();
            with_starts(&mut replicas, &starts);
        }
        with_engines(&mut replicas, self.engines.series(), &labels.replica, grid.end_ms);
        for replica in &mut replicas {
            if replica.engine.is_empty() {
                replica.engine = targets.engines(&replica.replica);
            }
            if replica.model.is_empty() {
                let models = round.inventory.models_of(&replica.address).iter().map(|(_, model)| model.as_str());
                replica.model = models.collect::<Vec<_>>().join(", ");
            }
        }
        replicas
    }
}

impl FleetRequests<'_> {
    /// Runs all queries of the replicas.
    async fn fetch(&self, old: &ReplicaHistory, rows: &TableRows) -> Result<FleetAnswers, RequestError> {
        let ReplicaQueries { states, restarts, ready, failures, engines } = self.queries;
        let failures = async {
            match failures {
                Some(query) => self.log(query, &old.failures).await,
                None => Ok((StateLog::default(), true)),
            }
        };
        let logs = join3(self.log(states, &old.states), failures, self.log(engines, &old.engines));
        let samples = [restarts, ready].map(|query| async move {
            match query {
                Some(query) => matrix(self.range(query, self.from_ms.unwrap_or(self.grid.start_ms)).await?),
                None => Ok(Vec::new()),
            }
        });
        let samples = all(samples.into_iter().map(FutureExt::boxed_local));
        let figures = rows.figures(self.round, self.grid.window, self.limit, &old.range_figures);
        let ((states, failures, engines), samples, (figures, range_figures)) = join3(logs, samples, figures).await;
        let Ok([restarts, ready]) = <[_; 2]>::try_from(samples) else { return Err(RequestError::Unreachable) };
        let ((states, has_states), (failures, has_failures)) = (states?, failures?);
        // Without the engines and the figures the states are still right.
        let (engines, has_engines) = match engines {
            Err(error) if error.is_connection() => return Err(error),
            engines => engines.unwrap_or_else(|_| (StateLog::default(), true)),
        };
        let is_whole = has_states && has_failures && has_engines;
        Ok(FleetAnswers {
            states,
            failures,
            engines,
            ready: ready?,
            restarts: restarts?,
            is_whole,
            figures,
            range_figures,
        })
    }

    /// The log of a query, and whether it has all that the server has.
    async fn log(&self, query: &ChangingQuery, old: &StateLog) -> Result<(StateLog, bool), RequestError> {
        let grid = self.grid;
        let (old, from_ms) = match self.from_ms {
            Some(from_ms) => (old.clone(), from_ms),
            None => {
                let permit = self.limit.permit().await;
                let all = self.round.backend.instant(query.all.clone(), Some(grid.start_ms)).await?;
                drop(permit);
                let Data::Vector(all) = all else { return Err(foreign()) };
                (StateLog::new(&all, grid), grid.start_ms + grid.step_ms)
            }
        };
        let changes = matrix(self.range(&query.changes, from_ms).await?)?;
        let log = old.continued(&changes, from_ms, grid);
        let is_whole = log.is_whole(&changes, grid);
        Ok((log, is_whole))
    }

    async fn range(&self, query: &str, from_ms: i64) -> Result<Data, RequestError> {
        let _permit = self.limit.permit().await;
        let Grid { end_ms, step_ms, window, .. } = self.grid;
        // The last step may end long after the newest samples.
        let lookback_ms = Some(window.length_ms.max(DEFAULT_LOOKBACK_MS));
        let answer = self.round.backend.range_with_notes(query.to_owned(), from_ms, end_ms, step_ms, lookback_ms);
        answer.await.map(|answer| answer.data)
    }
}

fn matrix(answer: Data) -> Result<Vec<Series<RangeValues>>, RequestError> {
    match answer {
        Data::Matrix(matrix) => Ok(matrix),
        _ => Err(foreign()),
    }
}

fn foreign() -> RequestError {
    RequestError::Foreign("a query of the replicas gave another type of result".into())
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
pub(crate) fn grid(round: &Round) -> Grid {
    let pixels = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1000.0) as i64;
    let replicas = round.inventory.replicas(&round.scope).len() as i64;
    let steps = (MAX_MOMENTS / replicas.max(1)).clamp(MIN_STEPS, pixels.clamp(MIN_STEPS, MAX_STEPS));
    Grid::fine(round.range, round.intervals.of_scope(&round.scope), steps)
}
