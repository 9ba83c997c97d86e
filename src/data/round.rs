//! One refresh: what is there, who answers, and the cards on screen.
use crate::data::discovery::inventory::Inventory;
use crate::data::discovery::model_targets::Serving;
use crate::data::graph::grid::{USUAL_INTERVAL_MS, interval_ms};
use crate::data::graph::request::{Round, Status};
use crate::data::http::client::{Backend, Failure};
use crate::data::http::request_limit::all;
use crate::data::refresh_loop::{Feed, Slot, browser_ms};
use crate::data::replicas::intervals::Labels;
use crate::state::view::Range;
use crate::wasm_size::sort::sort_by;
use catalogue::{GPU_FAULTS_QUERY, Scope, ScopeLabels, discovery_query, interval_query};
use futures::FutureExt;
use futures::future::join;
use leptos::prelude::*;
use prometheus_api::Data;
use std::sync::Arc;

/// Discovery looks back at least this far, so that a short range still finds what is scraped rarely.
const SHORTEST_SPAN_MS: i64 = 300_000;

/// What is there is learned anew at least this often; at once when another target answers, or another range is wanted.
const DISCOVER_MS: i64 = 15_000;

/// What a discovery found, and what it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Discovered {
    inventory: Arc<Inventory>,
    range: Range,
    asked_ms: i64,
    /// The labels of the targets that had been scraped then; none before that is known.
    targets: Option<Vec<Labels>>,
}

impl Feed {
    pub(crate) async fn refresh_once(self) -> Result<(), Failure> {
        let known = self.inner.with_value(|inner| inner.round.as_ref().map(|round| round.backend.clone()));
        let mut backend = match known {
            Some(backend) => backend,
            None => self.find_backend().await?,
        };
        let view = self.view.get_untracked();
        let is_live = matches!(view.range, Range::Last(_));
        let recent = backend.instant(interval_query(&view.scope, &backend.labels), None);
        let known = self.inner.with_value(|inner| inner.discovered.clone());
        let known = known.filter(|known| known.range == view.range && browser_ms() - known.asked_ms < DISCOVER_MS);
        let (known, scrapes) = match known {
            Some(known) => (known, recent.await?),
            None => {
                let (found, scrapes) = join(self.discover(&backend, view.range), recent).await;
                (found?, scrapes?)
            }
        };
        let targets = targets(&scrapes);
        let mut discovered = match known.targets {
            Some(own) if own != targets => self.discover(&backend, view.range).await?,
            _ => known,
        };
        if backend.labels == ScopeLabels::default() && discovered.inventory.is_without_replicas() {
            backend.labels = ScopeLabels::of_prometheus();
            discovered = self.discover(&backend, view.range).await?;
        }
        let inventory = Arc::clone(&discovered.inventory);
        self.inner.update_value(|inner| {
            inner.discovered = Some(Discovered { targets: Some(targets), ..discovered });
        });
        let now_ms = self.now_ms();
        self.learn_scrapes(&scrapes, &Serving::new(&inventory, &view.scope), (&backend.labels, &view.scope), now_ms);
        let range = view.range.resolve(now_ms);
        let interval_ms = self.inner.with_value(|inner| inner.interval_ms).unwrap_or(USUAL_INTERVAL_MS);
        let round = Round {
            backend,
            inventory: Arc::clone(&inventory),
            scope: view.scope.clone(),
            range,
            is_live,
            interval_ms,
            now_ms,
        };
        self.inner.update_value(|inner| inner.round = Some(round.clone()));
        self.learn_failures(&round).await;
        if self.inventory.with_untracked(|old| old.as_ref() != Some(&inventory)) {
            self.inventory.set(Some(inventory));
        }
        self.range.set(range);
        // Those that come with the inventory ask by themselves.
        let on_screen = self.slots().into_iter().filter(|slot| slot.is_on_screen);
        let cards = all(on_screen.map(|slot| self.fetch(slot, &round).boxed_local()));
        let marks = async {
            self.fetch_marks(&round).await?;
            self.fetch_fleet(&round).await
        };
        let (marks, cards) = join(marks, cards).await;
        cards.into_iter().chain([marks]).collect()
    }

    /// Asks what is there in a range.
    async fn discover(self, backend: &Backend, range: Range) -> Result<Discovered, Failure> {
        let asked_ms = browser_ms();
        let (_, end_ms) = range.resolve(self.now_ms());
        let is_live = matches!(range, Range::Last(_));
        let query = discovery_query(&backend.labels, range.length_ms().max(SHORTEST_SPAN_MS));
        let time_ms = (!is_live).then_some(end_ms);
        let faults = backend.instant(GPU_FAULTS_QUERY.to_owned(), time_ms);
        let (found, faults) = join(backend.instant(query, time_ms), faults).await;
        self.learn_gpu_faults(faults.ok());
        let Data::Vector(vector) = found? else {
            return Err(Failure::Foreign("discovery gave something other than a vector".into()));
        };
        if let (true, Some(series)) = (is_live, vector.first()) {
            let server_ms = (series.samples.value.0 * 1000.0) as i64;
            self.clock.update(|clock| clock.learn(asked_ms, browser_ms(), server_ms));
        }
        let inventory = Arc::new(Inventory::from_vector(&vector, &backend.labels));
        Ok(Discovered { inventory, range, asked_ms, targets: None })
    }

    /// The interval between scrapes, and which replicas answer, from recent samples of `up`.
    fn learn_scrapes(self, scrapes: &Data, serving: &Serving<'_>, (names, scope): (&ScopeLabels, &Scope), now_ms: i64) {
        let Data::Matrix(matrix) = scrapes else { return };
        if let Some(interval_ms) = interval_ms(matrix.iter().map(|series| series.samples.values.as_slice())) {
            self.inner.update_value(|inner| inner.interval_ms = Some(interval_ms));
        }
        let patience_ms = self.inner.with_value(|inner| inner.interval_ms).unwrap_or(USUAL_INTERVAL_MS) * 3;
        let (mut up, mut all) = (0, 0);
        for series in matrix {
            let Some((time_s, number)) = series.samples.values.last() else { continue };
            let is_up = number.0 == 1.0;
            if now_ms - (time_s * 1000.0) as i64 <= patience_ms && serving.counts(&series.metric, is_up, names, scope) {
                all += 1;
                up += usize::from(is_up);
            }
        }
        if self.answering.get_untracked() != (up, all) {
            self.answering.set((up, all));
        }
    }

    /// Brings one card up to date. Refusals stay with the card; silence is the caller's to report.
    pub(crate) async fn fetch(self, slot: Slot, round: &Round) -> Result<(), Failure> {
        let queue = self.inner.with_value(|inner| inner.queue.clone());
        let old = slot.state.with_untracked(|state| state.drawn.clone());
        let chosen = || self.view.with_untracked(|view| view.chosen.of(slot.graph));
        let choices = chosen();
        let result = round.fetch(slot.graph, &choices, old, &queue).await;
        // An answer to what is no longer asked for would undo the one that is.
        if !self.is_current(round) || chosen().asked_for() != choices.asked_for() {
            return Ok(());
        }
        match result {
            Ok(drawn) => {
                let why = if drawn.is_some() { None } else { self.absence(slot.graph, round) };
                slot.state.update(|state| state.take(drawn, why));
            }
            Err(failure) if failure.is_connection() => return Err(failure),
            Err(failure) => slot.state.update(|state| state.status = Status::Failed(failure.to_string())),
        }
        Ok(())
    }

    /// Whether that is still what is asked for.
    pub(crate) fn is_current(self, round: &Round) -> bool {
        self.view.with_untracked(|view| view.scope == round.scope)
            && self.inner.with_value(|inner| inner.round.as_ref().is_some_and(|last| last.range == round.range))
    }
}

/// The labels of the targets with recent samples of `up`, in order.
fn targets(scrapes: &Data) -> Vec<Labels> {
    let Data::Matrix(matrix) = scrapes else { return Vec::new() };
    let mut targets: Vec<Labels> = matrix.iter().map(|series| series.metric.clone()).collect();
    sort_by(&mut targets, Labels::cmp);
    targets
}
