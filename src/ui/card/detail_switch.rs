//! The switch of a card between sums or averages and its details: status codes, replicas or GPUs.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use catalogue::{Detail, Graph};
use leptos::prelude::*;

/// The switch; nothing for a graph without details.
#[component]
pub(crate) fn DetailSwitch() -> impl IntoView {
    let CardContext { graph, data, options, .. } = expect_context();
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    let has_data = Memo::new(move |_| data.with(Option::is_some));
    let is_detailed = Memo::new(move |_| options.with(|options| options.is_detailed));
    // Finding out takes time, and the answer changes only with what exists.
    let has_details = Memo::new(move |_| {
        feed.inventory.track();
        has_data.get() && feed.available_options(graph).has_details
    });
    let toggle = move |_| {
        navigation.adjust(|view| {
            view.card_options.change(graph, &mut |options| options.is_detailed = !options.is_detailed);
        });
    };
    view! {
        <Show when=move || has_details.get() || is_detailed.get()>
            <button
                type="button"
                class="detail"
                data-testid="detail"
                title="Details"
                aria-pressed=move || is_detailed.get().to_string()
                on:click=toggle
            >
                {text(graph)}
            </button>
        </Show>
    }
}

fn text(graph: &Graph) -> &'static str {
    match graph.detail {
        Detail::Codes => "Codes",
        Detail::Replicas => "Each replica",
        Detail::Gpus => "Each GPU",
    }
}
