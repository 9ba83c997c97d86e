//! A round: what all requests of one refresh have in common.
use crate::data::data_start::{DataStart, KnownStart, Search};
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::Inventory;
use crate::data::http::client::Backend;
use crate::state::time_range::TimeRange;
use crate::state::view::{Range, View};
use catalogue::{Counting, HistoryStart, KnownSeries, Machines, QueryContext, Scope, TargetQueries, Window};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Of more replicas than this, single ones are asked for only while they are on screen.
const MAX_SINGLE_REPLICAS: usize = 50;

/// The first window of a range begins before it: of a bar, by two steps at most, which are a twelfth of the range, or by as
/// many scrape intervals.
const MARGIN_PARTS: i64 = 12;
const MARGIN_INTERVALS: i64 = 5;

/// What an inventory has within a scope.
struct ScopeFacts {
    names: BTreeSet<String>,
    machines: Machines,
}

impl ScopeFacts {
    fn new(inventory: &Inventory, scope: &Scope) -> Self {
        let machines = inventory.machines(scope);
        Self { names: inventory.names_within(scope, &machines), machines }
    }
}

/// What all requests of one refresh have in common.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) backend: Backend,
    pub(crate) inventory: Arc<Inventory>,
    /// The scope that the view selects.
    selected: Scope,
    /// The scope that is queried.
    pub(crate) scope: Scope,
    /// What the inventory has within it. Collecting that takes a look at every replica, and each card needs it.
    own: Arc<ScopeFacts>,
    /// The visible range.
    pub(crate) range: TimeRange,
    /// Whether the end of the range moves with the clock.
    pub(crate) is_live: bool,
    /// How often targets are scraped.
    pub(crate) intervals: Arc<Intervals>,
    /// The server's time.
    pub(crate) now_ms: i64,
    /// Since when there are data in scope.
    pub(crate) data_start: DataStart,
    /// The same for queries.
    history_start: Option<HistoryStart>,
}

impl Round {
    /// A round for a view, at the server's `now_ms`.
    pub(crate) fn new(
        backend: Backend,
        inventory: Arc<Inventory>,
        intervals: Arc<Intervals>,
        view: &View,
        now_ms: i64,
    ) -> Self {
        let is_live = matches!(view.range, Range::Last(_));
        let range = view.range.resolve(now_ms);
        let scope = inventory.queried(&view.scope);
        let own = Arc::new(ScopeFacts::new(&inventory, &scope));
        let (selected, data_start) = (view.scope.clone(), DataStart::default());
        Self {
            backend,
            inventory,
            selected,
            scope,
            own,
            range,
            is_live,
            intervals,
            now_ms,
            data_start,
            history_start: None,
        }
    }

    /// Since when there are data, as far as the server says it.
    pub(crate) async fn find_data_start(&self, known: &mut KnownStart) -> DataStart {
        let (scope, labels) = (&self.scope, &self.backend.labels);
        let has_replicas = scope.model.is_some() || !self.inventory.replicas(scope).is_empty();
        let intervals = self.intervals.of_scope(scope);
        let margin_ms = (self.range.length_ms() / MARGIN_PARTS).max(MARGIN_INTERVALS * intervals.longest_ms);
        let search = Search {
            backend: &self.backend,
            scope,
            queries: TargetQueries { scope, labels }.oldest_scrape(&|name| self.own.names.contains(name), has_replicas),
            start_ms: self.range.start_ms - margin_ms,
            until_ms: self.until_ms(),
            interval_ms: intervals.shortest_ms,
        };
        search.run(known).await.unwrap_or_default()
    }

    /// The same with what was found out about the server.
    pub(crate) fn with_facts(mut self, data_start: DataStart, counting: Counting) -> Self {
        self.data_start = data_start;
        self.history_start = match data_start {
            DataStart::At(time_ms) => {
                Some(HistoryStart { time_ms, interval_ms: self.intervals.of_scope(&self.scope).shortest_ms })
            }
            _ => None,
        };
        self.backend.counting = counting;
        self
    }

    /// The time of instant queries at the end of the range; none for the server's own now.
    pub(crate) fn end_ms(&self) -> Option<i64> {
        (!self.is_live).then_some(self.range.end_ms)
    }

    /// Whether there are so few replicas in scope that each of them is asked for; of more, only those on screen.
    pub(crate) fn has_few_replicas(&self) -> bool {
        self.inventory.replicas(&self.scope).len() <= MAX_SINGLE_REPLICAS
    }

    /// Whether the round is of this view's scope.
    pub(crate) fn is_of(&self, view: &View) -> bool {
        self.selected == view.scope
    }

    /// The metric names within a scope.
    pub(crate) fn names(&self, scope: &Scope) -> Cow<'_, BTreeSet<String>> {
        match *scope == self.scope {
            true => Cow::Borrowed(&self.own.names),
            false => Cow::Owned(ScopeFacts::new(&self.inventory, scope).names),
        }
    }

    /// The end of the range, or the server's time if that is earlier: there can be no later values.
    pub(crate) fn until_ms(&self) -> i64 {
        self.range.end_ms.min(self.now_ms)
    }

    /// What the catalogue needs to write a query for the round's scope, without peaks.
    pub(crate) fn context(&self, window: Window) -> QueryContext<'_> {
        self.context_of(&self.scope, window)
    }

    /// What the catalogue needs to write a query for another scope, without peaks.
    pub(crate) fn context_of<'a>(&'a self, scope: &'a Scope, window: Window) -> QueryContext<'a> {
        let Backend { labels, counting, .. } = &self.backend;
        let history_start = self.history_start.filter(|_| *scope == self.scope);
        QueryContext { scope, labels, window, peaks: None, counting: *counting, history_start, known: self }
    }
}

impl KnownSeries for Round {
    fn models(&self, name: &str) -> BTreeSet<&str> {
        self.inventory.models_with(name)
    }

    fn machines(&self, scope: &Scope) -> Machines {
        if *scope == self.scope { self.own.machines.clone() } else { self.inventory.machines(scope) }
    }
}
