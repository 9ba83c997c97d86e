//! One refresh: discovery, which replicas answer, the cards on screen, events and replicas.
use crate::data::discovery::discover::{Discovered, discover};
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::measure::{add_counts, intervals_at};
use crate::data::discovery::missing::{TargetFacts, missing_reason};
use crate::data::discovery::model_targets::ModelTargets;
use crate::data::discovery::scrapes::{count_replicas, failed_targets, series, targets};
use crate::data::events::fetch_events;
use crate::data::feed::{CardSlot, Feed};
use crate::data::graph::card_state::Status;
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::all;
use crate::data::http::server_clock::browser_ms;
use crate::data::round::Round;
use crate::state::view::{DEFAULT_RANGE_MS, Range, View};
use catalogue::{Graph, Scope, ScopeLabels, Window, failures_query, interval_query};
use futures::FutureExt;
use futures::future::join;
use leptos::prelude::*;
use prometheus_api::{RangeValues, Series};
use std::sync::Arc;

impl Feed {
    /// Queries everything on screen once.
    pub(crate) async fn refresh_once(self) -> Result<(), RequestError> {
        let backend = match self.round() {
            Some(round) => round.backend,
            None => self.find_backend().await?,
        };
        let view = self.view.get_untracked();
        let round = self.begin_round(backend, &view).await?;
        self.state.update_value(|state| state.round = Some(round.clone()));
        self.fetch_failed_targets(&round).await;
        self.range.set(round.range);
        // Cards that appear with the inventory refresh themselves.
        let on_screen = self.slots().into_iter().filter(|slot| slot.is_on_screen);
        let cards = all(on_screen.map(|slot| self.fetch_card(slot, &round).boxed_local()));
        let others = async {
            self.refresh_events(&round).await?;
            self.fetch_fleet(&round).await
        };
        let (others, cards) = join(others, cards).await;
        cards.into_iter().chain([others]).collect()
    }

    /// Finds the backend, and applies the initial view of `config.json` unless the link has its own.
    async fn find_backend(self) -> Result<Backend, RequestError> {
        let (backend, config) = Backend::find().await?;
        let mut view = self.view.get_untracked();
        if view.scope == Scope::default() {
            view.scope = config.scope;
        }
        if let (Range::Last(DEFAULT_RANGE_MS), Some(range)) = (view.range, config.range) {
            view.range = range;
        }
        if view != self.view.get_untracked() {
            self.view.set(view);
        }
        Ok(backend)
    }

    /// Learns which series and targets exist. A discovery is repeated early if the targets have changed, and with the
    /// labels of a plain Prometheus if the usual ones name no replica.
    async fn begin_round(self, mut backend: Backend, view: &View) -> Result<Round, RequestError> {
        let scrapes = backend.instant(interval_query(&view.scope, &backend.labels), None);
        let last = self.state.with_value(|state| state.discovered.clone());
        let (known, scrapes) = match last.filter(|last| last.is_valid(view.range)) {
            Some(last) => (last, scrapes.await?),
            None => {
                let (discovered, scrapes) = join(self.discover(&backend, view.range), scrapes).await;
                (discovered?, scrapes?)
            }
        };
        let scrapes = series(&scrapes);
        let targets = targets(scrapes);
        let mut discovered = match &known.targets {
            Some(own) if *own != targets => self.discover(&backend, view.range).await?,
            _ => known,
        };
        if backend.labels == ScopeLabels::default() && discovered.inventory.is_without_replicas() {
            backend.labels = ScopeLabels::of_prometheus();
            discovered = self.discover(&backend, view.range).await?;
        }
        let inventory = Arc::clone(&discovered.inventory);
        // Cards can appear before it is known how to query them.
        if self.inventory.with_untracked(|old| old.as_ref() != Some(&inventory)) {
            self.inventory.set(Some(Arc::clone(&inventory)));
        }
        discovered.targets = Some(targets);
        let now_ms = self.now_ms();
        let intervals = self.measure(&backend, view, scrapes, &mut discovered, now_ms).await?;
        self.state.update_value(|state| {
            state.discovered = Some(discovered);
            state.has_intervals |= !intervals.is_empty();
        });
        if self.round().is_none() {
            backend.counting = backend.find_counting().await;
        }
        let round = Round::new(backend, inventory, Arc::new(intervals), view, now_ms);
        self.count_replicas(scrapes, &round);
        Ok(round)
    }

    /// How often the targets in scope are scraped, in the visible range.
    async fn measure(
        self,
        backend: &Backend,
        view: &View,
        scrapes: &[Series<RangeValues>],
        discovered: &mut Discovered,
        now_ms: i64,
    ) -> Result<Intervals, RequestError> {
        let range = view.range.resolve(now_ms);
        let is_live = matches!(view.range, Range::Last(_));
        let mut intervals = match (is_live, &discovered.counted) {
            (true, _) => Intervals::from_samples(scrapes, &backend.labels),
            (false, Some(counted)) => return Ok(counted.clone()),
            (false, None) => intervals_at(backend, &view.scope, range.end_ms).await?,
        };
        if let Some(counted) = &discovered.counted {
            intervals.merge(counted);
            return Ok(intervals);
        }
        add_counts(&mut intervals, backend, &discovered.inventory, &view.scope, range).await?;
        discovered.counted = Some(intervals.clone());
        Ok(intervals)
    }

    /// Discovers which series exist, and takes over what else the answer says.
    async fn discover(self, backend: &Backend, range: Range) -> Result<Discovered, RequestError> {
        let discovered = discover(backend, range, self.now_ms()).await?;
        if let Some(server_ms) = discovered.server_ms {
            self.clock.update(|clock| clock.add(discovered.asked_ms, browser_ms(), server_ms));
        }
        if let Some(faults) = &discovered.gpu_faults
            && self.gpu_faults.with_untracked(|old| old != faults)
        {
            self.gpu_faults.set(faults.clone());
        }
        Ok(discovered)
    }

    fn count_replicas(self, scrapes: &[Series<RangeValues>], round: &Round) {
        let Round { inventory, scope, backend, intervals, now_ms, .. } = round;
        let targets = ModelTargets::new(inventory, scope);
        let count = count_replicas(scrapes, &targets, &backend.labels, scope, intervals, *now_ms);
        if self.replica_count.get_untracked() != count {
            self.replica_count.set(count);
        }
    }

    /// Queries which targets fail, if any scrape has failed in the range.
    async fn fetch_failed_targets(self, round: &Round) {
        let names = round.names(&round.scope);
        let window = Window::sliding(round.intervals.of_scope(&round.scope).longest_ms);
        let query = failures_query(&|name: &str| names.contains(name), &round.context(window));
        let mut failed = Vec::new();
        // Reasons are an extra: without them the page still says that replicas do not answer.
        if let Some(query) = query
            && let Ok(answer) = round.backend.instant(query, round.end_ms()).await
        {
            failed = failed_targets(&answer);
        }
        if self.failed_targets.with_untracked(|old| *old != failed) {
            self.failed_targets.set(failed);
        }
    }

    /// Refreshes one card. The card itself shows a refusal; the caller reports a lost connection.
    pub(crate) async fn fetch_card(self, slot: CardSlot, round: &Round) -> Result<(), RequestError> {
        let limit = self.state.with_value(|state| state.limit.clone());
        let old = slot.state.with_untracked(|card| card.data.clone());
        let options = || self.view.with_untracked(|view| view.card_options.of(slot.graph));
        let requested = options();
        let result = round.fetch_card(slot.graph, &requested, old, &limit).await;
        // An answer to an earlier request must not replace that of a later one.
        if !self.is_current(round) || options().data_options() != requested.data_options() {
            return Ok(());
        }
        match result {
            Ok(data) => {
                let reason = if data.is_some() { None } else { self.missing_reason(slot.graph, round) };
                slot.state.update(|card| card.apply(data, reason));
            }
            Err(error) if error.is_connection() => return Err(error),
            Err(error) => slot.state.update(|card| card.status = Status::Failed(error.to_string())),
        }
        Ok(())
    }

    /// Why a graph has nothing to draw; none if its metrics exist.
    fn missing_reason(self, graph: &Graph, round: &Round) -> Option<String> {
        let facts = TargetFacts {
            replica_count: self.replica_count.get_untracked(),
            failed_targets: self.failed_targets.get_untracked(),
            gpu_faults: self.gpu_faults.get_untracked(),
        };
        missing_reason(graph, &round.inventory.present(&round.scope), &facts)
    }

    async fn refresh_events(self, round: &Round) -> Result<(), RequestError> {
        if let Some(events) = fetch_events(round).await?
            && self.is_current(round)
            && self.events.with_untracked(|old| *old != events)
        {
            self.events.set(events);
        }
        Ok(())
    }

    /// Refreshes the replicas. They show a refusal themselves; the caller reports a lost connection.
    pub(crate) async fn fetch_fleet(self, round: &Round) -> Result<(), RequestError> {
        if !self.state.with_value(|state| state.is_fleet_watched) {
            return Ok(());
        }
        let (history, limit) = self.state.with_value(|state| (state.history.clone(), state.limit.clone()));
        let result = history.continued(round, &self.events.get_untracked(), &limit).await;
        if !self.is_current(round) {
            return Ok(());
        }
        match result {
            Ok((history, fleet)) => {
                self.state.update_value(|state| state.history = history);
                self.fleet.set(Some(Arc::new(fleet)));
            }
            Err(error) if error.is_connection() => return Err(error),
            Err(error) => self.fleet.update(|fleet| {
                let mut failed = fleet.as_deref().cloned().unwrap_or_default();
                failed.failure = Some(error.to_string());
                *fleet = Some(Arc::new(failed));
            }),
        }
        Ok(())
    }

    /// Whether the view still has the scope and range of a round.
    fn is_current(self, round: &Round) -> bool {
        self.view.with_untracked(|view| round.is_of(view))
            && self.state.with_value(|state| state.round.as_ref().is_some_and(|last| last.range == round.range))
    }
}
