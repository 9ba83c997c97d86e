//! Any time: a range in words, two fields with the browser's calendar, and the zone.
use crate::data::feed::Feed;
use crate::state::navigation::Navigation;
use crate::state::range_parser as when;
use crate::state::range_parser::RangeError;
use crate::state::time_range::TimeRange;
use crate::state::time_zone::TimeZone;
use crate::state::view::Range;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::dialog::{Dialog, Modal};
use crate::ui::kit::format_time as time;
use crate::ui::kit::controls::IconButton;
use leptos::ev;
use leptos::prelude::*;

/// Zones that are offered; others can be typed.
const ZONES: [&str; 8] = [
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
];

/// The button that opens the dialog, and the dialog.
#[component]
pub(crate) fn WhenButton() -> impl IntoView {
    let modal = Modal::new();
    view! {
        <IconButton name="Choose any time" id="when" icon="▦" press=move || modal.open() />
        <Dialog modal id="when" title="Choose any time">
            <Panel modal />
        </Dialog>
    }
}

#[component]
fn Panel(modal: Modal) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let feed = expect_context::<Feed>();
    let words = RwSignal::new(String::new());
    let problem = RwSignal::new(None::<RangeError>);
    let TimeRange { start_ms, end_ms } = navigation.view.with_untracked(|view| view.range.resolve(feed.now_ms()));
    let wall = |time_ms: i64| untrack(|| time::offset_ms(time_ms));
    let start = RwSignal::new(when::format_field(start_ms, &wall));
    let end = RwSignal::new(when::format_field(end_ms, &wall));
    let take = move |range: Result<Range, RangeError>| match range {
        Ok(range) => {
            navigation.select(range);
            modal.close();
        }
        Err(error) => problem.set(Some(error)),
    };
    let by_words = move |event: ev::SubmitEvent| {
        event.prevent_default();
        take(words.with_untracked(|words| when::parse_range(words, feed.now_ms(), &wall)));
    };
    let by_fields = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let time = |field: RwSignal<String>| field.with_untracked(|text| when::parse_field(text, &wall));
        take(match (time(start), time(end)) {
            (Some(start_ms), Some(end_ms)) if start_ms < end_ms => Ok(Range::between(start_ms, end_ms)),
            (Some(_), Some(_)) => Err(RangeError::Backwards),
            _ => Err(RangeError::Unknown),
        });
    };
    view! {
        <form on:submit=by_words>
            <label>
                "In words"
                <input
                    type="text"
                    class="control"
                    data-testid="when-words"
                    placeholder="90m, yesterday, 2026-11-20 14:00 to 15:30"
                    autofocus
                    prop:value=move || words.get()
                    on:input=move |event| {
                        problem.set(None);
                        words.set(event_target_value(&event));
                    }
                />
            </label>
            <button type="submit" class="control" data-testid="when-take">"Show"</button>
        </form>
        <form on:submit=by_fields>
            <Field name="From" value=start />
            <Field name="To" value=end />
            <button type="submit" class="control">"Show"</button>
        </form>
        <p class="problem" role="alert" data-testid="when-problem">
            {move || problem.get().map(|problem| problem.to_string())}
        </p>
        <ZoneField />
    }
}

#[component]
fn Field(name: &'static str, value: RwSignal<String>) -> impl IntoView {
    view! {
        <label>
            {name}
            <input
                type="datetime-local"
                class="control"
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
        </label>
    }
}

/// The zone: the browser's, UTC, or any by name.
#[component]
fn ZoneField() -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let is_unknown = RwSignal::new(false);
    let shown = Memo::new(move |_| navigation.view.with(|view| view.time_zone.id().to_owned()));
    let choose = move |event: ev::Event| {
        let zone = TimeZone::from_id(event_target_value(&event).trim());
        is_unknown.set(!zone.is_known());
        if zone.is_known() {
            navigation.adjust(|view| view.time_zone = zone);
        }
    };
    view! {
        <form on:submit=|event: ev::SubmitEvent| event.prevent_default()>
            <label>
                "Zone"
                <input
                    class="control"
                    data-testid="zone"
                    list="zones"
                    placeholder="as this computer"
                    prop:value=move || shown.get()
                    on:change=choose
                />
            </label>
            <datalist id="zones">
                <option value="UTC"></option>
                {ZONES.map(|zone| view! { <option value=zone></option> })}
            </datalist>
        </form>
        <Show when=move || is_unknown.get()>
            <p class="problem" role="alert">"This browser knows no zone of that name: write one such as Europe/Berlin."</p>
        </Show>
    }
}
