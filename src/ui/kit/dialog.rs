//! A dialog, modal or beside the page, and the handle that opens and closes it.
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
    is_modal: bool,
    /// What had the focus before a panel opened. The browser remembers that of a modal dialog.
    focused_before: StoredValue<Option<HtmlElement>, LocalStorage>,
}

impl DialogHandle {
    /// The handle of a closed modal dialog.
    pub(crate) fn new() -> Self {
        Self {
            node: NodeRef::new(),
            is_open: RwSignal::new(false),
            is_modal: true,
            focused_before: StoredValue::new_local(None),
        }
    }

    /// The handle of a closed panel, beside which the page can be used.
    pub(crate) fn panel() -> Self {
        Self { is_modal: false, ..Self::new() }
    }

    /// Opens the dialog.
    pub(crate) fn open(self) {
        if let Some(dialog) = self.node.get_untracked() {
            self.is_open.set(true);
            focus_popover();
            if self.is_modal {
                // This fails only if the dialog is already open.
                let _ = dialog.show_modal();
            } else if !dialog.open() {
                let focused = document().active_element().and_then(|element| element.dyn_into().ok());
                self.focused_before.set_value(focused);
                dialog.show();
            }
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
            if let Some(before) = self.focused_before.try_update_value(Option::take).flatten() {
                let _ = before.focus();
            }
        }
    }

    /// Has Escape close a panel, wherever the focus is, as the browser does with a modal dialog.
    fn close_with_escape(self) {
        if self.is_modal {
            return;
        }
        let listener = window_event_listener(ev::keydown, move |event| {
            let is_open = self.is_open.get_untracked();
            let has_modal = || document().query_selector("dialog:modal").ok().flatten().is_some();
            if is_open && event.key() == "Escape" && !has_modal() {
                self.close();
            }
        });
        on_cleanup(move || listener.remove());
    }
}

/// Moves the focus from an item of a panel, which is about to close, to its button: there it returns to.
fn focus_popover() {
    let panel = document().active_element().and_then(|focused| focused.closest("details.popover").ok().flatten());
    let summary = panel.and_then(|panel| panel.query_selector("summary").ok().flatten());
    if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
        let _ = summary.focus();
    }
}

/// A dialog with a title. Its close button and Escape close it, and the focus returns to where it was. A modal one keeps the
/// focus inside, and a click outside closes it.
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
    handle.close_with_escape();
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
