//! A round: what all requests of one refresh have in common.
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::Inventory;
use crate::data::http::client::Backend;
use crate::state::time_range::TimeRange;
use crate::state::view::{Range, View};
use catalogue::{KnownSeries, Machines, QueryContext, Scope, Window};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

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
        Self { backend, inventory, selected: view.scope.clone(), scope, own, range, is_live, intervals, now_ms }
    }

    /// The time of instant queries at the end of the range; none for the server's own now.
    pub(crate) fn end_ms(&self) -> Option<i64> {
        (!self.is_live).then_some(self.range.end_ms)
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
        QueryContext { scope, labels, window, peaks: None, counting: *counting, known: self }
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
