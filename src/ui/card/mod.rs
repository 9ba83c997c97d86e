//! A card: heading, boxes, graph and legend of one graph of the catalogue.
pub(crate) mod fullscreen;
pub(crate) mod last_value;
pub(crate) mod legend;
pub(crate) mod menu;
pub(crate) mod menu_items;
pub(crate) mod picture;
pub(crate) mod stage;
pub(crate) mod statistics;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod threshold;

use crate::data::feed::Feed;
use crate::data::graph::card_state::Status;
use crate::state::card_options::CardOptions;
use crate::state::layout::storage::Layouts;
use crate::ui::card::fullscreen::Enlarged;
use crate::ui::card::last_value::note;
use crate::ui::card::legend::Legend;
use crate::ui::card::menu::Menu;
use crate::ui::card::stage::Stage;
use crate::ui::card::summary::Boxes;
use crate::ui::card::threshold::WithinTarget;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::help::Help;
use crate::ui::kit::observe::watch_screen;
use crate::wasm_size::effect::on_change;
use catalogue::Graph;
use leptos::html;
use leptos::prelude::*;

/// The card of a graph. One that is near asks before the page has been laid out, which would tell that it is in sight.
#[component]
pub(crate) fn Card(graph: &'static Graph, is_near: bool) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let layouts = expect_context::<Layouts>();
    let state = RwSignal::from(feed.card(graph));
    let card @ CardContext { drawn, status, choices, .. } = CardContext::new(graph, state);
    provide_context(card);
    on_change(move || choices.with(CardOptions::data_options), move || feed.refresh_card(graph));
    let node = NodeRef::<html::Section>::new();
    if is_near {
        feed.set_on_screen(graph, true);
    }
    watch_screen(node, move |is_on_screen| feed.set_on_screen(graph, is_on_screen));
    on_cleanup(move || feed.set_on_screen(graph, false));
    let is_enlarged = RwSignal::new(false);
    let heading = format!("heading-{}", graph.id);
    let query = Signal::derive(move || drawn.with(|drawn| drawn.as_ref().map(|drawn| drawn.query.clone())));
    view! {
        <section
            node_ref=node
            class="card"
            data-graph=graph.id
            data-columns=move || layouts.current.with(|layout| layout.columns(graph)).to_string()
            data-status=move || {
                match status.get() {
                    Status::Loading => "loading",
                    Status::Live => "live",
                    Status::Stale { .. } => "stale",
                    Status::Failed(_) => "failed",
                    Status::Missing(_) => "absent",
                }
            }
            data-points=move || drawn.with(|drawn| drawn.as_ref().map_or(0, |drawn| drawn.frame.times_ms.len()))
            aria-labelledby=heading
        >
            <header>
                <h2 id=heading.clone() title=graph.title>{graph.title}</h2>
                <span class="unit">{move || card.unit().suffix()}</span>
                <Help id=graph.id title=graph.title text=graph.help query />
                <span class="now">{move || note(card)}</span>
                <Menu is_enlarged />
            </header>
            <Boxes />
            <WithinTarget />
            <Stage />
            <Show when=move || matches!(status.get(), Status::Failed(_))>
                <p class="failure" role="alert" data-testid="failure">
                    {move || if let Status::Failed(why) = status.get() { why } else { String::new() }}
                </p>
            </Show>
            <Legend />
            <Enlarged is_open=is_enlarged />
        </section>
    }
}
