//! The page's data as signals: what components read, and how they ask for more.
use crate::data::data_start::KnownStart;
use crate::data::discovery::discover::Discovered;
use crate::data::discovery::inventory::Inventory;
use crate::data::discovery::measure::Measured;
use crate::data::discovery::missing::{TargetFacts, missing_reason};
use crate::data::discovery::scrapes::{FailedTargets, ReplicaCount};
use crate::data::discovery::targets::Targets;
use crate::data::events::{Event, EventHistory};
use crate::data::findings::Findings;
use crate::data::graph::card_state::{AvailableOptions, CardState};
use crate::data::http::client::Backend;
use crate::data::http::request_limit::{MAX_IN_FLIGHT, RequestLimit};
use crate::data::http::server_clock::{ServerClock, browser_ms};
use crate::data::notes::Note;
use crate::data::overview::Overview;
use crate::data::overview::models::ModelRow;
use crate::data::replicas::fleet::Fleet;
use crate::data::replicas::queries::ReplicaHistory;
use crate::data::round::Round;
use crate::state::time_range::TimeRange;
use crate::state::view::{Range, View};
use crate::wasm_size::spawn::spawn;
use catalogue::{GRAPHS, Graph, Section};
use gloo_timers::callback::Interval;
use leptos::prelude::*;
use serde_json::Value;
use std::sync::Arc;

/// Whether the server answers; times are by its clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// No answer yet.
    Opening,
    /// The last request was answered.
    Up {
        /// When.
        at_ms: i64,
    },
    /// The last request failed.
    Down {
        /// Time of the last answer, or of the first attempt.
        since_ms: i64,
        /// The reason.
        why: String,
        /// Time of the next attempt, by the browser's clock.
        retry_ms: i64,
    },
}

/// The page's data, kept current.
#[derive(Clone, Copy)]
pub struct Feed {
    pub(crate) view: RwSignal<View>,
    /// Which series exist; none before the first answer.
    pub inventory: RwSignal<Option<Arc<Inventory>>>,
    /// Whether the server answers.
    pub connection: RwSignal<Connection>,
    /// Whether what the server has is simulated.
    pub is_demo: RwSignal<bool>,
    /// Whether everyone on a network can read, and nobody has dismissed the word about it.
    pub(crate) is_open: RwSignal<bool>,
    /// Who may embed the page; none if that is not known.
    pub(crate) frame_ancestors: StoredValue<Option<Vec<String>>>,
    /// The visible range.
    pub range: RwSignal<TimeRange>,
    /// The events within the range.
    pub events: RwSignal<Vec<Event>>,
    /// Whether the server keeps notes and layouts.
    pub(crate) has_notes: RwSignal<bool>,
    /// How often the notes have changed.
    notes_changes: RwSignal<usize>,
    /// How many replicas in scope answer.
    pub replica_count: RwSignal<ReplicaCount>,
    /// The targets in scope whose scrapes fail.
    pub failed_targets: RwSignal<FailedTargets>,
    /// Why GPUs are not measured on the companion's machine.
    pub gpu_faults: RwSignal<Vec<String>>,
    /// The server's clock.
    pub clock: RwSignal<ServerClock>,
    /// The replicas in scope, while their section is open; none before the first answer.
    pub fleet: RwSignal<Option<Arc<Fleet>>>,
    /// The rows of the table of models, while it is open; none before the first answer.
    pub models: RwSignal<Option<Arc<Vec<ModelRow>>>>,
    /// The key figures of the scope, while they are on the page; none before the first answer.
    pub(crate) figures: RwSignal<Option<Arc<Overview>>>,
    /// What was found about the model in scope; none before the first answer.
    pub(crate) findings: RwSignal<Option<Findings>>,
    /// Whether auto-refresh pauses because someone reads pinned values.
    pub(crate) is_paused: RwSignal<bool>,
    pub(crate) state: StoredValue<FeedState, LocalStorage>,
}

/// The state of one graph's card.
#[derive(Clone)]
pub(crate) struct CardSlot {
    pub(crate) graph: &'static Graph,
    pub(crate) state: ArcRwSignal<CardState>,
    pub(crate) is_on_screen: bool,
}

/// What the feed remembers between requests, and no component reads.
pub(crate) struct FeedState {
    pub(crate) limit: RequestLimit,
    /// The server's address, if it is not that of the page.
    pub(crate) address: Option<String>,
    /// The servers that have a page: a list of pairs, name and address.
    pub(crate) servers: Value,
    /// One for each graph whose card was ever on the page.
    pub(crate) slots: Vec<CardSlot>,
    /// The last round.
    pub(crate) round: Option<Round>,
    /// The last discovery.
    pub(crate) discovered: Option<Discovered>,
    /// The targets in scope, and how often they are scraped.
    pub(crate) targets: Targets,
    pub(crate) measured: Measured,
    /// The notes of the range, and some before it.
    notes: Vec<Note>,
    /// The events that were queried so far.
    pub(crate) event_history: EventHistory,
    /// The states of replicas that were queried so far.
    pub(crate) history: ReplicaHistory,
    /// The figures of all models that were queried so far.
    pub(crate) models: Option<Overview>,
    pub(crate) are_models_watched: bool,
    pub(crate) are_figures_watched: bool,
    /// Whether the section of replicas is open.
    pub(crate) is_fleet_watched: bool,
    /// The replicas whose rows the table shows.
    pub(crate) shown_rows: Vec<String>,
    pub(crate) is_fetching_figures: bool,
    pub(crate) is_fetching_findings: bool,
    pub(crate) data_start: KnownStart,
    /// Whether a scrape interval has been measured.
    pub(crate) has_intervals: bool,
    /// The range of a first visit, while it follows a young history.
    pub(crate) fitted_range: Option<Range>,
    pub(crate) schedule: Schedule,
}

/// When the next refresh is due.
#[derive(Default)]
pub(crate) struct Schedule {
    pub(crate) is_running: bool,
    /// Whether another refresh was asked for since the running one began.
    pub(crate) is_requested: bool,
    pub(crate) due_ms: i64,
    /// How often the wait for a server without scrapes was doubled.
    pub(crate) young_waits: u32,
    /// Failed refreshes in a row.
    pub(crate) failures: u32,
    pub(crate) timer: Option<Interval>,
}

impl Feed {
    /// A feed for `view`. It requests nothing before [`Feed::run`], and auto-refresh pauses while `is_paused`.
    pub fn new(view: RwSignal<View>, is_paused: RwSignal<bool>) -> Self {
        let state = FeedState {
            limit: RequestLimit::new(MAX_IN_FLIGHT),
            address: None,
            servers: Value::Null,
            slots: Vec::new(),
            round: None,
            discovered: None,
            targets: Targets::default(),
            measured: Measured::default(),
            notes: Vec::new(),
            event_history: EventHistory::default(),
            history: ReplicaHistory::default(),
            models: None,
            are_models_watched: false,
            are_figures_watched: false,
            is_fleet_watched: false,
            shown_rows: Vec::new(),
            is_fetching_figures: false,
            is_fetching_findings: false,
            data_start: KnownStart::default(),
            has_intervals: false,
            fitted_range: None,
            schedule: Schedule::default(),
        };
        Self {
            view,
            inventory: RwSignal::new(None),
            connection: RwSignal::new(Connection::Opening),
            is_demo: RwSignal::new(false),
            is_open: RwSignal::new(false),
            frame_ancestors: StoredValue::new(None),
            range: RwSignal::new(view.get_untracked().range.resolve(browser_ms())),
            events: RwSignal::new(Vec::new()),
            has_notes: RwSignal::new(false),
            notes_changes: RwSignal::new(0),
            replica_count: RwSignal::new(ReplicaCount::default()),
            failed_targets: RwSignal::new(FailedTargets::default()),
            gpu_faults: RwSignal::new(Vec::new()),
            clock: RwSignal::new(ServerClock::default()),
            fleet: RwSignal::new(None),
            models: RwSignal::new(None),
            figures: RwSignal::new(None),
            findings: RwSignal::new(None),
            is_paused,
            state: StoredValue::new_local(state),
        }
    }

    /// The time now, by the server's clock.
    pub fn now_ms(self) -> i64 {
        self.clock.with_untracked(|clock| clock.server_ms(browser_ms()))
    }

    /// Reads the notes of the range, and some before it. A signal of lists would cost more on the wire than one of numbers.
    pub(crate) fn with_notes<T>(self, read: impl FnOnce(&[Note]) -> T) -> T {
        self.notes_changes.track();
        self.state.with_value(|state| read(&state.notes))
    }

    /// As [`Feed::with_notes`], without following their changes.
    pub(crate) fn with_notes_untracked<T>(self, read: impl FnOnce(&[Note]) -> T) -> T {
        self.state.with_value(|state| read(&state.notes))
    }

    /// The server, once it is known. A task that holds this instead of the round is smaller.
    pub(crate) fn backend(self) -> Option<Backend> {
        self.state.with_value(|state| state.round.as_ref().map(|round| round.backend.clone()))
    }

    /// Replaces the notes.
    pub(crate) fn set_notes(self, notes: Vec<Note>) {
        if self.state.with_value(|state| state.notes != notes) {
            self.state.update_value(|state| state.notes = notes);
            self.notes_changes.update(|changes| *changes += 1);
        }
    }

    /// The state of a graph's card.
    pub fn card(self, graph: &'static Graph) -> ArcRwSignal<CardState> {
        if let Some(slot) = self.slot(graph) {
            return slot.state;
        }
        // Cards come and go with their section. Their last data stay here, so no component owns the signal.
        let card = ArcRwSignal::new(CardState::default());
        let slot = CardSlot { graph, state: card.clone(), is_on_screen: false };
        self.state.update_value(|state| state.slots.push(slot));
        card
    }

    /// Refreshes one card at once, as after a change of its options.
    pub fn refresh_card(self, graph: &'static Graph) {
        if let Some(round) = self.round()
            && let Some(slot) = self.slot(graph)
        {
            spawn(async move {
                let _ = self.fetch_card(slot, &round).await;
            });
        }
    }

    /// What a card's menu can offer; nothing before the first answer.
    pub fn available_options(self, graph: &Graph) -> AvailableOptions {
        self.state
            .with_value(|state| state.round.as_ref().map(|round| round.available_options(graph)))
            .unwrap_or_default()
    }

    /// Sets whether a card is on screen: only those are refreshed.
    pub fn set_on_screen(self, graph: &'static Graph, is_on_screen: bool) {
        let appears = self.state.try_update_value(|state| {
            let slot = state.slots.iter_mut().find(|slot| slot.graph.id == graph.id)?;
            let was = std::mem::replace(&mut slot.is_on_screen, is_on_screen);
            (is_on_screen && !was).then(|| slot.clone())
        });
        if let Some(slot) = appears.flatten()
            && let Some(round) = self.round()
        {
            let has_range = |card: &CardState| card.data.as_ref().is_some_and(|data| data.range == round.range);
            if !slot.state.with_untracked(has_range) {
                self.refresh_card(graph);
            }
        }
    }

    /// Sets whether the section of replicas is open: only then they are refreshed.
    pub fn watch_fleet(self, is_watched: bool) {
        self.state.update_value(|state| state.is_fleet_watched = is_watched);
        if let Some(round) = self.round().filter(|_| is_watched) {
            spawn(async move {
                let _ = self.fetch_fleet(&round).await;
            });
        }
    }

    /// Sets whether the table of models is open: only then it is refreshed.
    pub fn watch_models(self, is_watched: bool) {
        self.state.update_value(|state| state.are_models_watched = is_watched);
        self.refresh_overview(is_watched);
    }

    /// Sets whether the key figures are on the page: only then they are refreshed.
    pub fn watch_figures(self, is_watched: bool) {
        self.state.update_value(|state| state.are_figures_watched = is_watched);
        self.refresh_overview(is_watched);
    }

    /// Forgets what is shown at a glance, as of another scope it would be somebody else's.
    pub fn forget_overview(self) {
        self.state.update_value(|state| state.models = None);
        self.figures.set(None);
        self.findings.set(None);
        self.models.set(None);
    }

    fn refresh_overview(self, is_wanted: bool) {
        if let Some(round) = self.round().filter(|_| is_wanted) {
            spawn(async move {
                self.fetch_overview(&round).await;
                self.request_findings();
            });
        }
    }

    /// The graphs of a section that have nothing to draw, with the reasons; none before the first answer.
    pub fn missing_graphs(self, section: Section) -> Vec<(&'static Graph, String)> {
        let scope = self.view.with(|view| view.scope.clone());
        let facts = TargetFacts {
            replica_count: self.replica_count.get(),
            failed_targets: self.failed_targets.get(),
            gpu_faults: self.gpu_faults.get(),
        };
        self.inventory.with(|inventory| {
            let Some(inventory) = inventory else { return Vec::new() };
            let present = inventory.present(&scope);
            let own = GRAPHS.iter().copied().filter(|graph| graph.section == section);
            own.filter_map(|graph| Some((graph, missing_reason(graph, &present, &facts)?))).collect()
        })
    }

    /// Whether counts are estimates, because the server does not count exactly.
    pub(crate) fn counts_estimate(self) -> bool {
        self.state.with_value(|state| state.round.as_ref().is_some_and(|round| !round.backend.counting.is_exact()))
    }

    pub(crate) fn round(self) -> Option<Round> {
        self.state.with_value(|state| state.round.clone())
    }

    pub(crate) fn slots(self) -> Vec<CardSlot> {
        self.state.with_value(|state| state.slots.clone())
    }

    fn slot(self, graph: &Graph) -> Option<CardSlot> {
        self.state.with_value(|state| state.slots.iter().find(|slot| slot.graph.id == graph.id).cloned())
    }
}
