//! The tabs of the top bar, and which one is open.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use catalogue::{GRAPHS, Section};
use leptos::prelude::*;

/// The open section: the one asked for, or the first that has data.
pub(crate) fn shown_section() -> Memo<Section> {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    Memo::new(move |_| {
        let (asked, scope) = navigation.view.with(|view| (view.section, view.scope.clone()));
        asked.unwrap_or_else(|| {
            feed.inventory.with(|inventory| {
                let first = GRAPHS
                    .iter()
                    .find(|graph| inventory.as_ref().is_some_and(|inventory| inventory.has(graph, &scope)));
                first.map_or(Section::Requests, |graph| graph.section)
            })
        })
    })
}

/// Sections that have data, and the one that is open even if it has none.
#[component]
pub(crate) fn Sections() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let shown = shown_section();
    let sections = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        feed.inventory.with(|inventory| {
            let has_data = |section: Section| {
                let own = GRAPHS.iter().filter(|graph| graph.section == section);
                inventory.as_ref().is_some_and(|inventory| own.into_iter().any(|graph| inventory.has(graph, &scope)))
            };
            Section::ALL.into_iter().filter(|section| has_data(*section) || *section == shown.get()).collect::<Vec<_>>()
        })
    });
    let button = move |section: Section| {
        view! {
            <button
                type="button"
                data-testid=format!("section-{}", section.id())
                aria-current=move || (shown.get() == section).then_some("page")
                on:click=move |_| navigation.go(|view| view.section = Some(section))
            >
                {section.title()}
            </button>
        }
    };
    view! {
        <nav class="sections" aria-label="Sections">
            {move || sections.get().into_iter().map(button).collect_view()}
        </nav>
    }
}
