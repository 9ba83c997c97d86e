//! The top bar: scope, time range, refresh and page controls in one row, and below it the tabs and the key facts.
pub(crate) mod compare;
pub(crate) mod key_facts;
pub(crate) mod range;
pub(crate) mod range_dialog;
pub(crate) mod refresh;
pub(crate) mod scope;
pub(crate) mod sections;

use crate::state::theme::{self, Theme};
use crate::ui::customize::Customize;
use crate::ui::kit::dialog::DialogHandle;
use crate::ui::kit::icons::MORE;
use crate::ui::kit::popover::{Popover, close_popovers};
use crate::ui::topbar::compare::CompareControl;
use crate::ui::topbar::key_facts::KeyFacts;
use crate::ui::topbar::range::TimeControls;
use crate::ui::topbar::refresh::LiveControl;
use crate::ui::topbar::scope::ScopePath;
use crate::ui::topbar::sections::Sections;
use leptos::prelude::*;

/// The top bar; the children are further page controls, and `shortcuts` opens the list of keys.
#[component]
pub(crate) fn TopBar(shortcuts: DialogHandle, children: Children) -> impl IntoView {
    let (customize, custom_range) = (DialogHandle::panel(), DialogHandle::new());
    let theme = expect_context::<RwSignal<Theme>>();
    let switch_theme = move || {
        let other = theme.get_untracked().other();
        theme::choose(other);
        theme.set(other);
    };
    close_popovers();
    let item = |text: &'static str, id: &'static str, press: Box<dyn Fn()>| {
        view! {
            <button type="button" class="item" data-testid=id on:click=move |_| press()>
                {text}
            </button>
        }
    };
    view! {
        <header class="topbar">
            <div class="bar">
                <ScopePath />
                <TimeControls handle=custom_range />
                <LiveControl />
                <CompareControl />
                {children()}
                <Popover name="More" id="more" icon=MORE label=().into_any()>
                    <span class="only-phone">
                        {item("Custom time range", "when-item", Box::new(move || custom_range.open()))}
                    </span>
                    {item("Customize view", "customize", Box::new(move || customize.open()))}
                    {item("Light or dark", "theme", Box::new(switch_theme))}
                    {item("Keyboard shortcuts", "keys", Box::new(move || shortcuts.open()))}
                </Popover>
            </div>
            <div class="tabs-line">
                <Sections />
                <KeyFacts />
            </div>
            <Customize handle=customize />
        </header>
    }
}
