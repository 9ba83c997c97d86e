//! What the parts of the timeline share.
use crate::data::replicas::fleet::{Fleet, Replica};
use crate::state::time_range::TimeRange;
use leptos::prelude::*;
use std::sync::Arc;

/// The name of the timeline among the graphs.
pub(crate) const GRAPH: &str = "timeline";

/// What the parts of the timeline share.
#[derive(Clone, Copy)]
pub(crate) struct TimelineContext {
    /// All replicas; none before the first answer.
    pub(crate) fleet: RwSignal<Option<Arc<Fleet>>>,
    /// The replicas that match the filter, in the selected order.
    pub(crate) replicas: Memo<Vec<Arc<Replica>>>,
}

impl TimelineContext {
    /// The visible range.
    pub(crate) fn range(self) -> TimeRange {
        self.fleet.with(|fleet| fleet.as_ref().map_or(TimeRange::new(0, 1), |fleet| fleet.range))
    }
}
