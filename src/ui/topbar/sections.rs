//! The tabs: the table of models and the sections, and which of them is open.
use crate::data::discovery::inventory::Inventory;
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use catalogue::{GRAPHS, Scope, Section};
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

/// Whether the table of models is open: no model and no section is selected, and there are several models.
pub(crate) fn shows_models() -> Memo<bool> {
    let navigation = expect_context::<Navigation>();
    let can_show = can_show_models();
    Memo::new(move |_| can_show.get() && navigation.view.with(|view| view.section.is_none()))
}

/// Whether the scope has several models to choose from; what names no model counts as one.
fn can_show_models() -> Memo<bool> {
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    Memo::new(move |_| {
        let is_wide = navigation.view.with(|view| {
            let Scope { model, deployment, replica, .. } = &view.scope;
            model.is_none() && deployment.is_none() && replica.is_none() && view.embed.is_none()
        });
        let has_several = |inventory: &Inventory| {
            let named = inventory.models().len();
            named > 1 || named == 1 && inventory.has_unnamed()
        };
        is_wide && feed.inventory.with(|inventory| inventory.as_deref().is_some_and(has_several))
    })
}

/// The table of models if there is one, the sections with data, and the open one even without data.
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
    let (can_show_models, shows_models) = (can_show_models(), shows_models());
    // None stands for the table of models.
    let tab = move |section: Option<Section>| {
        let (id, title) = section.map_or(("models", "All models"), |section| (section.id(), section.title()));
        let is_open = move || match section {
            None => shows_models.get(),
            Some(section) => open.get() == section && !shows_models.get(),
        };
        view! {
            <button
                type="button"
                data-testid=format!("section-{id}")
                aria-current=move || is_open().then_some("page")
                on:click=move |_| navigation.go(|view| view.section = section)
            >
                {title}
            </button>
        }
    };
    let tabs = move || {
        let models = can_show_models.get().then_some(None);
        models.into_iter().chain(sections.get().into_iter().map(Some)).map(tab).collect_view()
    };
    view! {
        <nav class="sections" aria-label="Sections">
            {tabs}
        </nav>
    }
}
