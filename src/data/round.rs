//! A round: what all requests of one refresh have in common.
use crate::data::discovery::intervals::Intervals;
use crate::data::discovery::inventory::Inventory;
use crate::data::http::client::Backend;
use crate::state::time_range::TimeRange;
use crate::state::view::{Range, View};
use catalogue::{QueryContext, Scope, Window};
use std::sync::Arc;

/// What all requests of one refresh have in common.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) backend: Backend,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) scope: Scope,
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
        Self { backend, inventory, scope: view.scope.clone(), range, is_live, intervals, now_ms }
    }

    /// The time of instant queries at the end of the range; none for the server's own now.
    pub(crate) fn end_ms(&self) -> Option<i64> {
        (!self.is_live).then_some(self.range.end_ms)
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
        QueryContext { scope, labels, window, peaks: None, counting: *counting }
    }
}
