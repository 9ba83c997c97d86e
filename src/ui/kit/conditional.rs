//! Conditional views and lists of graphs. Leptos's own components are monomorphised for each place of use, which makes the
//! page larger.
use catalogue::{Graph, graph};
use leptos::children::{ChildrenFn, ViewFn};
use leptos::prelude::*;
use std::sync::Arc;

/// The children while `when` is true, the fallback otherwise.
#[component]
pub(crate) fn Show(
    #[prop(into)] when: Signal<bool>,
    children: ChildrenFn,
    #[prop(optional, into)] fallback: ViewFn,
) -> impl IntoView {
    let when = Memo::new(move |_| when.get());
    move || if when.get() { children() } else { fallback.run() }
}

/// A view of each graph. The view of a graph is kept as long as the graph is in the list.
#[component]
pub(crate) fn ForEachGraph(
    #[prop(into)] ids: Signal<Vec<&'static str>>,
    view: Arc<dyn Fn(&'static Graph) -> AnyView + Send + Sync>,
) -> impl IntoView {
    view! {
        <For each=move || ids.get() key=|id| *id let:id>
            {graph(id).map(|graph| view(graph))}
        </For>
    }
}
