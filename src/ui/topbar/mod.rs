//! The two rows on top: scope and sections on the left, time, view and theme on the right.
pub(crate) mod controls;
pub(crate) mod range;
pub(crate) mod range_dialog;
pub(crate) mod refresh;
pub(crate) mod scope;

use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::state::theme as prefs;
use crate::state::theme::Theme;
use crate::ui::customize::Customize;
use crate::ui::page::section::shown_section;
use crate::ui::page::shortcuts::Shortcuts;
use crate::ui::topbar::controls::IconButton;
use crate::ui::topbar::range::TimeControls;
use crate::ui::topbar::scope::ScopeControls;
use catalogue::{GRAPHS, Section};
use leptos::prelude::*;

/// The top bar.
#[component]
pub(crate) fn TopBar() -> impl IntoView {
    view! {
        <header class="topbar">
            <div class="row">
                <ScopeControls />
                <TimeControls />
            </div>
            <div class="row">
                <Sections />
                <ThemeButton />
            </div>
        </header>
    }
}

/// Sections that have data, and the one that is open even if it has none.
#[component]
fn Sections() -> impl IntoView {
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

#[component]
fn ThemeButton() -> impl IntoView {
    let theme = expect_context::<RwSignal<Theme>>();
    view! {
        <div class="group end">
            <Customize />
            <Shortcuts />
            <IconButton
                name="Light or dark"
                id="theme"
                icon="◐"
                press=move || {
                    let other = theme.get_untracked().other();
                    prefs::choose(other);
                    theme.set(other);
                }
            />
        </div>
    }
}
