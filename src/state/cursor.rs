//! Where the pointer rests and what a drag covers, shared by all graphs.
use leptos::prelude::RwSignal;

/// The pointer on one of the graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time it points at, Unix milliseconds.
    pub time_ms: i64,
    /// The graph it is on.
    pub graph: &'static str,
}

/// Signals of cursor and selection.
#[derive(Clone, Copy)]
pub struct Pointer {
    /// Where it rests.
    pub cursor: RwSignal<Option<Cursor>>,
    /// Start and end of a running selection, in either order.
    pub selection: RwSignal<Option<(i64, i64)>>,
    /// Whether the cursor stays where it is until it is freed.
    pub is_pinned: RwSignal<bool>,
}

impl Pointer {
    /// Nowhere.
    #[expect(clippy::new_without_default, reason = "it makes signals, which belong to the owner that calls it")]
    pub fn new() -> Self {
        Self { cursor: RwSignal::new(None), selection: RwSignal::new(None), is_pinned: RwSignal::new(false) }
    }
}
