//! Where the pointer rests and what a drag covers, shared by all graphs.
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
pub struct Pinched {
    /// Start and end, Unix milliseconds.
    pub range: (i64, i64),
    /// Whether the fingers are still down.
    pub is_held: bool,
}

/// Signals of cursor, selection and pinch.
#[derive(Clone, Copy)]
pub struct Pointer {
    /// Where it rests.
    pub cursor: RwSignal<Option<Cursor>>,
    /// Start and end of a running selection, in either order.
    pub selection: RwSignal<Option<(i64, i64)>>,
    /// The range that two fingers have pinched to, shown until the data of the next refresh have come.
    pub pinched: RwSignal<Option<Pinched>>,
    /// Whether the cursor stays where it is until it is freed.
    pub is_pinned: RwSignal<bool>,
}

impl Pointer {
    /// The range to draw of a graph whose data are of `range`.
    pub fn shown(self, range: (i64, i64)) -> (i64, i64) {
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
