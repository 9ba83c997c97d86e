//! What is on the page while something holds, or for each of several. Leptos's own bring a copy of themselves for each
//! place where they are used.
use catalogue::{Graph, graph};
use leptos::children::{ChildrenFn, ViewFn};
use leptos::prelude::*;
use std::sync::Arc;

/// The children while `when` holds, and else the fallback.
#[component]
pub(crate) fn Show(
    #[prop(into)] when: Signal<bool>,
    children: ChildrenFn,
    #[prop(optional, into)] fallback: ViewFn,
) -> impl IntoView {
    let when = Memo::new(move |_| when.get());
    move || if when.get() { children() } else { fallback.run() }
}

/// A view of each graph of a list, which stays as it is while the graph is in the list.
#[component]
pub(crate) fn Each(
    #[prop(into)] ids: Signal<Vec<&'static str>>,
    view: Arc<dyn Fn(&'static Graph) -> AnyView + Send + Sync>,
) -> impl IntoView {
    view! {
        <For each=move || ids.get() key=|id| *id let:id>
            {graph(id).map(|graph| view(graph))}
        </For>
    }
}
