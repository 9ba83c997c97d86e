//! The grid of cards of the open section; in a frame perhaps one card alone.
use crate::data::feed::Feed;
use crate::state::embed::EmbedContent;
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::ui::card::Card;
use crate::ui::kit::conditional::{Each, Show};
use crate::ui::page::missing_graphs::Absent;
use crate::ui::replicas::timeline::Timeline;
use crate::ui::topbar::sections::shown_section;
use catalogue::{Section, graph};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsValue;

/// About the size of a card, in CSS pixels.
const CARD_PX: (f64, f64) = (430.0, 360.0);

/// How many cards the window shows, more or less.
fn first_screen() -> usize {
    let length = |side: Result<JsValue, JsValue>, card: f64| {
        let length = side.ok().and_then(|length| length.as_f64()).unwrap_or_default();
        (length / card).floor().max(1.0) as usize
    };
    length(window().inner_width(), CARD_PX.0).min(4) * length(window().inner_height(), CARD_PX.1)
}

/// The cards; grey ones of the same size until it is known which there are.
#[component]
pub(crate) fn Cards() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let layouts = expect_context::<Layouts>();
    let section = shown_section();
    let alone = navigation.view.with_untracked(|view| match &view.embed {
        Some(frame) => match &frame.content {
            EmbedContent::Graph(id) => Some(graph(id).map(|graph| graph.id)),
            EmbedContent::All => None,
        },
        None => None,
    });
    let ids = Memo::new(move |_| {
        if let Some(alone) = alone {
            return Some(Vec::from_iter(alone));
        }
        let scope = navigation.view.with(|view| view.scope.clone());
        let section = section.get();
        feed.inventory.with(|inventory| {
            inventory.as_ref().map(|inventory| {
                let wanted = layouts.current.with(|layout| {
                    let ordered = layout.ordered(section).into_iter();
                    ordered.filter(|graph| layout.shows(graph)).collect::<Vec<_>>()
                });
                wanted
                    .into_iter()
                    .filter(|graph| inventory.has(graph, &scope))
                    .map(|graph| graph.id)
                    .collect::<Vec<_>>()
            })
        })
    });
    let is_known = Memo::new(move |_| ids.with(Option::is_some));
    let is_empty = Memo::new(move |_| ids.with(|ids| ids.as_ref().is_some_and(Vec::is_empty)));
    let first = first_screen();
    let has_timeline = Memo::new(move |_| section.get() == Section::Replicas && is_known.get());
    view! {
        <Show when=move || has_timeline.get()>
            <Timeline />
        </Show>
        <div class="cards" data-testid="cards">
            <Show
                when=move || is_known.get()
                fallback=|| (0..6).map(|_| view! { <div class="card skeleton" aria-hidden="true"></div> }).collect_view()
            >
                <Each
                    ids=Signal::derive(move || ids.get().unwrap_or_default())
                    view=Arc::new(move |graph| {
                        let near = |ids: &Option<Vec<_>>| ids.iter().flatten().take(first).any(|id| *id == graph.id);
                        view! { <Card graph is_near=ids.with_untracked(near) /> }.into_any()
                    })
                />
            </Show>
        </div>
        <Show when=move || is_empty.get() && !has_timeline.get()>
            <p class="nothing" data-testid="nothing">
                {match alone {
                    Some(_) => "There is no graph of this name. The menu of each card has the code to embed it.",
                    None => "Nothing of this section was measured in this range. Choose a longer range or another section.",
                }}
            </p>
        </Show>
        {alone.is_none().then(|| view! { <Absent section /> })}
    }
}
