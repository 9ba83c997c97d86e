//! What the parts of the timeline share.
use crate::data::replicas::fleet::{Fleet, Replica};
use crate::state::time_range::TimeRange;
use leptos::prelude::*;
use std::sync::Arc;

/// What the parts of the timeline share.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// All that was told; none before the first answer.
    pub(crate) fleet: RwSignal<Option<Arc<Fleet>>>,
    /// The replicas that are listed, in order.
    pub(crate) listed: Memo<Vec<Arc<Replica>>>,
}

impl Shown {
    /// Start and end of the visible range.
    pub(crate) fn range(self) -> TimeRange {
        self.fleet.with(|fleet| fleet.as_ref().map_or(TimeRange::new(0, 1), |fleet| fleet.range))
    }
}
