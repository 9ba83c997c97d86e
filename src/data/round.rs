//! A round: what all requests of one refresh have in common.
use crate::data::discovery::inventory::Inventory;
use crate::data::http::client::Backend;
use crate::state::time_range::TimeRange;
use crate::state::view::{Range, View};
use catalogue::{QueryContext, Scope};
use std::sync::Arc;

/// What all requests of one refresh have in common.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) backend: Backend,
    pub(crate) inventory: Arc<Inventory>,
    /// The scope that is queried.
    pub(crate) scope: Scope,
    /// The visible range.
    pub(crate) range: TimeRange,
    /// Whether the end of the range moves with the clock.
    pub(crate) is_live: bool,
    /// The scrape interval.
    pub(crate) interval_ms: i64,
    /// The server's time.
    pub(crate) now_ms: i64,
}

impl Round {
    /// A round for a view, at the server's `now_ms`.
    pub(crate) fn new(backend: Backend, inventory: Arc<Inventory>, view: &View, interval_ms: i64, now_ms: i64) -> Self {
        let is_live = matches!(view.range, Range::Last(_));
        let range = view.range.resolve(now_ms);
        let scope = inventory.queried(&view.scope);
        Self { backend, inventory, scope, range, is_live, interval_ms, now_ms }
    }

    /// The time of instant queries at the end of the range; none for the server's own now.
    pub(crate) fn end_ms(&self) -> Option<i64> {
        (!self.is_live).then_some(self.range.end_ms)
    }

    /// What the catalogue needs to write a query for the round's scope.
    pub(crate) fn context(&self, window_ms: i64) -> QueryContext<'_> {
        self.context_of(&self.scope, window_ms)
    }

    /// What the catalogue needs to write a query for another scope.
    pub(crate) fn context_of<'a>(&'a self, scope: &'a Scope, window_ms: i64) -> QueryContext<'a> {
        QueryContext { scope, labels: &self.backend.labels, window_ms, known: &*self.inventory }
    }
}
