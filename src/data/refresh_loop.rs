//! The rhythm: when the page asks, for what, and what it makes of silence.
use crate::data::discovery::inventory::Inventory;
use crate::data::events::Mark;
use crate::data::graph::request::{CardState, Offers, Round, Status};
use crate::data::http::client::{Backend, Failure, renew_frame};
use crate::data::http::request_limit::{MOST_IN_FLIGHT, Queue};
use crate::data::http::server_clock::Clock;
use crate::data::replicas::fleet::Fleet;
use crate::data::replicas::queries::Timeline;
use crate::data::round::Discovered;
use crate::state::view::{DEFAULT_RANGE_MS, Range, View};
use crate::wasm_size::effect::on_change;
use catalogue::{Graph, Scope};
use gloo_timers::callback::Interval;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::sync::Arc;

/// How often the page looks whether a refresh is due.
const LOOK_MS: u32 = 250;

/// How long the page waits, at first and at most, while the server has not been scraping for two intervals: twice as
/// long each time.
const YOUNG_MS: [i64; 2] = [250, 1000];

/// Whether the server answers; times are by its clock.
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
        /// When it is asked again, by the browser's clock.
        retry_ms: i64,
    },
}

/// The page's data, kept fresh.
#[derive(Clone, Copy)]
pub struct Feed {
    pub(crate) view: RwSignal<View>,
    /// What is there; none before the first answer.
    pub inventory: RwSignal<Option<Arc<Inventory>>>,
    /// Whether the server answers.
    pub connection: RwSignal<Connection>,
    /// Start and end of the visible range, Unix milliseconds.
    pub range: RwSignal<(i64, i64)>,
    /// What happened within it.
    pub marks: RwSignal<Vec<Mark>>,
    /// Replicas in scope that answer, and all of them.
    pub answering: RwSignal<(usize, usize)>,
    /// Why scrapes in scope failed, while some do.
    pub failed: RwSignal<Vec<String>>,
    /// Why GPUs are not measured where the companion runs.
    pub gpu_faults: RwSignal<Vec<String>>,
    /// The server's clock.
    pub clock: RwSignal<Clock>,
    /// The replicas one by one, while somebody watches them; none before the first answer.
    pub fleet: RwSignal<Option<Arc<Fleet>>>,
    /// Whether somebody reads what is shown, so that it should stay.
    is_read: RwSignal<bool>,
    pub(crate) inner: StoredValue<Inner, LocalStorage>,
}

#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) graph: &'static Graph,
    pub(crate) state: ArcRwSignal<CardState>,
    pub(crate) is_on_screen: bool,
}

/// What no component sees.
pub(crate) struct Inner {
    pub(crate) queue: Queue,
    /// One for each graph whose card was ever on the page.
    slots: Vec<Slot>,
    /// What the last refresh had in common for all cards.
    pub(crate) round: Option<Round>,
    /// What is there, as last asked.
    pub(crate) discovered: Option<Discovered>,
    /// What was told of the replicas so far.
    pub(crate) timeline: Timeline,
    /// The scrape interval as measured.
    pub(crate) interval_ms: Option<i64>,
    is_running: bool,
    is_wanted: bool,
    due_ms: i64,
    /// The next wait for a young server.
    young_ms: i64,
    failures: u32,
    look: Option<Interval>,
}

pub(crate) fn browser_ms() -> i64 {
    js_sys::Date::now() as i64
}

impl Feed {
    /// A feed for `view`; it asks nothing before [`Feed::run`], and nothing by itself while `is_read`.
    pub fn new(view: RwSignal<View>, is_read: RwSignal<bool>) -> Self {
        let inner = Inner {
            queue: Queue::new(MOST_IN_FLIGHT),
            slots: Vec::new(),
            round: None,
            discovered: None,
            timeline: Timeline::default(),
            interval_ms: None,
            is_running: false,
            is_wanted: false,
            due_ms: 0,
            young_ms: YOUNG_MS[0],
            failures: 0,
            look: None,
        };
        Self {
            view,
            inventory: RwSignal::new(None),
            connection: RwSignal::new(Connection::Opening),
            range: RwSignal::new(view.get_untracked().range.resolve(browser_ms())),
            marks: RwSignal::new(Vec::new()),
            answering: RwSignal::new((0, 0)),
            failed: RwSignal::new(Vec::new()),
            gpu_faults: RwSignal::new(Vec::new()),
            clock: RwSignal::new(Clock::default()),
            fleet: RwSignal::new(None),
            is_read,
            inner: StoredValue::new_local(inner),
        }
    }

    /// The time now, by the server's clock.
    pub fn now_ms(self) -> i64 {
        self.clock.with_untracked(|clock| clock.server_ms(browser_ms()))
    }

    /// Asks now, on every tick of auto-refresh while the page is visible, and whenever the view changes.
    pub fn run(self) {
        self.refresh();
        on_change(move || self.view.with(|view| view.scope.clone()), move || self.forget());
        on_change(move || self.view.with(|view| (view.scope.clone(), view.range)), move || self.refresh());
        let ask_soon = move || self.inner.update_value(|inner| inner.due_ms = 0);
        on_change(move || self.view.with(|view| view.refresh), ask_soon);
        let look = Interval::new(LOOK_MS, move || {
            let is_due = self.inner.with_value(|inner| browser_ms() >= inner.due_ms);
            let is_wanted = self.view.with_untracked(|view| view.refresh.is_on) && !self.is_read.get_untracked()
                || matches!(self.connection.get_untracked(), Connection::Down { .. });
            if is_due && is_wanted && !document().hidden() {
                self.start();
            }
        });
        self.inner.update_value(|inner| inner.look = Some(look));
        on_cleanup(move || self.inner.update_value(|inner| inner.look = None));
    }

    /// Drops what was drawn, which another scope must not seem to have measured.
    fn forget(self) {
        for slot in self.slots() {
            slot.state.set(CardState::default());
        }
        self.marks.set(Vec::new());
        self.fleet.set(None);
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
        self.inner.update_value(|inner| inner.slots.push(slot));
        state
    }

    /// Asks for one card at once, as when its choices have changed.
    pub fn refresh_card(self, graph: &'static Graph) {
        if let Some(round) = self.inner.with_value(|inner| inner.round.clone())
            && let Some(slot) = self.slot(graph)
        {
            spawn_local(async move {
                let _ = self.fetch(slot, &round).await;
            });
        }
    }

    /// What a card can show besides its lines; nothing before the first answer.
    pub fn offers(self, graph: &Graph) -> Offers {
        self.inner.with_value(|inner| inner.round.as_ref().map(|round| round.offers(graph))).unwrap_or_default()
    }

    fn slot(self, graph: &Graph) -> Option<Slot> {
        self.inner.with_value(|inner| inner.slots.iter().find(|slot| slot.graph.id == graph.id).cloned())
    }

    pub(crate) fn slots(self) -> Vec<Slot> {
        self.inner.with_value(|inner| inner.slots.clone())
    }

    /// Tells whether a card is on screen: only those are asked for.
    pub fn set_on_screen(self, graph: &'static Graph, is_on_screen: bool) {
        let comes = self.inner.try_update_value(|inner| {
            let slot = inner.slots.iter_mut().find(|slot| slot.graph.id == graph.id)?;
            let was = std::mem::replace(&mut slot.is_on_screen, is_on_screen);
            (is_on_screen && !was).then(|| slot.clone())
        });
        if let Some(slot) = comes.flatten()
            && let Some(round) = self.inner.with_value(|inner| inner.round.clone())
        {
            let is_behind =
                slot.state.with_untracked(|state| state.drawn.as_ref().is_none_or(|drawn| drawn.range != round.range));
            if is_behind {
                self.refresh_card(graph);
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

    /// Finds the backend, and begins where its file says unless the link does.
    pub(crate) async fn find_backend(self) -> Result<Backend, Failure> {
        let (backend, start) = Backend::find().await?;
        let mut view = self.view.get_untracked();
        if view.scope == Scope::default() {
            view.scope = start.scope;
        }
        if let (Range::Last(DEFAULT_RANGE_MS), Some(range)) = (view.range, start.range) {
            view.range = range;
        }
        if view != self.view.get_untracked() {
            self.view.set(view);
        }
        Ok(backend)
    }

    fn conclude(self, result: Result<(), Failure>, began_ms: i64) {
        let now_ms = browser_ms();
        match result {
            Ok(()) => {
                let every_ms = self.view.with_untracked(|view| view.refresh.interval_ms);
                self.inner.update_value(|inner| {
                    // A server that has just started has more to show with every scrape.
                    let wait_ms = if inner.interval_ms.is_none() { every_ms.min(inner.young_ms) } else { every_ms };
                    inner.young_ms = (2 * inner.young_ms).min(YOUNG_MS[1]);
                    (inner.failures, inner.due_ms) = (0, began_ms + wait_ms);
                });
                self.connection.set(Connection::Up { at_ms: self.now_ms() });
            }
            Err(failure) => {
                if self.inventory.with_untracked(Option::is_some) {
                    spawn_local(renew_frame());
                }
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
}
