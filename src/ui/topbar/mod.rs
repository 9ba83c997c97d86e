//! The two rows of the top bar: scope and time range, then sections and page controls.
pub(crate) mod range;
pub(crate) mod range_dialog;
pub(crate) mod refresh;
pub(crate) mod scope;
pub(crate) mod sections;

use crate::state::theme::{self, Theme};
use crate::ui::customize::Customize;
use crate::ui::kit::controls::IconButton;
use crate::ui::topbar::range::TimeControls;
use crate::ui::topbar::scope::ScopeControls;
use crate::ui::topbar::sections::Sections;
use leptos::prelude::*;

/// The top bar; the children are further page controls.
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
    let switch = move || {
        let other = theme.get_untracked().other();
        theme::choose(other);
        theme.set(other);
    };
    view! { <IconButton name="Switch between light and dark" id="theme" icon="◐" press=switch /> }
}
