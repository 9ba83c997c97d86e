//! Auto-refresh, and the age of the data.
use crate::data::feed::{Connection, Feed};
use crate::data::http::server_clock::ServerClock;
use crate::state::cursor::Pointer;
use crate::state::navigation::Navigation;
use crate::state::url::format_duration;
use crate::state::view::Refresh;
use crate::ui::kit::controls::{Choice, Select};
use crate::ui::kit::format_time as time;
use leptos::prelude::*;

/// The largest difference between the server's clock and the browser's that is not mentioned.
const MAX_SKEW_MS: i64 = 5000;

/// The switch for auto-refresh, with its interval.
#[component]
pub(crate) fn RefreshControl() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let is_on = Memo::new(move |_| navigation.view.with(|view| view.refresh.is_on));
    let interval_ms = Memo::new(move |_| navigation.view.with(|view| view.refresh.interval_ms));
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
    view! {
        <span class="refresh">
            <span class="zone" aria-hidden="true">"Refresh"</span>
            <button
                type="button"
                class="switch"
                role="switch"
                data-testid="refresh"
                aria-label="Auto-refresh"
                title="Auto-refresh"
                aria-checked=move || is_on.get().to_string()
                on:click=move |_| navigation.adjust(|view| view.refresh.is_on = !view.refresh.is_on)
            >
                <i></i>
            </button>
            <Select
                name="Refresh interval"
                id="every"
                choices
                chosen=Memo::new(move |_| interval_ms.get().to_string())
                choose
                is_bare=true
            />
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

/// The age of the data. A click refreshes them.
#[component]
pub(crate) fn DataAge() -> impl IntoView {
    let (feed, pointer) = (expect_context::<Feed>(), expect_context::<Pointer>());
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
                let paused = if pointer.is_pinned.get() { "paused, " } else { "" };
                format!("{paused}{} ago", time::age(seconds * 1000))
            }
        },
        Connection::Down { .. } if feed.inventory.with(Option::is_none) => "no response".to_owned(),
        Connection::Down { since_ms, .. } => format!("{} old", time::age(now_ms() - since_ms)),
    };
    // Time ranges follow the server's clock, so a difference from the user's clock is worth a note.
    let skew = move || {
        let skew_ms = feed.clock.with(ServerClock::offset_ms);
        let direction = if skew_ms > 0 { "ahead" } else { "behind" };
        (skew_ms.abs() > MAX_SKEW_MS).then(|| format!("server clock {} {direction}", time::age(skew_ms.abs())))
    };
    view! {
        <span class="skew" data-testid="skew">
            {skew}
        </span>
        <button
            type="button"
            class="updated"
            data-testid="updated"
            title="Time since the last update; click to refresh"
            on:click=move |_| feed.refresh()
        >
            {text}
        </button>
    }
}
