//! Keeps the layout for everyone who opens the model.
use crate::data::feed::Feed;
use crate::data::notes::NotKept;
use crate::data::shared_layouts::shared_layout;
use crate::state::layout::storage::Layouts;
use crate::ui::kit::html::find;
use crate::wasm_size::spawn::spawn;
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// The button, what came of it, and a second one where somebody else has kept another layout. As text it is a kilobyte
/// smaller than as components.
const CONTENT: &str = r#"<p role="status" data-testid="everyone-message"></p>
<button type="button" class="control" data-testid="everyone">Keep for everyone</button>
<button type="button" class="control" data-testid="everyone-theirs" hidden>Take theirs</button>"#;

/// The button; if this page may not write, the reason in its place. Nothing over a server that keeps no layouts.
#[component]
pub(crate) fn ForEveryone() -> impl IntoView {
    let (feed, layouts) = (expect_context::<Feed>(), expect_context::<Layouts>());
    let backend = feed.backend().filter(|backend| backend.has_notes);
    backend.map(|backend| {
        spawn(async move {
            if let Err(reason) = backend.write_key().await {
                report(&format!("This layout cannot be kept for everyone: {reason}"), false);
                set_hidden("everyone", true);
            }
        });
        let press = move |event: ev::MouseEvent| match pressed_button(&event).as_deref() {
            Some("everyone") => spawn(keep(feed, layouts)),
            Some(_) => {
                layouts.reset();
                report("", false);
            }
            None => {}
        };
        view! { <div class="everyone" on:click=press inner_html=CONTENT></div> }
    })
}

/// The name for tests of the button that was pressed.
fn pressed_button(event: &ev::MouseEvent) -> Option<String> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    target.closest("button").ok()??.get_attribute("data-testid")
}

/// Says what came of it, and offers another's layout if there is one.
fn report(text: &str, has_theirs: bool) {
    if let Some(message) = find("[data-testid=everyone-message]") {
        message.set_text_content(Some(text));
    }
    set_hidden("everyone-theirs", !has_theirs);
}

fn set_hidden(id: &str, is_hidden: bool) {
    if let Some(button) = find(&format!("[data-testid={id}]")) {
        button.set_hidden(is_hidden);
    }
}

async fn keep(feed: Feed, layouts: Layouts) {
    let (model, layout) = (layouts.model.get_untracked(), layouts.current.get_untracked());
    match feed.write_layout(&model, &layout, layouts.shared_revision()).await {
        Ok(kept) => {
            layouts.set_shared(&model, kept);
            // What is everyone's need not be one's own.
            layouts.change(|_| {});
            report("Kept for everyone who has no layout of their own.", false);
        }
        Err(NotKept::Refused(reason)) => report(&reason, false),
        Err(NotKept::Changed(found)) => {
            // Whoever has been told of another's layout replaces it, or takes it.
            layouts.set_shared(&model, shared_layout(&found));
            report("Somebody else has kept another layout meanwhile. Keeping yours again replaces it.", true);
        }
    }
}
