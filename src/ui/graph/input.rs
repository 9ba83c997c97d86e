//! Pointer, fingers and keyboard on a graph: they move the shared cursor, and select a range.
use crate::data::feed::Feed;
use crate::data::graph::card_state::CardData;
use crate::state::cursor::{Cursor, Pinch, Pointer, Selection};
use crate::state::navigation::Navigation;
use crate::state::time_range::TimeRange;
use crate::state::view::Range;
use crate::ui::graph::touch::Fingers;
use leptos::prelude::*;
use plot::Projection;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent};

/// A press that moves less than this, in CSS pixels, is a click and selects nothing.
const CLICK_PX: f64 = 4.0;

/// What a graph does with pointer and keys.
#[derive(Clone, Copy)]
pub(crate) struct Hand {
    /// Name of the graph.
    graph: &'static str,
    /// Its range and points.
    drawn: Memo<Option<Arc<CardData>>>,
    pointer: Pointer,
    navigation: Navigation,
    feed: Feed,
    painted: RwSignal<Option<Projection>>,
    /// Where a press began, in CSS pixels of the stage.
    pressed: RwSignal<Option<f64>>,
    fingers: StoredValue<Fingers>,
    /// What the fingers have pinched the range to.
    pinched: StoredValue<Option<Range>>,
}

/// The index of the graph's point nearest to a time, if the time is within its range.
pub(crate) fn index_at(drawn: Memo<Option<Arc<CardData>>>, time_ms: i64) -> Option<usize> {
    drawn.with(|drawn| {
        let drawn = drawn.as_ref()?;
        drawn.range.contains(time_ms).then(|| drawn.frame.nearest(time_ms)).flatten()
    })
}

/// Drops a pinch that was not taken. One that was stays until its data have come.
fn let_go(pointer: Pointer) {
    if pointer.pinched.get_untracked().is_some_and(|pinched| pinched.is_held) {
        pointer.pinched.set(None);
    }
}

/// Where an event is, in CSS pixels of what it is on.
fn place(event: &PointerEvent) -> (f64, f64) {
    (event.offset_x().into(), event.offset_y().into())
}

impl Hand {
    pub(crate) fn new(
        graph: &'static str,
        drawn: Memo<Option<Arc<CardData>>>,
        painted: RwSignal<Option<Projection>>,
    ) -> Self {
        let (pointer, navigation, feed) = (expect_context::<Pointer>(), expect_context(), expect_context());
        let (fingers, pinched) = (StoredValue::default(), StoredValue::default());
        // A graph may go while fingers are on it.
        on_cleanup(move || let_go(pointer));
        Self { graph, drawn, pointer, navigation, feed, painted, pressed: RwSignal::new(None), fingers, pinched }
    }

    fn time_at(self, x: f64) -> Option<i64> {
        self.painted.get_untracked().map(|projection| projection.time_ms(x))
    }

    /// Whether the cursor is pinned to a time that this graph still shows.
    fn is_pinned(self) -> bool {
        let cursor = self.pointer.cursor.get_untracked();
        let is_there = cursor.is_some_and(|cursor| index_at(self.drawn, cursor.time_ms).is_some());
        self.pointer.is_pinned.get_untracked() && is_there
    }

    fn point_at(self, time_ms: i64) {
        self.pointer.cursor.set(Some(Cursor { time_ms, graph: self.graph }));
    }

    pub(crate) fn down(self, event: &PointerEvent) {
        // What lies on the graph, such as a pinned tooltip, has its own places and is there to be read.
        if event.button() != 0 || event.target() != event.current_target() {
            return;
        }
        if let Some(target) = event.current_target()
            && let Ok(element) = target.dyn_into::<web_sys::Element>()
        {
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        if self.grips(event) {
            self.cancel();
            return;
        }
        let x = f64::from(event.offset_x());
        self.pressed.set(Some(x));
        // A finger points only by pressing.
        if let Some(time_ms) = self.time_at(x).filter(|_| !self.is_pinned()) {
            self.point_at(time_ms);
        }
    }

    pub(crate) fn moved(self, event: &PointerEvent) {
        if event.target() != event.current_target() || self.pinches(event) {
            return;
        }
        let x = f64::from(event.offset_x());
        let Some(time_ms) = self.time_at(x) else { return };
        if !self.is_pinned() {
            self.pointer.is_pinned.set(false);
            self.point_at(time_ms);
        }
        if let Some(from) = self.pressed.get_untracked()
            && (self.pointer.selection.get_untracked().is_some() || (x - from).abs() >= CLICK_PX)
            && let Some(from_ms) = self.time_at(from)
        {
            self.pointer.selection.set(Some(Selection { from_ms, to_ms: time_ms }));
        }
    }

    /// Takes note of a finger that comes down; whether there are two now.
    fn grips(self, event: &PointerEvent) -> bool {
        let Some(projection) = self.painted.get_untracked().filter(|_| event.pointer_type() == "touch") else {
            return false;
        };
        // The first of a hand: none is left of the hand before, whatever became of it.
        if event.is_primary() {
            self.fingers.set_value(Fingers::default());
            let_go(self.pointer);
        }
        let grips = self.fingers.try_update_value(|fingers| fingers.down(event.pointer_id(), place(event), projection));
        grips == Some(true)
    }

    /// Shows what two fingers make of the range; whether there are two.
    fn pinches(self, event: &PointerEvent) -> bool {
        let pinch = self.fingers.try_update_value(|fingers| fingers.moved(event.pointer_id(), place(event)));
        let Some(pinch) = pinch.flatten() else { return false };
        let now_ms = self.feed.now_ms();
        let range = Range::pinched(pinch.range, pinch.before, pinch.after, now_ms);
        self.pinched.set_value(Some(range));
        self.pointer.pinched.set(Some(Pinch { range: range.resolve(now_ms), is_held: true }));
        true
    }

    /// A pinch, or a drag, becomes the page's range; a press without one pins the cursor, or frees it.
    pub(crate) fn up(self, event: &PointerEvent) {
        if self.fingers.try_update_value(|fingers| fingers.up(event.pointer_id())) == Some(true) {
            self.take_pinched();
            return;
        }
        let was_pressed = self.pressed.get_untracked().is_some();
        self.pressed.set(None);
        if self.pointer.selection.get_untracked().is_some() {
            self.apply();
        } else if was_pressed {
            self.pin();
        }
    }

    /// Takes the pinched range as the page's. It stays on the graphs until they have its data.
    fn take_pinched(self) {
        let range = self.pinched.try_update_value(Option::take).flatten();
        let before = self.navigation.view.with_untracked(|view| view.range);
        let range = range.filter(|range| *range != before);
        let held = self.pointer.pinched.get_untracked().filter(|_| range.is_some());
        self.pointer.pinched.set(held.map(|pinched| Pinch { is_held: false, ..pinched }));
        if let Some(range) = range {
            self.navigation.select(range);
        }
    }

    fn pin(self) {
        let is_pinned = self.is_pinned();
        let has_cursor = self.pointer.cursor.with_untracked(Option::is_some);
        self.pointer.is_pinned.set(!is_pinned && has_cursor);
    }

    /// The browser has taken the pointer for itself, as for scrolling.
    pub(crate) fn cancelled(self, event: &PointerEvent) {
        if self.fingers.try_update_value(|fingers| fingers.up(event.pointer_id())) == Some(true) {
            self.pinched.set_value(None);
            let_go(self.pointer);
        }
        self.cancel();
    }

    /// Drops what a press had begun.
    fn cancel(self) {
        self.pressed.set(None);
        self.pointer.selection.set(None);
        if !self.is_pinned() {
            self.pointer.cursor.set(None);
        }
    }

    pub(crate) fn left(self) {
        if self.pressed.get_untracked().is_none() && !self.pointer.is_pinned.get_untracked() {
            self.pointer.cursor.set(None);
        }
    }

    /// Goes back to the range before.
    pub(crate) fn back(self) {
        self.navigation.back();
    }

    /// Takes the selection as the page's range.
    fn apply(self) {
        if let Some(Selection { from_ms: one_ms, to_ms: other_ms }) = self.pointer.selection.get_untracked() {
            self.pointer.selection.set(None);
            self.pointer.is_pinned.set(false);
            self.navigation.select(Range::between(one_ms, other_ms));
        }
    }

    /// Arrows move the cursor, with Shift they select; Enter takes the selection, or pins the cursor; Escape drops what
    /// there is, Backspace goes back.
    pub(crate) fn key(self, event: &KeyboardEvent) {
        match event.key().as_str() {
            "ArrowLeft" => self.walk(-1, event.shift_key()),
            "ArrowRight" => self.walk(1, event.shift_key()),
            "Enter" if self.pointer.selection.get_untracked().is_some() => self.apply(),
            "Enter" | " " => self.pin(),
            // With nothing to drop the key is for what is around, such as a dialog.
            "Escape" if self.pointer.cursor.get_untracked().is_none() => return,
            "Escape" => {
                self.pointer.selection.set(None);
                self.pointer.is_pinned.set(false);
                self.pointer.cursor.set(None);
            }
            "Backspace" => self.back(),
            _ => return,
        }
        event.prevent_default();
    }

    fn walk(self, by: isize, selects: bool) {
        let here = self.pointer.cursor.get_untracked();
        let at = here.and_then(|cursor| index_at(self.drawn, cursor.time_ms));
        let next = self.drawn.with_untracked(|drawn| {
            let drawn = drawn.as_ref()?;
            step(&drawn.frame.times_ms, drawn.range, at, by)
        });
        let Some(time_ms) = next else { return };
        if selects && let Some(here) = here {
            let from_ms = self.pointer.selection.get_untracked().map_or(here.time_ms, |selection| selection.from_ms);
            self.pointer.selection.set(Some(Selection { from_ms, to_ms: time_ms }));
        }
        self.point_at(time_ms);
    }
}

/// The time `by` points beside the one at an index, or the newest where there is none: of those within the range, as the
/// last point mostly lies a little after its end.
fn step(times_ms: &[i64], range: TimeRange, at: Option<usize>, by: isize) -> Option<i64> {
    let first = times_ms.partition_point(|time_ms| *time_ms < range.start_ms);
    let last =
        times_ms.partition_point(|time_ms| *time_ms <= range.end_ms).checked_sub(1).filter(|last| *last >= first)?;
    let next = at.map_or(last, |at| at.saturating_add_signed(by));
    times_ms.get(next.max(first).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_walk_within_the_range() {
        let times = [0, 15, 30, 45, 60];
        for (range, at, by, expected) in [
            ((10, 50), None, -1, Some(45)),
            ((10, 50), None, 1, Some(45)),
            ((10, 50), Some(3), -1, Some(30)),
            ((10, 50), Some(3), 1, Some(45)),
            ((10, 50), Some(1), -1, Some(15)),
            ((0, 60), Some(0), -1, Some(0)),
            ((0, 60), None, -1, Some(60)),
            ((61, 70), None, -1, None),
            ((-9, -1), None, -1, None),
        ] {
            let range = TimeRange::new(range.0, range.1);
            assert_eq!(step(&times, range, at, by), expected, "{range:?} {at:?} {by}");
        }
        assert_eq!(step(&[], TimeRange::new(0, 1), None, 1), None);
    }
}
