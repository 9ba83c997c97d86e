//! The "?" beside a title: what the graph shows, and its query.
use leptos::prelude::*;

/// The button and its text.
#[component]
pub(crate) fn Help(
    id: &'static str,
    title: &'static str,
    text: &'static str,
    #[prop(into)] query: Signal<Option<String>>,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let id = format!("help-{id}");
    let close = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            is_open.set(false);
        }
    };
    view! {
        <span class="help" on:keydown=close>
            <button
                type="button"
                class="question"
                data-testid="help"
                aria-label=format!("About {title}")
                aria-expanded=move || is_open.get().to_string()
                aria-controls=id.clone()
                on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
            >
                "?"
            </button>
            <div id=id class="help-text" tabindex="0" hidden=move || !is_open.get()>
                <p>{text}</p>
                <p class="query">
                    <code>{move || query.get()}</code>
                </p>
            </div>
        </span>
    }
}
