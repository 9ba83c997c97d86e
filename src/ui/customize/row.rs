//! A graph in Customize view: whether it is shown, its place and its width.
use crate::state::layout::MAX_COLUMNS;
use crate::state::layout::storage::Layouts;
use crate::ui::kit::controls::IconButton;
use crate::ui::kit::icons::{DOWN, UP};
use catalogue::Graph;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The row of a graph. It can be moved by dragging, with buttons, and with Alt and an arrow key.
#[component]
pub(super) fn Row(
    graph: &'static Graph,
    /// The graphs of the section, in order.
    ids: Memo<Vec<&'static str>>,
    dragged: RwSignal<Option<&'static str>>,
) -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let step = move |steps: isize| {
        let neighbour = ids.with_untracked(|ids| {
            let at = ids.iter().position(|id| *id == graph.id)?.checked_add_signed(steps)?;
            catalogue::graph(ids.get(at)?)
        });
        let Some(neighbour) = neighbour else { return };
        let focused = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
        layouts.change(|layout| layout.move_to(graph, neighbour));
        // A row that the browser moves loses the focus.
        request_animation_frame(move || {
            if let Some(focused) = focused {
                let _ = focused.focus();
            }
        });
    };
    let key_down = move |event: ev::KeyboardEvent| {
        let steps = match event.key().as_str() {
            "ArrowUp" => -1,
            "ArrowDown" => 1,
            _ => return,
        };
        if event.alt_key() {
            event.prevent_default();
            step(steps);
        }
    };
    let drop_here = move |event: ev::DragEvent| {
        event.prevent_default();
        if let Some(moved) = dragged.get_untracked().and_then(catalogue::graph) {
            layouts.change(|layout| layout.move_to(moved, graph));
        }
        dragged.set(None);
    };
    let is_shown = Memo::new(move |_| layouts.current.with(|layout| layout.shows(graph)));
    view! {
        <li
            draggable="true"
            data-graph=graph.id
            class:dragged=move || dragged.get() == Some(graph.id)
            on:keydown=key_down
            on:dragstart=move |_| dragged.set(Some(graph.id))
            on:dragend=move |_| dragged.set(None)
            on:dragover=move |event: ev::DragEvent| event.prevent_default()
            on:drop=drop_here
        >
            <span class="grip" aria-hidden="true">"⠿"</span>
            <label>
                <input
                    type="checkbox"
                    prop:checked=move || is_shown.get()
                    on:change=move |event| {
                        let is_shown = event_target_checked(&event);
                        layouts.change(|layout| layout.set_visible(graph, is_shown));
                    }
                />
                {graph.title}
            </label>
            <IconButton name="Move up" id="up" icon=UP press=move || step(-1) />
            <IconButton name="Move down" id="down" icon=DOWN press=move || step(1) />
            <Width graph />
        </li>
    }
}

/// The drop-down for the width of a card.
#[component]
fn Width(graph: &'static Graph) -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let columns = Memo::new(move |_| layouts.current.with(|layout| layout.columns(graph)));
    let option = move |count: u8| {
        let text = if count == 1 { "1 column".to_owned() } else { format!("{count} columns") };
        view! {
            <option value=count.to_string() selected=move || columns.get() == count>
                {text}
            </option>
        }
    };
    view! {
        <select
            class="control"
            aria-label=format!("Width of {}", graph.title)
            on:change=move |event| {
                if let Ok(columns) = event_target_value(&event).parse() {
                    layouts.change(|layout| layout.set_columns(graph, columns));
                }
            }
        >
            {(1..=MAX_COLUMNS).map(option).collect_view()}
        </select>
    }
}
