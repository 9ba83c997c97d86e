//! The section tabs, and the section that is open.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use catalogue::{GRAPHS, Section};
use leptos::prelude::*;

/// The open section: the one in the link, or else the first with data.
pub(crate) fn open_section() -> Memo<Section> {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    Memo::new(move |_| {
        let (selected, scope) = navigation.view.with(|view| (view.section, view.scope.clone()));
        selected.unwrap_or_else(|| {
            feed.inventory.with(|inventory| {
                let first = inventory.as_ref().and_then(|own| own.fed(GRAPHS.iter().copied(), &scope).next());
                first.map_or(Section::Requests, |graph| graph.section)
            })
        })
    })
}

/// The sections with data, and the open one even without data.
#[component]
pub(crate) fn Sections() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let open = open_section();
    let sections = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        feed.inventory.with(|inventory| {
            let mut graphs = Vec::new();
            if let Some(inventory) = inventory {
                graphs.extend(inventory.fed(GRAPHS.iter().copied(), &scope));
            }
            let has_data = |section: Section| graphs.iter().any(|graph| graph.section == section);
            Section::ALL.into_iter().filter(|section| has_data(*section) || *section == open.get()).collect::<Vec<_>>()
        })
    });
    let tab = move |section: Section| {
        view! {
            <button
                type="button"
                data-testid=format!("section-{}", section.id())
                aria-current=move || (open.get() == section).then_some("page")
                on:click=move |_| navigation.go(|view| view.section = Some(section))
            >
                {section.title()}
            </button>
        }
    };
    view! {
        <nav class="sections" aria-label="Sections">
            {move || sections.get().into_iter().map(tab).collect_view()}
        </nav>
    }
}
