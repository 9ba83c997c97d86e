//! Customize view: the list of all graphs that have data, to show, hide, order and widen.
use crate::data::feed::Feed;
use crate::state::layout::storage::Layouts;
use crate::state::layout::{Layout, MAX_COLUMNS};
use crate::state::navigation::Navigation;
use crate::state::theme as prefs;
use crate::ui::kit::conditional::{Each, Show};
use crate::ui::kit::dialog::{Dialog, Modal};
use crate::ui::kit::clipboard;
use crate::ui::kit::controls::{Choice, IconButton, Select, TextButton};
use catalogue::{Graph, Section};
use leptos::prelude::*;
use leptos::{ev, html};
use std::sync::Arc;

/// The button that opens the list, and the list.
#[component]
pub(crate) fn Customize() -> impl IntoView {
    let modal = Modal::new();
    view! {
        <TextButton text="Customize view" id="customize" press=move || modal.open() />
        <Dialog modal id="customize" title="Customize view">
            <Panel />
        </Dialog>
    }
}

/// By what requests can be counted.
const SECOND: &str = "second";
const MINUTE: &str = "minute";

#[component]
fn Panel() -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let search = RwSignal::new(String::new());
    let said = RwSignal::new(String::new());
    let navigation = expect_context::<Navigation>();
    let by = [SECOND, MINUTE].map(|by| Choice { value: by.into(), text: format!("per {by}") }).to_vec();
    let chosen =
        Memo::new(move |_| navigation.view.with(|view| if view.is_per_minute { MINUTE } else { SECOND }.to_owned()));
    let choose = move |by: String| {
        prefs::keep_per_minute(by == MINUTE);
        navigation.adjust(|view| view.is_per_minute = by == MINUTE);
    };
    let copy = move || {
        let say =
            move |left: Option<String>| said.set(left.unwrap_or_else(|| "The link is in the clipboard.".to_owned()));
        clipboard::copy(layouts.link(), Box::new(say));
    };
    view! {
        <input
            type="search"
            class="control search"
            placeholder="Search graphs"
            aria-label="Search graphs"
            data-testid="customize-search"
            autofocus
            prop:value=move || search.get()
            on:input=move |event| search.set(event_target_value(&event))
        />
        <div class="lists">
            {Section::ALL.into_iter().map(|section| view! { <Group section search /> }).collect_view()}
        </div>
        <div class="foot">
            <Select name="Rates of requests" id="rates" choices=by chosen choose />
            <p role="status">{move || said.get()}</p>
            <TextButton text="Copy a link to this view" id="customize-link" press=copy />
            <button
                type="button"
                class="control"
                data-testid="customize-reset"
                disabled=move || layouts.current.with(Layout::is_default)
                on:click=move |_| layouts.change(|layout| *layout = Layout::default())
            >
                "Reset"
            </button>
        </div>
    }
}

/// The graphs of a section that have data and match the search, in their order.
#[component]
fn Group(section: Section, search: RwSignal<String>) -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let ids = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        let wanted = search.with(|text| text.trim().to_ascii_lowercase());
        let matches = |graph: &Graph| graph.title.to_ascii_lowercase().contains(&wanted) || graph.id.contains(&wanted);
        let ordered = layouts.current.with(|layout| layout.ordered(section));
        feed.inventory.with(|inventory| {
            let has = |graph: &&Graph| inventory.as_ref().is_some_and(|inventory| inventory.has(graph, &scope));
            ordered.into_iter().filter(|graph| matches(graph)).filter(has).map(|graph| graph.id).collect::<Vec<_>>()
        })
    });
    let dragged = RwSignal::new(None::<&'static str>);
    view! {
        <Show when=move || !ids.with(Vec::is_empty)>
            <section>
                <h3>{section.title()}</h3>
                <ul>
                    <Each ids view=Arc::new(move |graph| view! { <Row graph ids dragged /> }.into_any()) />
                </ul>
            </section>
        </Show>
    }
}

#[component]
fn Row(
    graph: &'static Graph,
    /// The rows of the section, in order.
    ids: Memo<Vec<&'static str>>,
    dragged: RwSignal<Option<&'static str>>,
) -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let row = NodeRef::<html::Li>::new();
    let neighbour = move |by: isize| {
        ids.with_untracked(|ids| {
            let at = ids.iter().position(|id| *id == graph.id)?.checked_add_signed(by)?;
            catalogue::graph(ids.get(at)?)
        })
    };
    let step = move |by: isize| {
        if let Some(other) = neighbour(by) {
            layouts.change(|layout| layout.move_to(graph, other));
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowUp" => -1,
            "ArrowDown" => 1,
            _ => return,
        };
        if event.alt_key() {
            event.prevent_default();
            step(by);
        }
    };
    let drop_here = move |event: ev::DragEvent| {
        event.prevent_default();
        if let Some(moved) = dragged.get_untracked().and_then(catalogue::graph) {
            layouts.change(|layout| layout.move_to(moved, graph));
        }
        dragged.set(None);
    };
    let columns = Memo::new(move |_| layouts.current.with(|layout| layout.columns(graph)));
    let is_shown = Memo::new(move |_| layouts.current.with(|layout| layout.shows(graph)));
    view! {
        <li
            node_ref=row
            draggable="true"
            data-graph=graph.id
            class:dragged=move || dragged.get() == Some(graph.id)
            on:keydown=on_key
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
                        layouts.change(|layout| layout.show(graph, is_shown));
                    }
                />
                {graph.title}
            </label>
            <IconButton name="Move up" id="up" icon="↑" press=move || step(-1) />
            <IconButton name="Move down" id="down" icon="↓" press=move || step(1) />
            <select
                class="control"
                aria-label=format!("Width of {}", graph.title)
                on:change=move |event| {
                    if let Ok(columns) = event_target_value(&event).parse() {
                        layouts.change(|layout| layout.set_columns(graph, columns));
                    }
                }
            >
                {(1..=MAX_COLUMNS)
                    .map(|count| {
                        let text = if count == 1 { "1 column".to_owned() } else { format!("{count} columns") };
                        view! {
                            <option value=count.to_string() selected=move || columns.get() == count>
                                {text}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </li>
    }
}
