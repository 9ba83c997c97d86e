//! The rhythm: when the page asks, for what, and what it makes of silence.
use super::{
    card::{CardState, Round, Status},
    client::{Backend, Failure},
    clock::Clock,
    grid::{Grid, USUAL_INTERVAL_MS, interval_ms},
    inventory::Inventory,
    queue::{MOST_IN_FLIGHT, Queue},
};
use crate::state::view::{Range, View};
use catalogue::{Ask, Graph, Look, discovery_query, interval_query, start_times_query};
use futures::future::{join, join_all};
use gloo_timers::callback::Interval;
use leptos::{prelude::*, task::spawn_local};
use promapi::Data;
use std::{collections::BTreeMap, sync::Arc};

/// How often the page looks whether a refresh is due.
const LOOK_MS: u32 = 250;

/// Discovery looks back at least this far, so that a short range still finds what is scraped rarely.
const SHORTEST_SPAN_MS: i64 = 300_000;

/// Whether the server answers; times are the browser's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not asked yet.
    Opening,
    /// It answered at that time.
    Up {
        /// When.
        at_ms: i64,
    },
    /// It does not.
    Down {
        /// Time of its last answer, or of the first try.
        since_ms: i64,
        /// Why.
        why: String,
        /// When it is asked again.
        retry_ms: i64,
    },
}

/// When a process started.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Which replica.
    pub replica: String,
}

/// The page's data, kept fresh.
#[derive(Clone, Copy)]
pub struct Feed {
    view: RwSignal<View>,
    /// What is there; none before the first answer.
    pub inventory: RwSignal<Option<Arc<Inventory>>>,
    /// Whether the server answers.
    pub connection: RwSignal<Connection>,
    /// Start and end of the visible range, Unix milliseconds.
    pub range: RwSignal<(i64, i64)>,
    /// Process starts within it.
    pub starts: RwSignal<Vec<Start>>,
    /// Replicas in scope that answer, and all of them.
    pub answering: RwSignal<(usize, usize)>,
    /// The server's clock.
    pub clock: RwSignal<Clock>,
    inner: StoredValue<Inner, LocalStorage>,
}

#[derive(Clone)]
struct Slot {
    graph: &'static Graph,
    state: ArcRwSignal<CardState>,
    is_on_screen: bool,
}

struct Inner {
    queue: Queue,
    slots: BTreeMap<&'static str, Slot>,
    round: Option<Round>,
    interval_ms: Option<i64>,
    is_running: bool,
    is_wanted: bool,
    due_ms: i64,
    failures: u32,
    look: Option<Interval>,
}

fn browser_ms() -> i64 {
    js_sys::Date::now() as i64
}

impl Feed {
    /// A feed for `view`; it asks nothing before [`Feed::run`].
    pub fn new(view: RwSignal<View>) -> Self {
        let inner = Inner {
            queue: Queue::new(MOST_IN_FLIGHT),
            slots: BTreeMap::new(),
            round: None,
            interval_ms: None,
            is_running: false,
            is_wanted: false,
            due_ms: 0,
            failures: 0,
            look: None,
        };
        Self {
            view,
            inventory: RwSignal::new(None),
            connection: RwSignal::new(Connection::Opening),
            range: RwSignal::new(view.get_untracked().range.resolve(browser_ms())),
            starts: RwSignal::new(Vec::new()),
            answering: RwSignal::new((0, 0)),
            clock: RwSignal::new(Clock::default()),
            inner: StoredValue::new_local(inner),
        }
    }

    /// Asks now, on every tick of auto-refresh while the page is visible, and whenever the view changes.
    pub fn run(self) {
        let asked_for = Memo::new(move |_| self.view.with(|view| (view.scope.clone(), view.range)));
        Effect::new(move |_| {
            asked_for.track();
            self.refresh();
        });
        let rhythm = Memo::new(move |_| self.view.with(|view| view.refresh));
        Effect::new(move |was: Option<()>| {
            rhythm.track();
            if was.is_some() {
                self.inner.update_value(|inner| inner.due_ms = 0);
            }
        });
        let look = Interval::new(LOOK_MS, move || {
            let is_due = self.inner.with_value(|inner| browser_ms() >= inner.due_ms);
            let is_wanted = self.view.with_untracked(|view| view.refresh.is_on)
                || matches!(self.connection.get_untracked(), Connection::Down { .. });
            if is_due && is_wanted && !document().hidden() {
                self.start();
            }
        });
        self.inner.update_value(|inner| inner.look = Some(look));
        on_cleanup(move || self.inner.update_value(|inner| inner.look = None));
    }

    /// Asks as soon as the refresh that may be running is done.
    pub fn refresh(self) {
        self.inner.update_value(|inner| inner.is_wanted = true);
        self.start();
    }

    /// The state of a graph's card.
    pub fn card(self, graph: &'static Graph) -> ArcRwSignal<CardState> {
        if let Some(slot) = self.slot(graph) {
            return slot.state;
        }
        // Cards come and go with their section; their last data stay with the feed, so no component owns them.
        let state = ArcRwSignal::new(CardState::default());
        let slot = Slot { graph, state: state.clone(), is_on_screen: false };
        self.inner.update_value(|inner| {
            inner.slots.insert(graph.id, slot);
        });
        state
    }

    fn slot(self, graph: &Graph) -> Option<Slot> {
        self.inner.with_value(|inner| inner.slots.get(graph.id).cloned())
    }

    fn slots(self) -> Vec<Slot> {
        self.inner.with_value(|inner| inner.slots.values().cloned().collect())
    }

    /// Tells whether a card is on screen: only those are asked for.
    pub fn set_on_screen(self, graph: &'static Graph, is_on_screen: bool) {
        self.inner.update_value(|inner| {
            if let Some(slot) = inner.slots.get_mut(graph.id) {
                slot.is_on_screen = is_on_screen;
            }
        });
        if is_on_screen
            && let Some(round) = self.inner.with_value(|inner| inner.round.clone())
            && let Some(slot) = self.slot(graph)
        {
            let is_behind =
                slot.state.with_untracked(|state| state.drawn.as_ref().is_none_or(|drawn| drawn.range != round.range));
            if is_behind {
                spawn_local(async move {
                    let _ = self.fetch(slot, &round).await;
                });
            }
        }
    }

    fn start(self) {
        let begins = self.inner.try_update_value(|inner| !std::mem::replace(&mut inner.is_running, true));
        if begins != Some(true) {
            return;
        }
        spawn_local(async move {
            loop {
                self.inner.update_value(|inner| inner.is_wanted = false);
                let began_ms = browser_ms();
                let result = self.refresh_once().await;
                self.conclude(result, began_ms);
                if !self.inner.with_value(|inner| inner.is_wanted) {
                    break;
                }
            }
            self.inner.update_value(|inner| inner.is_running = false);
        });
    }

    fn conclude(self, result: Result<(), Failure>, began_ms: i64) {
        let now_ms = browser_ms();
        match result {
            Ok(()) => {
                let every_ms = self.view.with_untracked(|view| view.refresh.interval_ms);
                self.inner.update_value(|inner| (inner.failures, inner.due_ms) = (0, began_ms + every_ms));
                self.connection.set(Connection::Up { at_ms: now_ms });
            }
            Err(failure) => {
                let failures = self.inner.with_value(|inner| inner.failures);
                // 1, 2, 4 … 30 s, scattered so that many pages do not come back at once.
                let longest_ms = 1000.0 * f64::from(1_u32 << failures.min(5)).min(30.0);
                let retry_ms = now_ms + (longest_ms * (0.5 + 0.5 * js_sys::Math::random())) as i64;
                self.inner.update_value(|inner| (inner.failures, inner.due_ms) = (failures + 1, retry_ms));
                let since_ms = match self.connection.get_untracked() {
                    Connection::Opening => began_ms,
                    Connection::Up { at_ms } => at_ms,
                    Connection::Down { since_ms, .. } => since_ms,
                };
                self.age_cards(&failure, since_ms);
                self.connection.set(Connection::Down { since_ms, why: failure.to_string(), retry_ms });
            }
        }
    }

    /// Cards keep their lines and say since when; those that never drew say why.
    fn age_cards(self, failure: &Failure, since_ms: i64) {
        for slot in self.slots() {
            slot.state.update(|state| {
                state.status = match &state.drawn {
                    Some(_) => Status::Stale { since_ms },
                    None => Status::Failed(failure.to_string()),
                };
            });
        }
    }

    async fn refresh_once(self) -> Result<(), Failure> {
        let known = self.inner.with_value(|inner| inner.round.as_ref().map(|round| round.backend.clone()));
        let backend = match known {
            Some(backend) => backend,
            None => Backend::find().await?,
        };
        let view = self.view.get_untracked();
        let is_live = matches!(view.range, Range::Last(_));
        let asked_ms = browser_ms();
        let (_, end_ms) = view.range.resolve(self.server_ms());
        let discovery = discovery_query(&backend.labels, view.range.length_ms().max(SHORTEST_SPAN_MS));
        let recent = interval_query(&view.scope, &backend.labels);
        let (found, scrapes) = join(
            backend.instant(discovery, (!is_live).then_some(end_ms)),
            backend.instant(recent, None),
        )
        .await;
        let (found, scrapes) = (found?, scrapes?);
        let Data::Vector(vector) = found else {
            return Err(Failure::Foreign("discovery gave something other than a vector".into()));
        };
        if let (true, Some(series)) = (is_live, vector.first()) {
            let server_ms = (series.points.value.0 * 1000.0) as i64;
            self.clock.update(|clock| clock.learn(asked_ms, browser_ms(), server_ms));
        }
        let now_ms = self.server_ms();
        let inventory = Arc::new(Inventory::from_vector(&vector, &backend.labels));
        self.learn_scrapes(&scrapes, &backend.labels.replica, now_ms);
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
        if self.inventory.with_untracked(|old| old.as_ref() != Some(&inventory)) {
            self.inventory.set(Some(inventory));
        }
        self.range.set(range);
        let on_screen = self.slots().into_iter().filter(|slot| slot.is_on_screen);
        let cards = join_all(on_screen.map(|slot| self.fetch(slot, &round)));
        let (starts, cards) = join(self.fetch_starts(&round), cards).await;
        cards.into_iter().chain([starts]).collect()
    }

    /// The interval between scrapes, and which replicas answer, from recent samples of `up`.
    fn learn_scrapes(self, scrapes: &Data, replica: &str, now_ms: i64) {
        let Data::Matrix(matrix) = scrapes else { return };
        if let Some(interval_ms) = interval_ms(matrix.iter().map(|series| series.points.values.as_slice())) {
            self.inner.update_value(|inner| inner.interval_ms = Some(interval_ms));
        }
        let patience_ms = self.inner.with_value(|inner| inner.interval_ms).unwrap_or(USUAL_INTERVAL_MS) * 3;
        let replicas = matrix.iter().filter(|series| series.metric.contains_key(replica));
        let current = replicas
            .filter_map(|series| series.points.values.last())
            .filter(|(time_s, _)| now_ms - (time_s * 1000.0) as i64 <= patience_ms);
        let (mut up, mut all) = (0, 0);
        for (_, number) in current {
            all += 1;
            up += usize::from(number.0 == 1.0);
        }
        if self.answering.get_untracked() != (up, all) {
            self.answering.set((up, all));
        }
    }

    /// Brings one card up to date. Refusals stay with the card; silence is the caller's to report.
    async fn fetch(self, slot: Slot, round: &Round) -> Result<(), Failure> {
        let queue = self.inner.with_value(|inner| inner.queue.clone());
        let old = slot.state.with_untracked(|state| state.drawn.clone());
        let result = round.fetch(slot.graph, old, &queue).await;
        let is_current = self.view.with_untracked(|view| view.scope == round.scope)
            && self.inner.with_value(|inner| inner.round.as_ref().is_some_and(|last| last.range == round.range));
        if !is_current {
            return Ok(());
        }
        match result {
            Ok(Some(drawn)) => slot.state.set(CardState { drawn: Some(Arc::new(drawn)), status: Status::Live }),
            Ok(None) => slot.state.update(|state| {
                if state.drawn.is_some() {
                    state.status = Status::Live;
                }
            }),
            Err(failure) if failure.is_connection() => return Err(failure),
            Err(failure) => slot.state.update(|state| state.status = Status::Failed(failure.to_string())),
        }
        Ok(())
    }

    async fn fetch_starts(self, round: &Round) -> Result<(), Failure> {
        let grid = Grid::over(round.range, round.interval_ms, Look::Lines);
        let ask = Ask { scope: &round.scope, labels: &round.backend.labels, window_ms: grid.window_ms };
        let data = round.backend.range(start_times_query(&ask), grid.start_ms, grid.end_ms, grid.step_ms).await;
        let matrix = match data {
            Ok(Data::Matrix(matrix)) => matrix,
            Err(failure) if failure.is_connection() => return Err(failure),
            // Marks are an extra: without them the graphs are still right.
            Ok(_) | Err(_) => return Ok(()),
        };
        let mut starts: Vec<Start> = matrix
            .iter()
            .flat_map(|series| {
                let replica = series.metric.get(&round.backend.labels.replica).cloned().unwrap_or_default();
                let times = series.points.values.iter().map(|(_, number)| (number.0 * 1000.0) as i64);
                times.map(move |time_ms| Start { time_ms, replica: replica.clone() })
            })
            .filter(|start| (round.range.0..=round.range.1).contains(&start.time_ms))
            .collect();
        starts.sort();
        starts.dedup();
        if self.starts.with_untracked(|old| *old != starts) {
            self.starts.set(starts);
        }
        Ok(())
    }

    fn server_ms(self) -> i64 {
        self.clock.with_untracked(|clock| clock.server_ms(browser_ms()))
    }
}
