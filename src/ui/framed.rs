//! The page in a frame of another one: one card that fills it, or all cards, without the bar on top.
use super::{banner::Banner, card::Card, cards::Cards};
use crate::{
    embed::Channel,
    state::{frame::Content, navigation::Navigation},
};
use catalogue::graph;
use leptos::{html, prelude::*};

/// What the link asks for.
#[component]
pub(super) fn Framed() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let content = navigation.view.with_untracked(|view| view.frame.as_ref().map(|frame| frame.content.clone()));
    let node = NodeRef::<html::Main>::new();
    Channel::open(navigation, node);
    let shown = match content {
        Some(Content::Graph(id)) => match graph(&id) {
            Some(graph) => view! { <Card graph /> }.into_any(),
            None => view! {
                <p class="nothing" data-testid="no-such-graph">
                    "There is no graph of this name: " <code>{id}</code> ". Copy the code to embed from the menu of a card."
                </p>
            }
            .into_any(),
        },
        Some(Content::All) | None => view! {
            <Banner />
            <Cards />
        }
        .into_any(),
    };
    view! { <main node_ref=node>{shown}</main> }
}
