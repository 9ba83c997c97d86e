//! The share button: it copies a link to what is on screen, and offers one with fixed times.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::state::url::encode;
use crate::state::view::Range;
use crate::ui::kit::clipboard::copy_link;
use crate::ui::kit::embed_code::page_address;
use crate::ui::kit::format_time as time;
use crate::ui::kit::icons::{SHARE, svg};
use leptos::ev;
use leptos::prelude::*;

/// Copies links to the page.
#[derive(Clone, Copy)]
pub(crate) struct Sharing {
    navigation: Navigation,
    feed: Feed,
    is_copied: RwSignal<bool>,
}

impl Sharing {
    pub(crate) fn new() -> Self {
        Self { navigation: expect_context(), feed: expect_context(), is_copied: RwSignal::new(false) }
    }

    /// Copies the address of the page.
    pub(crate) fn copy(self) {
        copy_link(window().location().href().unwrap_or_default(), self.is_copied);
    }

    /// Copies the address with the visible times in place of a range that follows the clock.
    pub(crate) fn copy_fixed(self) {
        let mut view = self.navigation.view.get_untracked();
        view.range = Range::Between(self.feed.range.get_untracked());
        copy_link(format!("{}?{}", page_address(), encode(&view)), self.is_copied);
    }
}

/// The button. Below it, a range that follows the clock can be fixed.
#[component]
pub(crate) fn Share(sharing: Sharing) -> impl IntoView {
    let length_ms = Memo::new(move |_| match sharing.navigation.view.with(|view| view.range) {
        Range::Last(length_ms) => Some(length_ms),
        Range::Between(_) => None,
    });
    let press = move |event: ev::MouseEvent| {
        sharing.copy();
        if length_ms.get_untracked().is_none() {
            // There is nothing to choose.
            event.prevent_default();
        }
    };
    let remark = move || {
        let length = time::duration(length_ms.get().unwrap_or_default());
        format!("Copied. Whenever it is opened, the link shows the last {length}.")
    };
    view! {
        <details class="popover" data-testid="share-panel">
            <summary
                class="control"
                data-testid="share"
                aria-label="Share"
                title="Copy a link to this view"
                on:click=press
            >
                <span class="narrow" inner_html=svg(SHARE)></span>
                <span class="wide" aria-live="polite">
                    {move || if sharing.is_copied.get() { "Copied" } else { "Share" }}
                </span>
            </summary>
            <div class="panel">
                <p class="note">{remark}</p>
                <button type="button" class="item" data-testid="share-fixed" on:click=move |_| sharing.copy_fixed()>
                    "Copy with fixed times instead"
                </button>
            </div>
        </details>
    }
}
