//! The cards of the open section, or the one card that an embed shows.
use crate::data::discovery::scrapes::FailedTargets;
use crate::data::feed::Feed;
use crate::state::embed::EmbedContent;
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::ui::card::Card;
use crate::ui::kit::conditional::{ForEachGraph, Show};
use crate::ui::models::Models;
use crate::ui::page::findings::{FindingsFoot, FindingsList};
use crate::ui::page::key_figures::KeyFigures;
use crate::ui::page::missing_graphs::MissingGraphs;
use crate::ui::page::unknown_scope::is_unknown;
use crate::ui::replicas::timeline::Timeline;
use crate::ui::topbar::sections::{open_section, shows_models};
use catalogue::{Section, graph};
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsValue;

/// The approximate size of a card, in CSS pixels.
const CARD_WIDTH_PX: f64 = 430.0;
const CARD_HEIGHT_PX: f64 = 360.0;

/// The limit of cards in one row.
const MAX_COLUMNS: usize = 4;

/// The approximate number of cards that fit into the window.
fn cards_in_window() -> usize {
    let count = |length: Result<JsValue, JsValue>, card_px: f64| {
        let length = length.ok().and_then(|length| length.as_f64()).unwrap_or_default();
        (length / card_px).floor().max(1.0) as usize
    };
    let columns = count(window().inner_width(), CARD_WIDTH_PX).min(MAX_COLUMNS);
    columns * count(window().inner_height(), CARD_HEIGHT_PX)
}

/// The graph of an embed that shows a single card: none if the id is unknown. The outer value is none on the whole page.
fn embedded_graph(navigation: Navigation) -> Option<Option<&'static str>> {
    navigation.view.with_untracked(|view| match &view.embed.as_ref()?.content {
        EmbedContent::Graph(id) => Some(graph(id).map(|graph| graph.id)),
        EmbedContent::All => None,
    })
}

/// The graphs to show, in order; none until discovery has found out which have data.
fn visible_graphs(section: Memo<Section>, embedded: Option<Option<&'static str>>) -> Memo<Option<Vec<&'static str>>> {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let layouts = expect_context::<Layouts>();
    Memo::new(move |_| {
        if let Some(embedded) = embedded {
            return Some(Vec::from_iter(embedded));
        }
        let scope = navigation.view.with(|view| view.scope.clone());
        let section = section.get();
        feed.inventory.with(|inventory| {
            let inventory = inventory.as_ref()?;
            layouts.current.with(|layout| {
                let ordered = layout.ordered(section).into_iter();
                let visible = ordered.filter(|graph| layout.shows(graph));
                Some(inventory.fed(visible, &scope).map(|graph| graph.id).collect())
            })
        })
    })
}

/// Why nothing is shown: `failing` targets, or else the range. A longer range does not help a target that fails.
fn no_data(text: &str, failing: &str) -> String {
    match failing {
        "" => format!("{text} Select a longer range or another section."),
        _ => format!("{text} Scrapes fail. {failing}"),
    }
}

/// The table of models or, if a model or a section is selected, its key figures and cards.
#[component]
pub(crate) fn Content() -> impl IntoView {
    let shows_models = shows_models();
    let is_embed = expect_context::<Navigation>().view.with_untracked(|view| view.embed.is_some());
    view! {
        <Show when=move || shows_models.get() fallback=move || view! {
            {(!is_embed).then(|| view! { <FindingsList /><KeyFigures /> })}
            <Cards />
        }>
            <Models />
        </Show>
    }
}

/// The cards, or placeholders of the same size while discovery is running.
#[component]
fn Cards() -> impl IntoView {
    let section = open_section();
    let embedded = embedded_graph(expect_context());
    let ids = visible_graphs(section, embedded);
    let is_loaded = Memo::new(move |_| ids.with(Option::is_some));
    let is_empty = Memo::new(move |_| ids.with(|ids| ids.as_ref().is_some_and(Vec::is_empty)));
    let in_window = cards_in_window();
    let (feed, navigation) = (expect_context::<Feed>(), expect_context());
    let is_unknown = Memo::new(move |_| is_unknown(feed, navigation));
    let has_timeline = Memo::new(move |_| section.get() == Section::Replicas && is_loaded.get() && !is_unknown.get());
    view! {
        <Show when=move || has_timeline.get()>
            <Timeline />
        </Show>
        <div class="cards" data-testid="cards">
            <Show
                when=move || is_loaded.get()
                fallback=|| (0..6).map(|_| view! { <div class="card skeleton" aria-hidden="true"></div> }).collect_view()
            >
                <ForEachGraph
                    ids=Signal::derive(move || ids.get().unwrap_or_default())
                    view=Arc::new(move |graph| {
                        let is_near =
                            |ids: &Option<Vec<_>>| ids.iter().flatten().take(in_window).any(|id| *id == graph.id);
                        view! { <Card graph is_near=ids.with_untracked(is_near) /> }.into_any()
                    })
                />
            </Show>
        </div>
        <Show when=move || is_empty.get() && !has_timeline.get() && !is_unknown.get()>
            <p class="nothing" data-testid="nothing">
                {move || match (embedded, feed.failed_targets.with(FailedTargets::text)) {
                    (Some(_), _) => "Unknown graph. Use the embed code from the menu of a card.".to_owned(),
                    (None, failing) => no_data("No data in this section for the selected range.", &failing),
                }}
            </p>
        </Show>
        <Show when=move || embedded.is_none() && !is_unknown.get()>
            <MissingGraphs section />
            <FindingsFoot />
        </Show>
    }
}
