//! Banners about the page as a whole: no connection, targets that fail, no login, no engine, an invalid link, or a layout
//! from a link.
use crate::data::discovery::scrapes::FailedTargets;
use crate::data::feed::{Connection, Feed};
use crate::state::layout::storage::Layouts;
use crate::state::navigation::Navigation;
use crate::state::url::{has_invalid_times, is_of_later_version};
use crate::ui::kit::clipboard::copy;
use crate::ui::kit::controls::TextButton;
use crate::ui::kit::format_time as time;
use crate::wasm_size::effect::on_change;
use leptos::prelude::*;

/// A banner.
struct Message {
    /// The name for tests.
    id: &'static str,
    is_warning: bool,
    title: &'static str,
    text: String,
    /// A command that helps; empty if there is none.
    command: &'static str,
    actions: &'static [Action],
}

/// The action of a banner's button.
#[derive(Clone, Copy)]
enum Action {
    Retry,
    KeepLayout,
    OwnLayout,
    CopyCommand,
    Dismiss,
}

impl Action {
    fn text(self) -> &'static str {
        match self {
            Self::Retry => "Retry now",
            Self::KeepLayout => "Keep this layout",
            Self::OwnLayout => "Use my layout",
            Self::CopyCommand => "Copy command",
            Self::Dismiss => "Dismiss",
        }
    }

    /// The name for tests.
    fn id(self) -> &'static str {
        match self {
            Self::Retry => "try-now",
            Self::KeepLayout => "layout-keep",
            Self::OwnLayout => "layout-own",
            Self::CopyCommand => "copy-command",
            Self::Dismiss => "dismiss",
        }
    }
}

/// The banners; nothing if there is nothing to say.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let (feed, layouts) = (expect_context::<Feed>(), expect_context::<Layouts>());
    let navigation = expect_context::<Navigation>();
    let search = window().location().search().unwrap_or_default();
    let is_invalid = RwSignal::new(has_invalid_times(&search));
    // The first change of the view rewrites the address.
    let is_later = RwSignal::new(is_of_later_version(&search));
    on_change(move || navigation.view.get(), move || is_later.set(false));
    on_change(move || navigation.view.with(|view| view.range), move || is_invalid.set(false));
    let has_no_engine = Memo::new(move |_| {
        feed.inventory.with(|inventory| inventory.as_ref().is_some_and(|inventory| inventory.models().is_empty()))
            && feed.replica_count.get().total == 0
    });
    let has_data = Memo::new(move |_| feed.inventory.with(Option::is_some));
    let disconnected = Memo::new(move |_| disconnected_text(&feed.connection.get(), has_data.get()));
    let messages = move || {
        let disconnected = disconnected.get().map(|text| Message {
            id: "lost",
            is_warning: true,
            title: if has_data.get() { "Connection lost " } else { "No connection " },
            text,
            command: "",
            actions: &[Action::Retry],
        });
        let failing = feed.failed_targets.with(FailedTargets::text);
        let failing = (!failing.is_empty())
            .then(|| Message { is_warning: true, ..message("failing-targets", "Scrapes fail. ", &failing) });
        let constant = |is_present: bool, message: fn() -> Message| is_present.then(message);
        let messages = [
            disconnected,
            failing,
            constant(is_later.get(), later_version),
            constant(is_invalid.get(), invalid_times),
            constant(layouts.is_preview(), layout_from_link),
            constant(feed.is_open.get(), open_network),
            constant(has_no_engine.get(), no_engine),
        ];
        messages.into_iter().flatten().collect::<Vec<_>>()
    };
    let run = move |action| match action {
        Action::Retry => feed.refresh(),
        Action::KeepLayout => layouts.end_preview(true),
        Action::OwnLayout => layouts.end_preview(false),
        Action::Dismiss => feed.is_open.set(false),
        Action::CopyCommand => copy(ADD_TARGET.to_owned(), Box::new(|_| {})),
    };
    let button = move |action: &Action| {
        let action = *action;
        view! { <TextButton text=action.text() id=action.id() press=move || run(action) /> }
    };
    let banner = move |Message { id, is_warning, title, text, command, actions }: Message| {
        let command = (!command.is_empty()).then(|| view! { <code>{command}</code> });
        view! {
            <div class="banner" class:warn=is_warning role="status" data-testid=id>
                <p>
                    <b>{title}</b>
                    {text}
                </p>
                {command}
                {actions.iter().map(button).collect_view()}
            </div>
        }
    };
    move || messages().into_iter().map(banner).collect_view()
}

/// Since when and why there is no connection; none while there is one.
fn disconnected_text(connection: &Connection, has_data: bool) -> Option<String> {
    let Connection::Down { since_ms, why, retry_ms } = connection else { return None };
    let (since, retry) = (time::clock(*since_ms), time::age(retry_ms - js_sys::Date::now() as i64 + 999));
    Some(match has_data {
        true => format!("at {since} ({why}). Showing the last data received; retrying in {retry}."),
        false => format!("since {since} ({why}). Retrying in {retry}."),
    })
}

fn message(id: &'static str, title: &'static str, text: &str) -> Message {
    Message { id, is_warning: false, title, text: text.to_owned(), command: "", actions: &[] }
}

fn later_version() -> Message {
    let text = "Options that this version does not support are ignored. Reload the page to update it.";
    let message = message("later-version", "This link was made by a later version of Inferboard. ", text);
    Message { is_warning: true, ..message }
}

fn invalid_times() -> Message {
    let message = message("odd-times", "This link's time range is invalid. ", "Showing the default range.");
    Message { is_warning: true, ..message }
}

fn layout_from_link() -> Message {
    let message = message("borrowed", "This layout came with the link. ", "Your own layout has not changed.");
    Message { actions: &[Action::KeepLayout, Action::OwnLayout], ..message }
}

fn open_network() -> Message {
    let text = "The server listens on a network without read_token_file, which would make people sign in.";
    let message = message("open-network", "Everyone who reaches this address can read this page. ", text);
    Message { is_warning: true, actions: &[Action::Dismiss], ..message }
}

/// The command that adds a model on another machine.
const ADD_TARGET: &str = "inferboard-server --target http://HOST:8000/metrics";

fn no_engine() -> Message {
    let message = message(
        "no-engine",
        "No inference engines found. ",
        "Start vLLM, SGLang, TGI, llama.cpp or Triton on this machine, and its requests, latencies and replicas appear \
         here within seconds. To add a model on another machine, start the server with --target and its address:",
    );
    Message { command: ADD_TARGET, actions: &[Action::CopyCommand], ..message }
}
