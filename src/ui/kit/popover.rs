//! A button that opens a small panel below it. A press elsewhere, Escape, or a press on an item of the panel closes it.
use crate::ui::kit::icons::svg;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};

/// Selects a panel that is open.
const OPEN: &str = "details.popover[open]";

/// The button and its panel.
#[component]
pub(crate) fn Popover(
    /// The name of the button; empty where its label is its name.
    #[prop(into)]
    name: Signal<String>,
    /// The name for tests.
    id: &'static str,
    /// What the button shows beside its icon.
    label: AnyView,
    /// The path of its icon; empty for none.
    #[prop(optional)]
    icon: &'static str,
    children: Children,
) -> impl IntoView {
    let label_text = move || Some(name.get()).filter(|name| !name.is_empty());
    let icon = (!icon.is_empty()).then(|| view! { <span inner_html=svg(icon)></span> });
    view! {
        <details class="popover" data-testid=id>
            <summary class="control" aria-label=label_text title=label_text>
                {icon}
                {label}
            </summary>
            <div class="panel">{children()}</div>
        </details>
    }
}

/// Closes the open panel as described, as long as the caller is on the page.
pub(crate) fn close_popovers() {
    let pressed = window_event_listener(ev::click, |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let is_item = target.as_ref().is_some_and(|target| target.closest(".item").ok().flatten().is_some());
        let target: Option<Node> = target.map(Into::into);
        if let Some(panel) = open_panel().filter(|panel| is_item || !panel.contains(target.as_ref())) {
            let _ = panel.remove_attribute("open");
        }
    });
    let escaped = window_event_listener(ev::keydown, |event| {
        if let Some(panel) = open_panel().filter(|_| event.key() == "Escape") {
            let _ = panel.remove_attribute("open");
            let summary = panel.query_selector("summary").ok().flatten();
            if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
                let _ = summary.focus();
            }
        }
    });
    on_cleanup(move || {
        pressed.remove();
        escaped.remove();
    });
}

/// The panel that is open: a press that opens another one closes it.
fn open_panel() -> Option<Element> {
    document().query_selector(OPEN).ok().flatten()
}
