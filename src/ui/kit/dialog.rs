//! A modal dialog, and the handle that opens and closes it.
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::IconButton;
use crate::ui::kit::icons::CLOSE;
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Opens and closes a dialog. Its content is created when it opens and dropped when it closes.
#[derive(Clone, Copy)]
pub(crate) struct DialogHandle {
    node: NodeRef<html::Dialog>,
    is_open: RwSignal<bool>,
}

impl DialogHandle {
    /// The handle of a closed dialog.
    pub(crate) fn new() -> Self {
        Self { node: NodeRef::new(), is_open: RwSignal::new(false) }
    }

    /// Opens the dialog.
    pub(crate) fn open(self) {
        if let Some(dialog) = self.node.get_untracked() {
            self.is_open.set(true);
            // This fails only if the dialog is already open.
            let _ = dialog.show_modal();
            // The browser looks for it before the content is there.
            request_animation_frame(move || {
                let first = dialog.query_selector("[autofocus]").ok().flatten();
                if let Some(first) = first.and_then(|first| first.dyn_into::<HtmlElement>().ok()) {
                    let _ = first.focus();
                }
            });
        }
    }

    /// Closes the dialog.
    pub(crate) fn close(self) {
        if let Some(dialog) = self.node.get_untracked() {
            dialog.close();
        }
    }
}

/// A dialog with a title. Its close button, Escape or a click outside closes it. The browser keeps the focus inside and
/// restores it afterwards.
#[component]
pub(crate) fn Dialog(
    handle: DialogHandle,
    /// The class, and the prefix of the names for tests.
    id: &'static str,
    title: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let heading = format!("{id}-title");
    let labelled_by = heading.clone();
    let children = StoredValue::new(children);
    // The target of a click on the backdrop is the dialog itself.
    let close_outside = move |event: ev::MouseEvent| {
        if event.target() == handle.node.get_untracked().map(|dialog| (*dialog).clone().into()) {
            handle.close();
        }
    };
    view! {
        <dialog
            node_ref=handle.node
            class=id
            aria-labelledby=labelled_by
            data-testid=format!("{id}-dialog")
            on:click=close_outside
            on:close=move |_| handle.is_open.set(false)
        >
            <div class="head">
                <h2 id=heading>{title}</h2>
                <IconButton name="Close" id="dialog-close" icon=CLOSE press=move || handle.close() />
            </div>
            <Show when=move || handle.is_open.get()>{children.with_value(|children| children())}</Show>
        </dialog>
    }
}
