//! Auto-refresh, and the age of the data.
use crate::data::feed::{Connection, Feed};
use crate::data::http::server_clock::ServerClock;
use crate::state::cursor::Pointer;
use crate::state::navigation::Navigation;
use crate::state::url::format_duration;
use crate::state::view::Refresh;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::{Choice, Select, TextButton};
use crate::ui::kit::format_time as time;
use crate::ui::kit::popover::Popover;
use leptos::prelude::*;

/// The largest difference between the server's clock and the browser's that is not mentioned.
const MAX_SKEW_MS: i64 = 5000;

/// Auto-refresh with its interval, the age of the data, and what holds it up.
#[component]
pub(crate) fn LiveControl() -> impl IntoView {
    let (navigation, feed) = (expect_context::<Navigation>(), expect_context::<Feed>());
    let pointer = expect_context::<Pointer>();
    let is_on = Memo::new(move |_| navigation.view.with(|view| view.refresh.is_on));
    let interval_ms = Memo::new(move |_| navigation.view.with(|view| view.refresh.interval_ms));
    let is_live = Memo::new(move |_| is_on.get() && !pointer.is_pinned.get());
    let choices = Memo::new(move |_| {
        let mut intervals = Refresh::INTERVALS_MS.to_vec();
        if !intervals.contains(&interval_ms.get()) {
            intervals.push(interval_ms.get());
        }
        let choice = |ms: i64| Choice { value: ms.to_string(), text: spaced(&format_duration(ms)) };
        intervals.into_iter().map(choice).collect::<Vec<_>>()
    });
    let choose = move |value: String| {
        if let Ok(interval_ms) = value.parse() {
            navigation.adjust(|view| view.refresh = Refresh { is_on: true, interval_ms });
        }
    };
    let text = move || match is_live.get() {
        true => format!("Live · {}", spaced(&format_duration(interval_ms.get()))),
        false => "Paused".to_owned(),
    };
    let label = view! {
        <i class="live-dot" class:on=move || is_live.get()></i>
        <span class="wide">{text}</span>
        <DataAge />
    };
    view! {
        <Popover name="" id="live" label=label.into_any()>
            <label class="line">
                "Auto-refresh"
                <button
                    type="button"
                    class="switch"
                    role="switch"
                    data-testid="refresh"
                    aria-label="Auto-refresh"
                    aria-checked=move || is_on.get().to_string()
                    on:click=move |_| navigation.adjust(|view| view.refresh.is_on = !view.refresh.is_on)
                >
                    <i></i>
                </button>
            </label>
            <Select
                name="Interval"
                id="every"
                choices
                chosen=Memo::new(move |_| interval_ms.get().to_string())
                choose
            />
            <TextButton text="Refresh now" id="refresh-now" press=move || feed.refresh() />
            <Show when=move || pointer.is_pinned.get()>
                <p>"Values are pinned on a graph, so the page waits."</p>
                <TextButton text="Unpin and go on" id="unpin" press=move || pointer.is_pinned.set(false) />
            </Show>
            <Skew />
        </Popover>
    }
}

/// A difference between the server's clock and the browser's that is worth a note: time ranges follow the server's.
#[component]
fn Skew() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let skew = move || {
        let skew_ms = feed.clock.with(ServerClock::offset_ms);
        let direction = if skew_ms > 0 { "ahead" } else { "behind" };
        (skew_ms.abs() > MAX_SKEW_MS).then(|| format!("server clock {} {direction}", time::age(skew_ms.abs())))
    };
    view! {
        <span class="skew" data-testid="skew">
            {skew}
        </span>
    }
}

/// `5s` as `5 s`.
fn spaced(duration: &str) -> String {
    let digits = duration.find(|c: char| !c.is_ascii_digit()).unwrap_or(duration.len());
    let unit = match &duration[digits..] {
        "m" => "min",
        unit => unit,
    };
    format!("{} {unit}", &duration[..digits])
}

/// The age of the data.
#[component]
fn DataAge() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let browser_ms = RwSignal::new(js_sys::Date::now() as i64);
    let timer = StoredValue::new_local(gloo_timers::callback::Interval::new(1000, move || {
        browser_ms.set(js_sys::Date::now() as i64);
    }));
    let now_ms = move || feed.clock.with(|clock| clock.server_ms(browser_ms.get()));
    on_cleanup(move || timer.dispose());
    let text = move || match feed.connection.get() {
        Connection::Opening => "loading".to_owned(),
        Connection::Up { at_ms } => match (now_ms() - at_ms) / 1000 {
            ..=1 => "just now".to_owned(),
            seconds => {
                format!("{} ago", time::age(seconds * 1000))
            }
        },
        Connection::Down { .. } if feed.inventory.with(Option::is_none) => "no response".to_owned(),
        Connection::Down { since_ms, .. } => format!("{} old", time::age(now_ms() - since_ms)),
    };
    view! {
        <span class="updated" data-testid="updated">
            {text}
        </span>
    }
}
