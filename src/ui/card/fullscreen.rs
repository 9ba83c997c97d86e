//! A card over the whole window, or the whole screen.
use crate::ui::card::last_value::note;
use crate::ui::card::legend::Legend;
use crate::ui::card::menu::Menu;
use crate::ui::card::stage::Stage;
use crate::ui::card::summary::Boxes;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::IconButton;
use crate::wasm_size::effect::effect;
use leptos::html;
use leptos::prelude::*;

/// The dialog; the browser keeps the focus in it, closes it on Escape, and gives the focus back.
#[component]
pub(crate) fn Enlarged(is_open: RwSignal<bool>) -> impl IntoView {
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
    // A dialog itself may not take the screen. What is removed, as when it closes, gives the screen back.
    let take_screen = move || match (document().fullscreen_element(), content.get_untracked()) {
        (Some(_), _) => document().exit_fullscreen(),
        (None, Some(content)) => drop(content.request_fullscreen()),
        (None, None) => {}
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
                        <span class="now">{move || note(card)}</span>
                        <Menu is_enlarged=is_open is_large=true />
                        {document()
                            .fullscreen_enabled()
                            .then(|| view! { <IconButton name="Full screen" id="full-screen" icon="⤢" press=take_screen /> })}
                        <IconButton name="Close" id="close" icon="✕" press=close />
                    </header>
                    <Boxes />
                    <Stage />
                    <Legend />
                </div>
            </dialog>
        </Show>
    }
}
