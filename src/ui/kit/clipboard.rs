//! Copying to the clipboard.
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// How long the page says that something was copied.
pub(crate) const FEEDBACK_TIME: Duration = Duration::from_secs(4);

/// Copies a text, then calls `done` with nothing, or with the text if the browser does not allow pages to copy, as
/// without TLS.
pub(crate) fn copy(text: String, done: Box<dyn FnOnce(Option<String>)>) {
    let clipboard = window().navigator().clipboard();
    if AsRef::<JsValue>::as_ref(&clipboard).is_undefined() {
        return done(Some(text));
    }
    crate::wasm_size::spawn::spawn(async move {
        let result = JsFuture::from(clipboard.write_text(&text)).await;
        done(result.is_err().then_some(text));
    });
}

/// Copies a link and sets `is_copied` for a while. If the browser does not allow it, shows the link.
pub(crate) fn copy_link(link: String, is_copied: RwSignal<bool>) {
    let done = move |not_copied: Option<String>| match not_copied {
        None => {
            is_copied.set(true);
            set_timeout(move || is_copied.set(false), FEEDBACK_TIME);
        }
        Some(link) => drop(window().prompt_with_message_and_default("Copy this link:", &link)),
    };
    copy(link, Box::new(done));
}
