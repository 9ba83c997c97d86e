//! Keyboard shortcuts of the page, the dialog that lists them, and the button that shares the page.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::ui::graph::note_marks::NoteEditor;
use crate::ui::kit::dialog::{Dialog, DialogHandle};
use crate::ui::page::share::{Share, Sharing};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// A row of the list of shortcuts.
struct Shortcut {
    keys: &'static str,
    text: &'static str,
}

const fn shortcut(keys: &'static str, text: &'static str) -> Shortcut {
    Shortcut { keys, text }
}

const SHORTCUTS: [Shortcut; 16] = [
    shortcut("?", "Show keyboard shortcuts"),
    shortcut("r", "Refresh now"),
    shortcut("p", "Turn auto-refresh on or off"),
    shortcut("s", "Copy a link to this view"),
    shortcut("Shift s", "Copy a link with fixed times"),
    shortcut("n", "Add a note at the crosshair"),
    shortcut("[ and ]", "Shift the time range by half its length"),
    shortcut("− and +", "Zoom out, zoom in"),
    shortcut("b and f", "Previous range, next range"),
    shortcut("← and →", "On a graph: move the crosshair on all graphs"),
    shortcut("Shift ← →", "On a graph: select a range; Enter applies it, Escape cancels"),
    shortcut("Backspace", "On a graph: previous range"),
    shortcut("Two fingers", "On a graph: pinch to zoom, drag to pan"),
    shortcut("Tab", "Next control; in the legend, Enter hides or shows a line; Shift+Enter shows only that line"),
    shortcut("Alt ↑ ↓", "In Customize view: move a graph"),
    shortcut("Escape", "Close the dialog or menu"),
];

/// The share button, and the dialog of the shortcuts. Handles their keys as long as it is on the page.
#[component]
pub(crate) fn Shortcuts(handle: DialogHandle) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let sharing = Sharing::new();
    let listener = window_event_listener(ev::keydown, move |event: ev::KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || is_handled_elsewhere(&event) {
            return;
        }
        match event.key().as_str() {
            "?" => handle.open(),
            "s" => sharing.copy(),
            "S" => sharing.copy_fixed(),
            "n" => {
                if let Some(notes) = NoteEditor::current() {
                    notes.open();
                }
            }
            "r" => feed.refresh(),
            "p" => navigation.adjust(|view| view.refresh.is_on = !view.refresh.is_on),
            "[" => navigation.go(|view| view.range = view.range.panned(-1, feed.now_ms())),
            "]" => navigation.go(|view| view.range = view.range.panned(1, feed.now_ms())),
            "-" => navigation.go(|view| view.range = view.range.zoomed(2.0, feed.now_ms())),
            "+" | "=" => navigation.go(|view| view.range = view.range.zoomed(0.5, feed.now_ms())),
            "b" => navigation.back(),
            "f" => navigation.forward(),
            _ => return,
        }
        event.prevent_default();
    });
    on_cleanup(move || listener.remove());
    view! {
        <Share sharing />
        <Dialog handle id="keys" title="Keyboard shortcuts">
            <dl>
                {SHORTCUTS
                    .map(|Shortcut { keys, text }| {
                        view! {
                            <dt>
                                <kbd>{keys}</kbd>
                            </dt>
                            <dd>{text}</dd>
                        }
                    })
                    .into_iter()
                    .collect_view()}
            </dl>
        </Dialog>
    }
}

/// Whether the key is typed into a field, or a dialog is open.
fn is_handled_elsewhere(event: &ev::KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| {
        element.closest("input, select, textarea, dialog, [contenteditable]").ok().flatten().is_some()
    })
}
