//! A card that fills the window or the screen.
use crate::ui::card::last_value::header_text;
use crate::ui::card::legend::Legend;
use crate::ui::card::menu::Menu;
use crate::ui::card::notes::NotesMark;
use crate::ui::card::stage::Stage;
use crate::ui::card::summary::SummaryValues;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::IconButton;
use crate::ui::kit::icons::{CLOSE, EXPAND};
use crate::wasm_size::effect::effect;
use leptos::html;
use leptos::prelude::*;

/// The card in a dialog. The browser keeps the focus inside, closes it on Escape, and restores the focus.
#[component]
pub(crate) fn Fullscreen(is_open: RwSignal<bool>) -> impl IntoView {
    let card @ CardContext { graph, .. } = expect_context();
    let (node, content) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Div>::new());
    effect(move || {
        if let Some(dialog) = node.get() {
            let _ = dialog.show_modal();
        }
    });
    let close = move || {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    // A dialog cannot fill the screen, but its content can. The browser leaves full screen when the content is removed.
    let toggle_full_screen = move || match (document().fullscreen_element(), content.get_untracked()) {
        (Some(_), _) => document().exit_fullscreen(),
        (None, Some(content)) => drop(content.request_fullscreen()),
        (None, None) => {}
    };
    let full_screen_button = move || {
        let is_available = document().fullscreen_enabled();
        is_available.then(|| {
            view! { <IconButton name="Full screen" id="full-screen" icon=EXPAND press=toggle_full_screen /> }
        })
    };
    view! {
        <Show when=move || is_open.get()>
            <dialog
                node_ref=node
                class="enlarged"
                data-testid="enlarged"
                aria-label=graph.title
                on:close=move |_| is_open.set(false)
            >
                <div node_ref=content class="card">
                    <header>
                        <h2>{graph.title}</h2>
                        <span class="unit">{move || card.unit().suffix()}</span>
                        <NotesMark />
                        <span class="now">{move || header_text(card)}</span>
                        <Menu is_fullscreen=is_open is_large=true />
                        {full_screen_button()}
                        <IconButton name="Close" id="close" icon=CLOSE press=close />
                    </header>
                    <SummaryValues />
                    <Stage />
                    <Legend />
                </div>
            </dialog>
        </Show>
    }
}
