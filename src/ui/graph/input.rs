//! Pointer, touch and keyboard input on a graph: moves the shared cursor and selects a range.
use crate::data::feed::Feed;
use crate::data::graph::card_state::CardData;
use crate::state::cursor::{Cursor, Pinch, Pointer, Selection};
use crate::state::navigation::Navigation;
use crate::state::time_range::TimeRange;
use crate::state::view::Range;
use crate::ui::graph::context::PaintedProjection;
use crate::ui::graph::touch::Touch;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent};

/// A press that moves less than this, in CSS pixels, is a click and selects nothing.
const MAX_CLICK_PX: f64 = 4.0;

/// The input on a graph.
#[derive(Clone, Copy)]
pub(crate) struct GraphInput {
    /// The name of the graph.
    graph: &'static str,
    /// The range and the times of the graph.
    data: Memo<Option<Arc<CardData>>>,
    pointer: Pointer,
    navigation: Navigation,
    feed: Feed,
    painted: PaintedProjection,
    /// The place where a press began, in CSS pixels.
    pressed_x: RwSignal<Option<f64>>,
    touch: StoredValue<Touch>,
    /// The range that the running pinch selects.
    pinched: StoredValue<Option<Range>>,
}

/// The index of the graph's time nearest to `time_ms`, if that is within its range.
pub(crate) fn index_at(data: Memo<Option<Arc<CardData>>>, time_ms: i64) -> Option<usize> {
    data.with(|data| {
        let data = data.as_ref()?;
        data.range.contains(time_ms).then(|| data.frame.nearest(time_ms)).flatten()
    })
}

/// Drops a running pinch. A finished one stays until its data have arrived.
fn drop_pinch(pointer: Pointer) {
    if pointer.pinched.get_untracked().is_some_and(|pinched| pinched.is_held) {
        pointer.pinched.set(None);
    }
}

/// The place of an event, in CSS pixels of its element.
fn position(event: &PointerEvent) -> (f64, f64) {
    (event.offset_x().into(), event.offset_y().into())
}

impl GraphInput {
    /// The input of a graph, without a press.
    pub(crate) fn new(graph: &'static str, data: Memo<Option<Arc<CardData>>>, painted: PaintedProjection) -> Self {
        let (pointer, navigation, feed) = (expect_context::<Pointer>(), expect_context(), expect_context());
        let (touch, pinched) = (StoredValue::default(), StoredValue::default());
        // A graph may disappear during a pinch.
        on_cleanup(move || drop_pinch(pointer));
        Self { graph, data, pointer, navigation, feed, painted, pressed_x: RwSignal::new(None), touch, pinched }
    }

    fn time_at(self, x: f64) -> Option<i64> {
        self.painted.get_untracked().map(|projection| projection.time_ms(x))
    }

    /// Whether the cursor is pinned to a time that this graph still shows.
    fn is_pinned(self) -> bool {
        let cursor = self.pointer.cursor.get_untracked();
        let is_in_range = cursor.is_some_and(|cursor| index_at(self.data, cursor.time_ms).is_some());
        self.pointer.is_pinned.get_untracked() && is_in_range
    }

    fn move_cursor(self, time_ms: i64) {
        self.pointer.cursor.set(Some(Cursor { time_ms, graph: self.graph }));
    }

    /// Starts a press.
    pub(crate) fn pointer_down(self, event: &PointerEvent) {
        // An element on the graph, such as a pinned tooltip, has coordinates of its own.
        if event.button() != 0 || event.target() != event.current_target() {
            return;
        }
        if let Some(target) = event.current_target()
            && let Ok(element) = target.dyn_into::<web_sys::Element>()
        {
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        if self.starts_pinch(event) {
            self.cancel();
            return;
        }
        let x = f64::from(event.offset_x());
        self.pressed_x.set(Some(x));
        // A finger does not hover, so a press moves the cursor too.
        if let Some(time_ms) = self.time_at(x).filter(|_| !self.is_pinned()) {
            self.move_cursor(time_ms);
        }
    }

    /// Moves the cursor, the selection or the pinch.
    pub(crate) fn pointer_move(self, event: &PointerEvent) {
        if event.target() != event.current_target() || self.pinches(event) {
            return;
        }
        let x = f64::from(event.offset_x());
        let Some(time_ms) = self.time_at(x) else { return };
        if !self.is_pinned() {
            self.pointer.is_pinned.set(false);
            self.move_cursor(time_ms);
        }
        if let Some(from) = self.pressed_x.get_untracked()
            && (self.pointer.selection.get_untracked().is_some() || (x - from).abs() >= MAX_CLICK_PX)
            && let Some(from_ms) = self.time_at(from)
        {
            self.pointer.selection.set(Some(Selection { from_ms, to_ms: time_ms }));
        }
    }

    /// Registers a finger, and returns whether two are down now.
    fn starts_pinch(self, event: &PointerEvent) -> bool {
        let Some(projection) = self.painted.get_untracked().filter(|_| event.pointer_type() == "touch") else {
            return false;
        };
        // A primary finger is the first of a new touch: forget fingers whose end was never reported.
        if event.is_primary() {
            self.touch.set_value(Touch::default());
            drop_pinch(self.pointer);
        }
        let starts = self.touch.try_update_value(|touch| touch.down(event.pointer_id(), position(event), projection));
        starts == Some(true)
    }

    /// Applies a finger's move to the pinch, and returns whether there is one.
    fn pinches(self, event: &PointerEvent) -> bool {
        let pinch = self.touch.try_update_value(|touch| touch.moved(event.pointer_id(), position(event)));
        let Some(pinch) = pinch.flatten() else { return false };
        let now_ms = self.feed.now_ms();
        let range = Range::pinched(pinch.range, pinch.before, pinch.after, now_ms);
        self.pinched.set_value(Some(range));
        self.pointer.pinched.set(Some(Pinch { range: range.resolve(now_ms), is_held: true }));
        true
    }

    /// Ends a press: a pinch or a drag selects the page's range, and a click pins the cursor or frees it.
    pub(crate) fn pointer_up(self, event: &PointerEvent) {
        if self.touch.try_update_value(|touch| touch.up(event.pointer_id())) == Some(true) {
            self.apply_pinch();
            return;
        }
        let was_pressed = self.pressed_x.get_untracked().is_some();
        self.pressed_x.set(None);
        if self.pointer.selection.get_untracked().is_some() {
            self.apply_selection();
        } else if was_pressed {
            self.toggle_pin();
        }
    }

    /// Selects the pinched range. The graphs keep showing it until its data have arrived.
    fn apply_pinch(self) {
        let range = self.pinched.try_update_value(Option::take).flatten();
        let before = self.navigation.view.with_untracked(|view| view.range);
        let range = range.filter(|range| *range != before);
        let held = self.pointer.pinched.get_untracked().filter(|_| range.is_some());
        self.pointer.pinched.set(held.map(|pinched| Pinch { is_held: false, ..pinched }));
        if let Some(range) = range {
            self.navigation.select(range);
        }
    }

    fn toggle_pin(self) {
        let is_pinned = self.is_pinned();
        let has_cursor = self.pointer.cursor.with_untracked(Option::is_some);
        self.pointer.is_pinned.set(!is_pinned && has_cursor);
    }

    /// Drops the press, because the browser uses the pointer itself, for example to scroll.
    pub(crate) fn pointer_cancel(self, event: &PointerEvent) {
        if self.touch.try_update_value(|touch| touch.up(event.pointer_id())) == Some(true) {
            self.pinched.set_value(None);
            drop_pinch(self.pointer);
        }
        self.cancel();
    }

    /// Drops a press and its selection.
    fn cancel(self) {
        self.pressed_x.set(None);
        self.pointer.selection.set(None);
        if !self.is_pinned() {
            self.pointer.cursor.set(None);
        }
    }

    /// Removes the cursor, unless it is pinned or a press is running.
    pub(crate) fn pointer_leave(self) {
        if self.pressed_x.get_untracked().is_none() && !self.pointer.is_pinned.get_untracked() {
            self.pointer.cursor.set(None);
        }
    }

    /// Returns to the previous range.
    pub(crate) fn back(self) {
        self.navigation.back();
    }

    /// Selects the dragged range as the page's.
    fn apply_selection(self) {
        if let Some(Selection { from_ms, to_ms }) = self.pointer.selection.get_untracked() {
            self.pointer.selection.set(None);
            self.pointer.is_pinned.set(false);
            self.navigation.select(Range::between(from_ms, to_ms));
        }
    }

    /// Handles keys: arrows move the cursor and with Shift select, Enter applies the selection or pins the cursor, Escape
    /// drops both, and Backspace returns to the previous range.
    pub(crate) fn key_down(self, event: &KeyboardEvent) {
        match event.key().as_str() {
            "ArrowLeft" => self.step_cursor(-1, event.shift_key()),
            "ArrowRight" => self.step_cursor(1, event.shift_key()),
            "Enter" if self.pointer.selection.get_untracked().is_some() => self.apply_selection(),
            "Enter" | " " => self.toggle_pin(),
            // Without a cursor the key belongs to what is around the graph, such as a dialog.
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

    fn step_cursor(self, steps: isize, selects: bool) {
        let cursor = self.pointer.cursor.get_untracked();
        let at = cursor.and_then(|cursor| index_at(self.data, cursor.time_ms));
        let next = self.data.with_untracked(|data| {
            let data = data.as_ref()?;
            stepped_time(&data.frame.times_ms, data.range, at, steps)
        });
        let Some(time_ms) = next else { return };
        if selects && let Some(cursor) = cursor {
            let from_ms = self.pointer.selection.get_untracked().map_or(cursor.time_ms, |selection| selection.from_ms);
            self.pointer.selection.set(Some(Selection { from_ms, to_ms: time_ms }));
        }
        self.move_cursor(time_ms);
    }
}

/// The time `steps` after the one at an index, or the last one without an index. Only times within the range count:
/// the last bar of a past range may end a little after it.
fn stepped_time(times_ms: &[i64], range: TimeRange, at: Option<usize>, steps: isize) -> Option<i64> {
    let first = times_ms.partition_point(|time_ms| *time_ms < range.start_ms);
    let last =
        times_ms.partition_point(|time_ms| *time_ms <= range.end_ms).checked_sub(1).filter(|last| *last >= first)?;
    let next = at.map_or(last, |at| at.saturating_add_signed(steps));
    times_ms.get(next.max(first).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_the_cursor_within_the_range() {
        let times = [0, 15, 30, 45, 60];
        for (range, at, steps, expected) in [
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
            assert_eq!(stepped_time(&times, range, at, steps), expected, "{range:?} {at:?} {steps}");
        }
        assert_eq!(stepped_time(&[], TimeRange::new(0, 1), None, 1), None);
    }
}
