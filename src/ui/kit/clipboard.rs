//! Copying to the clipboard.
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// Copies a text, and then tells what could not be copied: nothing, or the text where the browser does not let a page
/// copy, as without TLS.
pub(crate) fn copy(text: String, done: Box<dyn FnOnce(Option<String>)>) {
    let clipboard = window().navigator().clipboard();
    if AsRef::<JsValue>::as_ref(&clipboard).is_undefined() {
        return done(Some(text));
    }
    leptos::task::spawn_local(async move {
        let result = JsFuture::from(clipboard.write_text(&text)).await;
        done(result.is_err().then_some(text));
    });
}

/// How long it is said that something was copied.
pub(crate) const TOLD: Duration = Duration::from_secs(4);

/// Copies this page's address, and tells so for a while; where it cannot be copied, shows it.
pub(crate) fn share(is_told: RwSignal<bool>) {
    let done = move |left: Option<String>| match left {
        None => {
            is_told.set(true);
            set_timeout(move || is_told.set(false), TOLD);
        }
        Some(link) => drop(window().prompt_with_message_and_default("Copy this link:", &link)),
    };
    copy(window().location().href().unwrap_or_default(), Box::new(done));
}
