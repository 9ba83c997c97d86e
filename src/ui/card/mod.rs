//! A card: title, summary, graph, legend and menu of one graph of the catalogue.
pub(crate) mod detail_switch;
pub(crate) mod fullscreen;
pub(crate) mod last_value;
pub(crate) mod legend;
pub(crate) mod menu;
pub(crate) mod menu_items;
pub(crate) mod notes;
pub(crate) mod peers;
pub(crate) mod picture;
pub(crate) mod remarks;
pub(crate) mod stage;
pub(crate) mod statistics;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod threshold;

use crate::data::feed::Feed;
use crate::data::graph::card_state::Status;
use crate::state::card_options::CardOptions;
use crate::state::layout::storage::Layouts;
use crate::ui::card::detail_switch::DetailSwitch;
use crate::ui::card::fullscreen::Fullscreen;
use crate::ui::card::last_value::{header_name, header_source, header_text};
use crate::ui::card::legend::Legend;
use crate::ui::card::menu::Menu;
use crate::ui::card::notes::NotesMark;
use crate::ui::card::stage::Stage;
use crate::ui::card::summary::SummaryValues;
use crate::ui::card::threshold::ThresholdShare;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::help::Help;
use crate::ui::kit::observe::on_visibility_change;
use crate::wasm_size::effect::on_change;
use catalogue::Graph;
use leptos::html;
use leptos::prelude::*;

/// The card of a graph. It queries its data while it is in the window; with `is_near`, already before the first layout
/// shows whether it is.
#[component]
pub(crate) fn Card(graph: &'static Graph, is_near: bool) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let layouts = expect_context::<Layouts>();
    let state = RwSignal::from(feed.card(graph));
    let card @ CardContext { data, status, options, .. } = CardContext::new(graph, state);
    provide_context(card);
    on_change(move || options.with(CardOptions::data_options), move || feed.refresh_card(graph));
    let node = NodeRef::<html::Section>::new();
    if is_near {
        feed.set_on_screen(graph, true);
    }
    on_visibility_change(Box::new(move || node.get().map(Into::into)), move |is_on_screen| {
        feed.set_on_screen(graph, is_on_screen);
    });
    on_cleanup(move || feed.set_on_screen(graph, false));
    let is_fullscreen = RwSignal::new(false);
    let heading = format!("heading-{}", graph.id);
    let query = Signal::derive(move || data.with(|data| data.as_ref().map(|data| data.whole_query().to_owned())));
    view! {
        <section
            node_ref=node
            class="card"
            data-graph=graph.id
            data-columns=move || layouts.current.with(|layout| layout.columns(graph)).to_string()
            data-status=move || status_id(&status.get())
            data-points=move || data.with(|data| data.as_ref().map_or(0, |data| data.frame.times_ms.len()))
            aria-labelledby=heading
        >
            <header>
                <h2 id=heading.clone() title=graph.title>{graph.title}</h2>
                <span class="unit">{move || if header_text(card).is_empty() { card.unit().suffix() } else { "" }}</span>
                <Help id=graph.id title=graph.title text=graph.help query />
                <NotesMark />
                <DetailSwitch />
                <span class="now-of">{move || if header_text(card).is_empty() { "" } else { header_name(card) }}</span>
                <span class="now" title=move || header_source(card)>{move || header_text(card)}</span>
                <Menu is_fullscreen />
            </header>
            <SummaryValues />
            <ThresholdShare />
            <Stage />
            <Show when=move || matches!(status.get(), Status::Failed(_))>
                <p class="failure" role="alert" data-testid="failure">
                    {move || if let Status::Failed(reason) = status.get() { reason } else { String::new() }}
                </p>
            </Show>
            <Legend />
            <Fullscreen is_open=is_fullscreen />
        </section>
    }
}

/// The name of a status for tests.
fn status_id(status: &Status) -> &'static str {
    match status {
        Status::Loading => "loading",
        Status::Live => "live",
        Status::Stale { .. } => "stale",
        Status::Failed(_) => "failed",
        Status::Missing(_) => "absent",
    }
}
