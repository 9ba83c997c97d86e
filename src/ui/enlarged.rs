//! A card over the whole window.
use super::{boxes::Boxes, canvas::Plot, card::CardContext, legend::Legend, show::Show};
use crate::effect::effect;
use leptos::{html, prelude::*};

/// The dialog; the browser keeps the focus in it, closes it on Escape, and gives the focus back.
#[component]
pub(super) fn Enlarged(is_open: RwSignal<bool>) -> impl IntoView {
    let card @ CardContext { graph, .. } = expect_context();
    let node = NodeRef::<html::Dialog>::new();
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
    view! {
        <Show when=move || is_open.get()>
            <dialog
                node_ref=node
                class="card enlarged"
                data-testid="enlarged"
                aria-label=graph.title
                on:close=move |_| is_open.set(false)
            >
                <header>
                    <h2>{graph.title}</h2>
                    <span class="unit">{move || card.unit().suffix()}</span>
                    <button
                        type="button"
                        class="menu-button end"
                        data-testid="close"
                        aria-label="Close"
                        on:click=move |_| close()
                    >
                        "×"
                    </button>
                </header>
                <Boxes />
                <div class="stage">
                    <Plot />
                </div>
                <Legend />
            </dialog>
        </Show>
    }
}
