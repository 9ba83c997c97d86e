//! Keys for the whole page, the sheet that lists them, and the button that shares the page.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::ui::kit::dialog::{Dialog, Modal};
use crate::ui::kit::clipboard;
use crate::ui::kit::controls::IconButton;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Keys and what they do, as the sheet says it.
const KEYS: [(&str, &str); 14] = [
    ("?", "this list"),
    ("r", "ask for new data now"),
    ("p", "auto-refresh on or off"),
    ("s", "share: copy a link to what is on screen"),
    ("[ and ]", "half a range earlier, later"),
    ("− and +", "twice the range, half of it"),
    ("b and f", "back to the range before, forward again"),
    ("← and →", "on a graph: move the crosshair of all graphs"),
    ("Shift ← →", "on a graph: select a range, taken by Enter, dropped by Escape"),
    ("Backspace", "on a graph: back to the range before"),
    ("Two fingers", "on a graph: apart and together zoom, along it pan"),
    ("Tab", "from control to control; in the legend Enter hides a line, Shift Enter leaves it alone"),
    ("Alt ↑ ↓", "in Customize view: move a graph"),
    ("Escape", "close what is open"),
];

/// The buttons for sharing and for the sheet, and the sheet; listens to the keys as long as it is there.
#[component]
pub(crate) fn Shortcuts() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let modal = Modal::new();
    let is_shared = RwSignal::new(false);
    let listener = window_event_listener(ev::keydown, move |event: ev::KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || is_writing(&event) {
            return;
        }
        match event.key().as_str() {
            "?" => modal.open(),
            "s" => clipboard::share(is_shared),
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
        <button
            type="button"
            class="control"
            data-testid="share"
            title="Copy a link to what is on screen"
            on:click=move |_| clipboard::share(is_shared)
        >
            <span aria-live="polite">{move || if is_shared.get() { "Copied" } else { "Share" }}</span>
        </button>
        <IconButton name="Keys" id="keys" icon="?" press=move || modal.open() />
        <Dialog modal id="keys" title="Keys">
            <dl>
                {KEYS
                    .map(|(keys, what)| {
                        view! {
                            <dt>
                                <kbd>{keys}</kbd>
                            </dt>
                            <dd>{what}</dd>
                        }
                    })
                    .into_iter()
                    .collect_view()}
            </dl>
        </Dialog>
    }
}

/// Whether the key goes into a field, or a dialog is open over the page.
fn is_writing(event: &ev::KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| {
        element.closest("input, select, textarea, dialog, [contenteditable]").ok().flatten().is_some()
    })
}
