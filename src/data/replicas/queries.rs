//! Keeping the timeline of replicas fresh: its range queries, continued by their tails, and the table's instant ones.
use crate::data::discovery::model_targets::Serving;
use crate::data::events::Happening;
use crate::data::graph::grid::{fine_step_ms, window_ms};
use crate::data::graph::request::Round;
use crate::data::http::client::Failure;
use crate::data::http::request_limit::all;
use crate::data::refresh_loop::Feed;
use crate::data::replicas::fleet::{Fleet, Seen, replicas, with_details, with_starts};
use crate::data::replicas::intervals::{Event, Points, Told, continued, events, told};
use catalogue::contract::ReplicaState::Pending;
use catalogue::{QueryContext, ReplicaQueries, replica_queries, replica_table_queries};
use futures::FutureExt;
use leptos::prelude::*;
use leptos::task::spawn_local;
use prometheus_api::Data;
use std::sync::Arc;

/// Points of all replicas together that one answer holds at most, so that reading it does not stop the page.
const MOST_POINTS: i64 = 90_000;

/// Fewer points than this are asked for only on ranges that have no more.
const LEAST_POINTS: i64 = 120;

/// What was told so far, and for what.
#[derive(Clone, Default)]
pub(crate) struct Timeline {
    is_watched: bool,
    queries: Option<ReplicaQueries>,
    points: Option<Points>,
    told: Vec<Told>,
    ready: Vec<Event>,
    restarts: Vec<Event>,
}

impl Feed {
    /// Tells whether the timeline is on the page: only then it is asked for.
    pub fn watch_fleet(self, is_watched: bool) {
        self.inner.update_value(|inner| inner.timeline.is_watched = is_watched);
        if let Some(round) = self.inner.with_value(|inner| inner.round.clone()).filter(|_| is_watched) {
            spawn_local(async move {
                let _ = self.fetch_fleet(&round).await;
            });
        }
    }

    /// Brings timeline and table up to date. A refusal is told with them; silence is the caller's to report.
    pub(crate) async fn fetch_fleet(self, round: &Round) -> Result<(), Failure> {
        let known = self.inner.with_value(|inner| inner.timeline.clone());
        if !known.is_watched {
            return Ok(());
        }
        let asked = self.ask_fleet(round, known).await;
        if !self.is_current(round) {
            return Ok(());
        }
        match asked {
            Ok((known, fleet)) => {
                self.inner.update_value(|inner| {
                    let is_watched = inner.timeline.is_watched;
                    inner.timeline = Timeline { is_watched, ..known };
                });
                self.fleet.set(Some(Arc::new(fleet)));
            }
            Err(failure) if failure.is_connection() => return Err(failure),
            Err(failure) => self.fleet.update(|fleet| {
                let mut told = fleet.as_deref().cloned().unwrap_or_default();
                told.failure = Some(failure.to_string());
                *fleet = Some(Arc::new(told));
            }),
        }
        Ok(())
    }

    async fn ask_fleet(self, round: &Round, old: Timeline) -> Result<(Timeline, Fleet), Failure> {
        let names = round.inventory.present(&round.scope);
        let present = |name: &str| names.contains(name);
        let points = points(round, round.inventory.replicas(&round.scope).len());
        let ask = QueryContext { scope: &round.scope, labels: &round.backend.labels, window_ms: points.window_ms };
        let range = round.range;
        let Some(queries) = replica_queries(&present, &ask, points.step_ms) else {
            return Ok((Timeline::default(), Fleet { range, step_ms: points.step_ms, ..Fleet::default() }));
        };
        // What is known reaches into the new range, and back to its start.
        let reaches = |known: &Points| {
            known.step_ms == points.step_ms && known.start_ms <= points.start_ms && known.end_ms >= points.start_ms
        };
        let same = old.queries.as_ref() == Some(&queries);
        let start_ms = match old.points.filter(|known| same && reaches(known)) {
            // Points whose window, or the lookback of a late scrape, can have changed since.
            Some(known) => {
                let redone_ms = (points.window_ms / points.step_ms + 1) * points.step_ms;
                (known.end_ms.min(points.end_ms) - redone_ms).max(points.start_ms)
            }
            None => i64::MIN,
        };
        let from_ms = start_ms.max(points.start_ms);
        let ask_one = async |(query, is_range): (Option<String>, bool)| -> Result<Option<Data>, Failure> {
            let Some(query) = query else { return Ok(None) };
            let queue = self.inner.with_value(|inner| inner.queue.clone());
            let _permit = queue.permit().await;
            if is_range {
                return round.backend.range(query, from_ms, points.end_ms, points.step_ms).await.map(Some);
            }
            // The table's figures are an extra: without them the states are still right.
            Ok(round.backend.instant(query, round.end_ms()).await.ok())
        };
        let table = replica_table_queries(&present, &ask);
        let [load, cores, gpu, engines] =
            [table.load, table.cpu, table.gpu, Some(table.engines)].map(|query| (query, false));
        let ranges = [Some(queries.states.clone()), queries.ready.clone(), queries.restarts.clone()];
        let [states, ready, again] = ranges.map(|query| (query, true));
        let asked = [states, ready, again, load, cores, gpu, engines].into_iter();
        let mut answers = all(asked.map(|one| ask_one(one).boxed_local())).await.into_iter();
        let mut next = || match answers.next().transpose()?.flatten() {
            Some(Data::Matrix(matrix)) => Ok(matrix),
            None => Ok(Vec::new()),
            Some(_) => Err(Failure::Foreign("a range query gave something other than a matrix".into())),
        };
        let (states, ready, again) = (told(&next()?, points.step_ms), events(&next()?), events(&next()?));
        let known = if start_ms == i64::MIN { Timeline::default() } else { old };
        let tail = |old: Vec<Event>, fresh: Vec<Event>| {
            let kept = old.into_iter().filter(|one| (points.start_ms..start_ms).contains(&one.time_ms));
            kept.chain(fresh).collect::<Vec<_>>()
        };
        let known = Timeline {
            is_watched: true,
            told: continued(&known.told, states, start_ms, points),
            ready: tail(known.ready, ready),
            restarts: tail(known.restarts, again),
            points: Some(points),
            queries: Some(queries),
        };
        let seen = Seen { told: &known.told, ready: &known.ready, restarts: &known.restarts, points, range };
        let serving = Serving::new(&round.inventory, &round.scope);
        let silent = serving.silent(&known.told, &round.backend.labels);
        let serves = |replica: &str| serving.has(replica) || silent.contains(replica);
        let mut replicas = replicas(&seen, &round.scope, &round.backend.labels, &serves);
        if serving.is_needed() {
            replicas.retain(|one| serves(&one.replica) || one.spans.iter().any(|span| span.state == Pending));
        }
        if known.queries.as_ref().is_some_and(|queries| queries.restarts.is_none()) {
            let marks = self.marks.get_untracked();
            let starts = marks.iter().filter(|mark| mark.happening == Happening::Started);
            let starts: Vec<(i64, &str)> = starts.map(|start| (start.time_ms, start.name.as_str())).collect();
            with_starts(&mut replicas, &starts);
        }
        let details = std::array::from_fn(|_| answers.next().and_then(Result::ok).flatten());
        with_details(&mut replicas, details, &round.backend.labels.replica);
        for replica in replicas.iter_mut().filter(|replica| replica.engine.is_empty()) {
            replica.engine = serving.engines(&replica.replica);
        }
        let replicas = replicas.into_iter().map(Arc::new).collect();
        let query = known.queries.as_ref().map(|queries| queries.states.clone()).unwrap_or_default();
        Ok((known, Fleet { replicas, range, step_ms: points.step_ms, query, failure: None }))
    }
}

/// As many points as the page has pixels for, and as the number of replicas leaves room for.
fn points(round: &Round, replicas: usize) -> Points {
    let pixels = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1000.0) as i64;
    let room = MOST_POINTS / (replicas as i64).max(1);
    let count = room.clamp(LEAST_POINTS, pixels.clamp(LEAST_POINTS, 1600));
    let step_ms = fine_step_ms(round.range.1 - round.range.0, round.interval_ms, count);
    Points {
        start_ms: round.range.0.div_euclid(step_ms) * step_ms,
        end_ms: (round.range.1 + step_ms - 1).div_euclid(step_ms) * step_ms,
        step_ms,
        window_ms: window_ms(step_ms, round.interval_ms),
    }
}
