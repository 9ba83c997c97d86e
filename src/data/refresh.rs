//! One refresh: discovery, which replicas answer, the cards on screen, events and replicas.
use crate::data::discovery::discover::{Discovered, discover};
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::measure::{Measured, add_counts, intervals_at, is_long};
use crate::data::discovery::missing::{TargetFacts, missing_reason};
use crate::data::discovery::model_targets::ModelTargets;
use crate::data::discovery::scrapes::{FailedTargets, MAX_NAMED};
use crate::data::discovery::targets::{Targets, vector};
use crate::data::feed::{CardSlot, Feed};
use crate::data::graph::card_state::Status;
use crate::data::http::client::Backend;
use crate::data::http::error::RequestError;
use crate::data::http::request_limit::all;
use crate::data::http::server_clock::browser_ms;
use crate::data::overview::Overview;
use crate::data::overview::figures::FIGURE_ASKS;
use crate::data::overview::models::{MODEL_ASKS, ModelRow, model_rows};
use crate::data::replicas::queries::grid;
use crate::data::replicas::table_rows::{RangeFigures, TableRows};
use crate::data::round::Round;
use crate::data::young_history;
use crate::state::view::{DEFAULT_RANGE_MS, Range, View};
use crate::wasm_size::spawn::spawn;
use catalogue::{Graph, Scope, ScopeLabels, Window, failures_query, intervals_query};
use futures::FutureExt;
use futures::future::{join, join3};
use leptos::prelude::*;
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
        if self.has_notes.get_untracked() != round.backend.has_notes {
            self.has_notes.set(round.backend.has_notes);
        }
        self.fetch_failed_targets(&round).await;
        self.range.set(round.range);
        // Cards that appear with the inventory refresh themselves.
        let others = async {
            self.refresh_events(&round).await?;
            self.fetch_fleet(&round).await
        };
        let notes = async {
            self.refresh_notes(&round).await;
            Ok(())
        };
        let mut parts = vec![others.boxed_local(), notes.boxed_local()];
        let on_screen = self.slots().into_iter().filter(|slot| slot.is_on_screen);
        parts.extend(on_screen.map(|slot| self.fetch_card(slot, &round).boxed_local()));
        let parts = all(parts.into_iter()).await;
        self.fetch_overview(&round).await;
        self.request_findings();
        self.fit_range(&round);
        parts.into_iter().collect()
    }

    /// Finds the backend, and applies the initial view of `config.json` unless the link has its own.
    async fn find_backend(self) -> Result<Backend, RequestError> {
        let (backend, config) = Backend::find().await?;
        let address = backend.base.contains(':').then(|| backend.base.clone());
        self.state.update_value(|state| {
            state.address = address;
            state.servers = config.servers;
        });
        self.is_demo.set(config.is_demo);
        self.is_open.set(config.is_open);
        self.frame_ancestors.set_value(config.frame_ancestors);
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
        let fitted_range = self.view.with_untracked(young_history::initial);
        self.state.update_value(|state| state.fitted_range = fitted_range);
        Ok(backend)
    }

    /// Learns which series and targets exist. A discovery is repeated early if the targets have changed, and with the
    /// labels of a plain Prometheus if the usual ones name no replica.
    async fn begin_round(self, mut backend: Backend, view: &View) -> Result<Round, RequestError> {
        let (last, mut targets) = self
            .state
            .try_update_value(|state| (state.discovered.take(), std::mem::take(&mut state.targets)))
            .unwrap_or_default();
        let mut discovered = self.learn(&backend, view, last.as_ref(), &mut targets).await?;
        if backend.labels == ScopeLabels::default() && discovered.inventory.is_without_replicas() {
            backend.labels = ScopeLabels::of_prometheus();
            discovered = self.learn(&backend, view, None, &mut targets).await?;
        }
        let inventory = Arc::clone(&discovered.inventory);
        // Cards can appear before it is known how to query them.
        if self.inventory.with_untracked(|old| old.as_ref() != Some(&inventory)) {
            self.inventory.set(Some(Arc::clone(&inventory)));
        }
        let now_ms = self.now_ms();
        let intervals = self.intervals(&backend, view, &targets, &mut discovered, now_ms).await?;
        let mut data_start =
            self.state.try_update_value(|state| std::mem::take(&mut state.data_start)).unwrap_or_default();
        let round = Round::new(backend, inventory, intervals, view, now_ms);
        let is_first = self.round().is_none();
        let counting = async { if is_first { round.backend.find_counting().await } else { round.backend.counting } };
        let (start, counting) = join(round.find_data_start(&mut data_start), counting).await;
        let round = round.with_facts(start, counting);
        self.count_replicas(&targets, &round);
        self.state.update_value(|state| {
            state.discovered = Some(discovered);
            state.targets = targets;
            state.data_start = data_start;
            state.has_intervals |= !round.intervals.is_empty();
        });
        Ok(round)
    }

    /// Queries the targets and, if the last discovery is no longer valid, what exists and how often targets are scraped.
    async fn learn(
        self,
        backend: &Backend,
        view: &View,
        last: Option<&Discovered>,
        targets: &mut Targets,
    ) -> Result<Discovered, RequestError> {
        let valid = last.filter(|last| last.is_valid(view.range));
        let discovered = async {
            match valid {
                Some(last) => Ok(last.clone()),
                None => self.discover(backend, view.range, last).await,
            }
        };
        let has_intervals = self.state.with_value(|state| state.has_intervals);
        let intervals = async {
            if has_intervals && valid.is_some() {
                None
            } else {
                Some(backend.instant(intervals_query(&backend.labels), None).await)
            }
        };
        let shortest_ms =
            self.round().map(|round| round.intervals.of_scope(&view.scope)).unwrap_or_default().shortest_ms;
        let changed = targets.refresh(backend, &view.scope, shortest_ms);
        let (discovered, intervals, changed) = join3(discovered, intervals, changed).await;
        changed?;
        let mut discovered = discovered?;
        if discovered.targets.is_some_and(|revision| revision != targets.revision) {
            discovered = self.discover(backend, view.range, None).await?;
        }
        discovered.targets = Some(targets.revision);
        if let Some(Ok(answer)) = intervals {
            let old = self.state.with_value(|state| state.measured.clone());
            let measured = Measured::new(backend, targets, vector(answer), &old, None).await?;
            self.state.update_value(|state| state.measured = measured);
        }
        Ok(discovered)
    }

    /// How often the targets in scope are scraped, in the visible range.
    async fn intervals(
        self,
        backend: &Backend,
        view: &View,
        targets: &Targets,
        discovered: &mut Discovered,
        now_ms: i64,
    ) -> Result<Arc<Intervals>, RequestError> {
        let range = view.range.resolve(now_ms);
        let is_live = matches!(view.range, Range::Last(_));
        let mut intervals = match (is_live, &discovered.counted) {
            (true, _) => self.state.with_value(|state| state.measured.intervals(backend, targets, is_long(range))),
            (false, Some(counted)) => return Ok(Arc::clone(counted)),
            (false, None) => intervals_at(backend, &view.scope, range).await?,
        };
        if let Some(counted) = &discovered.counted {
            return Ok(Arc::new(intervals.with_counts_of(counted)));
        }
        add_counts(&mut intervals, backend, &discovered.inventory, &view.scope, range).await?;
        let intervals = Arc::new(intervals);
        discovered.counted = Some(Arc::clone(&intervals));
        Ok(intervals)
    }

    /// Discovers which series exist, and takes over what else the answer says.
    async fn discover(
        self,
        backend: &Backend,
        range: Range,
        last: Option<&Discovered>,
    ) -> Result<Discovered, RequestError> {
        let discovered = discover(backend, range, self.now_ms(), last).await?;
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

    fn count_replicas(self, targets: &Targets, round: &Round) {
        let Round { inventory, scope, backend, intervals, .. } = round;
        let of_models = ModelTargets::new(inventory, scope);
        let count = targets.count_replicas(&of_models, &backend.labels, scope, intervals);
        if self.replica_count.get_untracked() != count {
            self.replica_count.set(count);
        }
    }

    /// Queries which targets fail, if any scrape has failed in the range.
    async fn fetch_failed_targets(self, round: &Round) {
        let names = round.names(&round.scope);
        let window = Window::sliding(round.intervals.of_scope(&round.scope).longest_ms);
        let query = failures_query(&|name: &str| names.contains(name), &round.context(window), MAX_NAMED);
        let mut failed = FailedTargets::default();
        // Reasons are an extra: without them the page still says that replicas do not answer.
        if let Some(query) = query
            && let Ok(answer) = round.backend.instant(query, round.end_ms()).await
        {
            failed = FailedTargets::new(&answer);
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
        let history = self.state.with_value(|state| state.event_history.clone());
        let Some((history, events)) = history.continued(round).await? else { return Ok(()) };
        if self.is_current(round) {
            self.state.update_value(|state| state.event_history = history);
            if self.events.with_untracked(|old| *old != events) {
                self.events.set(events);
            }
        }
        Ok(())
    }

    /// Refreshes the replicas. They show a refusal themselves; the caller reports a lost connection.
    pub(crate) async fn fetch_fleet(self, round: &Round) -> Result<(), RequestError> {
        if !self.state.with_value(|state| state.is_fleet_watched) {
            return Ok(());
        }
        let (history, limit) = self.state.with_value(|state| (state.history.clone(), state.limit.clone()));
        let rows = self.table_rows(round);
        let result = history.continued(round, &self.events.get_untracked(), &rows, &limit).await;
        if !self.is_current(round) {
            return Ok(());
        }
        match result {
            Ok((history, fleet)) => {
                self.state.update_value(|state| state.history = history);
                self.fleet.set(Some(Arc::new(fleet)));
                self.request_figures();
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

    /// Refreshes what is shown at a glance: the table of models, and the key figures.
    pub(crate) async fn fetch_overview(self, round: &Round) {
        let (are_models, are_figures, limit, old) = self.state.with_value(|state| {
            (state.are_models_watched, state.are_figures_watched, state.limit.clone(), state.models.clone())
        });
        if are_figures {
            let old = self.figures.get_untracked();
            let figures = Overview::continued(old.as_deref(), round, &FIGURE_ASKS, false, &limit).await;
            if self.is_current(round) {
                self.figures.set(Some(Arc::new(figures)));
            }
        }
        if are_models {
            let overview = Overview::continued(old.as_ref(), round, &MODEL_ASKS, true, &limit).await;
            if self.is_current(round) {
                self.models.set(Some(Arc::new(self.model_rows(&overview, round))));
                self.state.update_value(|state| state.models = Some(overview));
            }
        }
    }

    /// A row for each model, and for what names none.
    fn model_rows(self, overview: &Overview, round: &Round) -> Vec<ModelRow> {
        let Round { inventory, scope, backend, intervals, .. } = round;
        let of_models = ModelTargets::new(inventory, scope);
        let facts = (&**inventory, &**intervals);
        let counts =
            self.state.with_value(|state| state.targets.count_by_model(&of_models, &backend.labels, scope, facts));
        let mut models: Vec<String> = inventory.models().into_iter().map(str::to_owned).collect();
        if inventory.has_unnamed() {
            models.push(String::new());
        }
        model_rows(overview, &counts, &models)
    }

    /// The rows of the table whose figures a refresh queries.
    fn table_rows(self, round: &Round) -> TableRows {
        let sort_key = self.view.with_untracked(|view| view.replica_table.sort_key);
        self.state.with_value(|state| TableRows::on_screen(&state.shown_rows, sort_key, round))
    }

    /// Sets which replicas have a row on screen.
    pub(crate) fn show_rows(self, replicas: Vec<String>) {
        self.state.update_value(|state| state.shown_rows = replicas);
        self.request_figures();
    }

    /// Queries the figures of the rows on screen that lack them, one request at a time however quickly they change.
    fn request_figures(self) {
        let begins = self.state.try_update_value(|state| !std::mem::replace(&mut state.is_fetching_figures, true));
        if begins == Some(true) {
            spawn(async move {
                while self.fetch_figures(false).await {}
                self.state.update_value(|state| state.is_fetching_figures = false);
            });
        }
    }

    /// Queries the figures of replicas that lack them: of those on screen, or of all. False if there are none.
    pub(crate) async fn fetch_figures(self, wants_all: bool) -> bool {
        let rows = self.fleet.with_untracked(|fleet| {
            let known = fleet.as_ref()?.figures_of.as_ref()?;
            if wants_all {
                return Some(TableRows::all());
            }
            let mut shown = self.state.with_value(|state| state.shown_rows.clone());
            shown.retain(|replica| !known.contains(replica));
            (!shown.is_empty()).then(|| TableRows::of(shown))
        });
        let (Some(rows), Some(round)) = (rows, self.round()) else { return false };
        let limit = self.state.with_value(|state| state.limit.clone());
        let (figures, _) = rows.figures(&round, grid(&round).window, &limit, &RangeFigures::default()).await;
        if !self.is_current(&round) {
            return false;
        }
        self.fleet.update(|fleet| {
            if let Some(fleet) = fleet {
                Arc::make_mut(fleet).add_figures(&figures, rows.named(), &round.backend.labels.replica);
            }
        });
        true
    }

    /// Whether the view still has the scope and range of a round.
    pub(crate) fn is_current(self, round: &Round) -> bool {
        self.view.with_untracked(|view| round.is_of(view))
            && self.state.with_value(|state| state.round.as_ref().is_some_and(|last| last.range == round.range))
    }
}
