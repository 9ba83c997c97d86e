//! A dialog over the page, and the button that opens it.
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::IconButton;
use leptos::prelude::*;
use leptos::{ev, html};

/// The way to open and close a dialog; what is in it is made when it opens and goes when it closes.
#[derive(Clone, Copy)]
pub(crate) struct Modal {
    node: NodeRef<html::Dialog>,
    is_open: RwSignal<bool>,
}

impl Modal {
    pub(crate) fn new() -> Self {
        Self { node: NodeRef::new(), is_open: RwSignal::new(false) }
    }

    pub(crate) fn open(self) {
        if let Some(dialog) = self.node.get_untracked() {
            self.is_open.set(true);
            // It fails only where it is open already.
            let _ = dialog.show_modal();
        }
    }

    pub(crate) fn close(self) {
        if let Some(dialog) = self.node.get_untracked() {
            dialog.close();
        }
    }
}

/// The dialog: closed by its cross, by Escape and by a click beside it; the browser keeps the focus in it and gives it
/// back.
#[component]
pub(crate) fn Dialog(
    modal: Modal,
    /// Class, and the beginning of its names for tests.
    id: &'static str,
    title: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let heading = format!("{id}-title");
    let labelled_by = heading.clone();
    let children = StoredValue::new(children);
    // A click beside the dialog is one on its backdrop, which counts as the dialog itself.
    let outside = move |event: ev::MouseEvent| {
        if event.target() == modal.node.get_untracked().map(|dialog| (*dialog).clone().into()) {
            modal.close();
        }
    };
    view! {
        <dialog
            node_ref=modal.node
            class=id
            aria-labelledby=labelled_by
            data-testid=format!("{id}-dialog")
            on:click=outside
            on:close=move |_| modal.is_open.set(false)
        >
            <div class="head">
                <h2 id=heading>{title}</h2>
                <IconButton name="Close" id="dialog-close" icon="✕" press=move || modal.close() />
            </div>
            <Show when=move || modal.is_open.get()>{children.with_value(|children| children())}</Show>
        </dialog>
    }
}
