//! The page: a Leptos single-page app that queries a Prometheus HTTP API and draws the answers.
//!
//! `state` is what is on screen, `data` gets the data, `ui` shows them, and `embed` talks to the parent of an embedded
//! page. `state` imports none of the others, and `data` and `embed` do not import `ui`.
#![warn(clippy::disallowed_methods)]
pub mod data;
pub mod embed;
pub mod state;
pub mod ui;
pub mod wasm_size;

/// Mounts the app on the document's body.
pub fn start() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(ui::page::app::App);
}

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
