//! The two rows on top: scope and sections on the left, time, view and theme on the right.
pub(crate) mod range;
pub(crate) mod range_dialog;
pub(crate) mod refresh;
pub(crate) mod scope;
pub(crate) mod sections;

use crate::state::theme as prefs;
use crate::state::theme::Theme;
use crate::ui::customize::Customize;
use crate::ui::kit::controls::IconButton;
use crate::ui::topbar::range::TimeControls;
use crate::ui::topbar::scope::ScopeControls;
use crate::ui::topbar::sections::Sections;
use leptos::prelude::*;

/// The top bar.
#[component]
pub(crate) fn TopBar(children: Children) -> impl IntoView {
    view! {
        <header class="topbar">
            <div class="row">
                <ScopeControls />
                <TimeControls />
            </div>
            <div class="row">
                <Sections />
                <div class="group end">
                    <Customize />
                    {children()}
                    <ThemeButton />
                </div>
            </div>
        </header>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let theme = expect_context::<RwSignal<Theme>>();
    view! {
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
    }
}
