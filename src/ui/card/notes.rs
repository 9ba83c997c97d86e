//! The mark of a card whose answers came with warnings, hints or limits.
use crate::data::graph::card_state::{AnswerNote, CardData};
use crate::ui::graph::context::CardContext;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::icons::{WARNING, svg};
use leptos::prelude::*;

/// The mark, with what the server says as its tooltip; nothing if the server says nothing.
#[component]
pub(crate) fn NotesMark() -> impl IntoView {
    let CardContext { data, .. } = expect_context();
    let text = Memo::new(move |_| data.with(|data| data.as_ref().map(|data| text(data)).unwrap_or_default()));
    view! {
        <Show when=move || text.with(|text| !text.is_empty())>
            <span class="notes" role="img" tabindex="0" data-testid="notes" title=text aria-label=text inner_html=svg(WARNING)></span>
        </Show>
    }
}

fn text(data: &CardData) -> String {
    let texts: Vec<&str> = data.notes.iter().map(|AnswerNote { text, .. }| text.as_str()).collect();
    if texts.is_empty() { String::new() } else { format!("The server says: {}", texts.join("; ")) }
}
