//! Where the pointer rests and what a drag covers, shared by all graphs.
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

/// What a pinch makes of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinch {
    /// Start and end, Unix milliseconds.
    pub range: TimeRange,
    /// Whether the fingers are still down.
    pub is_held: bool,
}

/// A running selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Where it began, Unix milliseconds.
    pub from_ms: i64,
    /// Where it ends now, before or after the beginning.
    pub to_ms: i64,
}

/// Signals of cursor, selection and pinch.
#[derive(Clone, Copy)]
pub struct Pointer {
    /// Where it rests.
    pub cursor: RwSignal<Option<Cursor>>,
    /// The running selection.
    pub selection: RwSignal<Option<Selection>>,
    /// The range that two fingers have pinched to, shown until the data of the next refresh have come.
    pub pinched: RwSignal<Option<Pinch>>,
    /// Whether the cursor stays where it is until it is freed.
    pub is_pinned: RwSignal<bool>,
}

impl Pointer {
    /// The range to draw of a graph whose data are of `range`.
    pub fn visible_range(self, range: TimeRange) -> TimeRange {
        self.pinched.get().map_or(range, |pinched| pinched.range)
    }

    /// Nowhere.
    #[expect(clippy::new_without_default, reason = "it makes signals, which belong to the owner that calls it")]
    pub fn new() -> Self {
        Self {
            cursor: RwSignal::new(None),
            selection: RwSignal::new(None),
            pinched: RwSignal::new(None),
            is_pinned: RwSignal::new(false),
        }
    }
}
