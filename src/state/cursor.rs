//! The pointer, selection and pinch that all graphs share.
use crate::state::time_range::TimeRange;
use leptos::prelude::{Get, RwSignal};

/// The pointer on one of the graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time it points at, Unix milliseconds.
    pub time_ms: i64,
    /// The graph it is on.
    pub graph: &'static str,
}

/// The range that two fingers have pinched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinch {
    /// The range.
    pub range: TimeRange,
    /// Whether the fingers are still down.
    pub is_held: bool,
}

/// A running selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Where it began, Unix milliseconds.
    pub from_ms: i64,
    /// Where it ends now, before or after its beginning.
    pub to_ms: i64,
}

/// Signals of the pointer.
#[derive(Clone, Copy)]
pub struct Pointer {
    /// Where it is.
    pub cursor: RwSignal<Option<Cursor>>,
    /// The running selection.
    pub selection: RwSignal<Option<Selection>>,
    /// The pinch, until the next refresh has brought its data.
    pub pinched: RwSignal<Option<Pinch>>,
    /// Whether the cursor is pinned.
    pub is_pinned: RwSignal<bool>,
}

impl Pointer {
    /// The range to draw of a graph with data of `range`.
    pub fn visible_range(self, range: TimeRange) -> TimeRange {
        self.pinched.get().map_or(range, |pinch| pinch.range)
    }

    /// A pointer on no graph.
    #[expect(clippy::new_without_default, reason = "it creates signals, which belong to the owner that calls it")]
    pub fn new() -> Self {
        Self {
            cursor: RwSignal::new(None),
            selection: RwSignal::new(None),
            pinched: RwSignal::new(None),
            is_pinned: RwSignal::new(false),
        }
    }
}
