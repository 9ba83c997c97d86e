//! What the whole page has to say: the server is away, or there is no engine yet.
use super::{show::Show, time};
use crate::feed::{Connection, Feed};
use leptos::prelude::*;

/// The banner; nothing while all is well.
#[component]
pub(super) fn Banner() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let lost = Memo::new(move |_| match feed.connection.get() {
        Connection::Down { since_ms, why, retry_ms } => Some((since_ms, why, retry_ms)),
        Connection::Opening | Connection::Up { .. } => None,
    });
    let lost_text = move || {
        lost.get().map(|(since_ms, why, retry_ms)| {
            let wait = time::age(retry_ms - js_sys::Date::now() as i64 + 999);
            // Before the first answer there is nothing to keep.
            let kept = if feed.inventory.with(Option::is_some) { " The graphs keep what they had;" } else { "" };
            let next = if kept.is_empty() { " Next" } else { " next" };
            format!("Since {}: {why}.{kept}{next} try in {wait}.", time::clock(since_ms))
        })
    };
    let has_no_engine = Memo::new(move |_| {
        feed.inventory.with(|inventory| inventory.as_ref().is_some_and(|inventory| inventory.models().is_empty()))
            && feed.answering.get().1 == 0
    });
    view! {
        <Show when=move || lost.get().is_some()>
            <div class="banner warn" role="status" data-testid="lost">
                <p>
                    <b>"No connection. "</b>
                    {lost_text}
                </p>
                <button type="button" class="control" on:click=move |_| feed.refresh()>
                    "Try now"
                </button>
            </div>
        </Show>
        <Show when=move || has_no_engine.get()>
            <div class="banner" role="status" data-testid="no-engine">
                <p>
                    <b>"No inference engine found yet. "</b>
                    "Start vLLM, SGLang, TGI, llama.cpp or Triton on this machine and it appears here by itself. "
                    "For another machine, start the server with "
                    <code>"--target http://HOST:8000/metrics"</code> "."
                </p>
            </div>
        </Show>
    }
}
