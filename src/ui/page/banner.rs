//! What the whole page has to say: the server is away, there is no engine yet, or what became of the link.
use crate::data::feed::{Connection, Feed};
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::state::url::has_invalid_times;
use crate::ui::kit::format_time as time;
use crate::ui::kit::controls::TextButton;
use crate::wasm_size::effect::on_change;
use leptos::prelude::*;

/// One of the banners.
struct Note {
    /// Stable name for tests.
    id: &'static str,
    is_warning: bool,
    head: &'static str,
    text: String,
    actions: &'static [Action],
}

/// What a button of a banner does.
#[derive(Clone, Copy)]
enum Action {
    Retry,
    KeepLayout,
    OwnLayout,
}

/// The banners; nothing while all is well.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let (feed, layouts) = (expect_context::<Feed>(), expect_context::<Layouts>());
    let navigation = expect_context::<Navigation>();
    let is_odd = RwSignal::new(has_invalid_times(&window().location().search().unwrap_or_default()));
    on_change(move || navigation.view.with(|view| view.range), move || is_odd.set(false));
    let has_no_engine = Memo::new(move |_| {
        feed.inventory.with(|inventory| inventory.as_ref().is_some_and(|inventory| inventory.models().is_empty()))
            && feed.replica_count.get().total == 0
    });
    let lost = Memo::new(move |_| match feed.connection.get() {
        Connection::Down { since_ms, why, retry_ms } => {
            let wait = time::age(retry_ms - js_sys::Date::now() as i64 + 999);
            // Before the first answer there is nothing to keep.
            let kept = if feed.inventory.with(Option::is_some) { " The graphs keep what they had;" } else { "" };
            let next = if kept.is_empty() { " Next" } else { " next" };
            Some(format!("Since {}: {why}.{kept}{next} try in {wait}.", time::clock(since_ms)))
        }
        Connection::Opening | Connection::Up { .. } => None,
    });
    let notes = move || {
        let note =
            |id, is_warning, head, text: &str, actions| Note { id, is_warning, head, text: text.into(), actions };
        let lost = lost.get().map(|text| note("lost", true, "No connection. ", &text, &[Action::Retry]));
        let odd = || note("odd-times", true, "The times in this link make no range. ", "The usual one is shown.", &[]);
        let borrowed = || {
            let actions = &[Action::KeepLayout, Action::OwnLayout];
            note("borrowed", false, "This layout came with the link. ", "Your own is still kept.", actions)
        };
        let no_engine = || note("no-engine", false, "No inference engine found yet. ", NO_ENGINE, &[]);
        let notes =
            [lost, is_odd.get().then(odd), layouts.is_borrowed().then(borrowed), has_no_engine.get().then(no_engine)];
        notes.into_iter().flatten().collect::<Vec<_>>()
    };
    let act = move |action| match action {
        Action::Retry => feed.refresh(),
        Action::KeepLayout => layouts.settle(true),
        Action::OwnLayout => layouts.settle(false),
    };
    let button = move |action: &Action| {
        let action = *action;
        let (text, id) = match action {
            Action::Retry => ("Try now", "try-now"),
            Action::KeepLayout => ("Keep this layout", "layout-keep"),
            Action::OwnLayout => ("Back to mine", "layout-own"),
        };
        view! { <TextButton text id press=move || act(action) /> }
    };
    let banner = move |Note { id, is_warning, head, text, actions }: Note| {
        view! {
            <div class="banner" class:warn=is_warning role="status" data-testid=id>
                <p>
                    <b>{head}</b>
                    {text}
                </p>
                {actions.iter().map(button).collect_view()}
            </div>
        }
    };
    move || notes().into_iter().map(banner).collect_view()
}

const NO_ENGINE: &str = "Start vLLM, SGLang, TGI, llama.cpp or Triton on this machine and it appears here by itself. \
    For another machine, start the server with --target http://HOST:8000/metrics.";
