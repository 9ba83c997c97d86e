//! Customize view: shows, hides, orders and widens graphs.
mod for_everyone;
mod row;

use crate::data::feed::Feed;
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::state::theme::store_per_minute;
use crate::ui::customize::for_everyone::ForEveryone;
use crate::ui::customize::row::Row;
use crate::ui::kit::clipboard::copy;
use crate::ui::kit::conditional::{ForEachGraph, Show};
use crate::ui::kit::controls::{Choice, Select, TextButton};
use crate::ui::kit::dialog::{Dialog, DialogHandle};
use catalogue::{Graph, Section};
use leptos::prelude::*;
use std::sync::Arc;

/// The panel.
#[component]
pub(crate) fn Customize(handle: DialogHandle) -> impl IntoView {
    view! {
        <Dialog handle id="customize" title="Customize view">
            <Panel />
        </Dialog>
    }
}

/// The units of time for request rates.
const SECOND: &str = "second";
const MINUTE: &str = "minute";

#[component]
fn Panel() -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let search = RwSignal::new(String::new());
    let message = RwSignal::new(String::new());
    let navigation = expect_context::<Navigation>();
    let choices = [SECOND, MINUTE].map(|unit| Choice { value: unit.into(), text: format!("per {unit}") }).to_vec();
    let chosen =
        Memo::new(move |_| navigation.view.with(|view| if view.is_per_minute { MINUTE } else { SECOND }.to_owned()));
    let choose = move |unit: String| {
        store_per_minute(unit == MINUTE);
        navigation.adjust(|view| view.is_per_minute = unit == MINUTE);
    };
    let copy_link = move || {
        let done = move |not_copied: Option<String>| {
            message.set(not_copied.unwrap_or_else(|| "Link copied.".to_owned()));
        };
        copy(layouts.link(), Box::new(done));
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
            {Section::ALL.into_iter().map(|section| view! { <SectionGraphs section search /> }).collect_view()}
        </div>
        <div class="foot">
            <Select name="Request rates" id="rates" choices chosen choose />
            <p role="status">{move || message.get()}</p>
            <TextButton text="Copy link to this layout" id="customize-link" press=copy_link />
            <button
                type="button"
                class="control"
                data-testid="customize-reset"
                disabled=move || layouts.is_base()
                on:click=move |_| layouts.reset()
            >
                "Reset"
            </button>
            <ForEveryone />
        </div>
    }
}

/// The graphs of a section that have data and match the search, in the order of the layout.
#[component]
fn SectionGraphs(section: Section, search: RwSignal<String>) -> impl IntoView {
    let layouts = expect_context::<Layouts>();
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let ids = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        let text = search.with(|text| text.trim().to_ascii_lowercase());
        let matches = |graph: &Graph| graph.title.to_ascii_lowercase().contains(&text) || graph.id.contains(&text);
        let ordered = layouts.current.with(|layout| layout.ordered(section));
        feed.inventory.with(|inventory| {
            let Some(inventory) = inventory else { return Vec::new() };
            let wanted = ordered.into_iter().filter(|graph| matches(graph));
            inventory.fed(wanted, &scope).map(|graph| graph.id).collect::<Vec<_>>()
        })
    });
    let dragged = RwSignal::new(None::<&'static str>);
    view! {
        <Show when=move || !ids.with(Vec::is_empty)>
            <section>
                <h3>{section.title()}</h3>
                <ul>
                    <ForEachGraph ids view=Arc::new(move |graph| view! { <Row graph ids dragged /> }.into_any()) />
                </ul>
            </section>
        </Show>
    }
}
